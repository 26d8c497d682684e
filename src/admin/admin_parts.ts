import type { PluginDetails } from "./api.ts";
import type { Told } from "./told.ts";
import type { ControlTarget } from "../control/control_target.ts";
import type { PackedPage } from "./packed_page.ts";
import type { History } from "../observe/history.ts";
import type { Readiness } from "../observe/readiness.ts";

/** What is told of plugins over time. */
export interface FiguresOverTime {
  /** Null where none is kept. */
  readonly history: History | null;
  /** Of the plugin of that name or business number; null where there is none. */
  details(name: string): Told<PluginDetails> | null;
}

/** What the admin API is made of. */
export interface AdminParts {
  readonly figures: FiguresOverTime;
  readonly target: ControlTarget;
  readonly version: string;
  /** ms since 1970 */
  readonly startedAt: number;
  readonly readiness: () => Readiness;
  /** The page of `GET /`; rejects with HttpError where there is none. */
  readonly page: () => Promise<PackedPage>;
}

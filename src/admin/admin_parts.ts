import type { ControlTarget } from "../control/control_target.ts";
import type { PackedPage } from "./packed_page.ts";
import type { Readiness } from "../observe/readiness.ts";

/** What the admin API is made of. */
export interface AdminParts {
  readonly target: ControlTarget;
  readonly version: string;
  /** ms since 1970 */
  readonly startedAt: number;
  readonly readiness: () => Readiness;
  /** The page of `GET /`; rejects with HttpError where there is none. */
  readonly page: () => Promise<PackedPage>;
}

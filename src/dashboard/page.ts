import type { Me, Stats } from "../admin/api.ts";
import type { ApiClient } from "./api_client.ts";
import type { DialogContent } from "./components/dialog.ts";
import type { Format } from "./format.ts";
import type { Finding } from "./health.ts";
import type { Translate } from "./translate.ts";
import type { TemplateResult } from "./lit.ts";
import type { Poll, Poller } from "./poller.ts";
import type { RateMeter } from "./rates.ts";
import type { Route } from "./route.ts";

/** What a view knows of the page and may have it do. */
export interface Page {
  readonly api: ApiClient;
  readonly t: Translate;
  readonly format: Format;
  readonly route: Route;
  /** Asked for each second, by the page itself; null until the first has come. */
  readonly stats: Stats | null;
  readonly me: Me | null;
  readonly rates: RateMeter;
  /** What is not as it should be, the worst first. */
  readonly findings: readonly Finding[];
  /** The server's clock, in ms since 1970. */
  readonly now: number;
  /** The view currently on screen is drawn anew, with the next frame. */
  update(): void;
  /** Asks the server again and again until the view is left. */
  poll<T>(poll: Poll<T>): Poller<T>;
  /** Goes to a view. */
  go(
    segments: readonly string[],
    query?: { readonly [key: string]: string | number | null | undefined },
  ): void;
  /** Other filters of this view: they stand in the address, and the way back goes to the view before. */
  filter(changes: { readonly [key: string]: string | null }): void;
  toast(level: "good" | "bad", text: string): void;
  /** Opens a dialog; one is open at a time. */
  open(dialog: DialogContent): void;
  close(): void;
  /** Whether changes may be made: of that plugin, or of the server. */
  mayControl(plugin?: string): boolean;
  /** The stats are asked for now, after a change. */
  refresh(): void;
}

/** One of the page's views, from when it is gone to until it is left. */
export interface View {
  /** For the window's title and the heading. */
  title(): string;
  /** What stands beside the heading. */
  tools?(): TemplateResult;
  render(): TemplateResult;
  /** The filters in the address are others. */
  routed?(): void;
  left?(): void;
}

/** Makes a view; `page.route` says what of. */
export type ViewMaker = (page: Page) => View;

import type { JsonObject } from "../plugin.ts";

/** How bad it is: `bad` loses or refuses work now, `warn` will, `note` is as somebody wanted it. */
export const LEVELS = ["bad", "warn", "note"] as const;
export type FindingLevel = typeof LEVELS[number];

/** What can be found. */
export const FINDING_KINDS = [
  "stopping",
  "starting",
  "server_full",
  "disk_full",
  "certificate",
  "forward",
  "slow_loop",
  "journal",
  "full",
  "no_worker",
  "failing",
  "unhealthy",
  "full_soon",
  "fills",
  "oldest",
  "spinning",
  "cleanup",
  "paused",
  "paused_empty",
  "dead",
] as const;
export type FindingKind = typeof FINDING_KINDS[number];

/** One thing that is not as it should be. */
export interface Finding extends JsonObject {
  kind: FindingKind;
  level: FindingLevel;
  /** Null is the server itself. */
  plugin: string | null;
  /** What a sentence says of it: names, counts, reasons. */
  values: { [name: string]: string | number };
  /** A part of a whole, 0 to 1; how long; since when, in ms since 1970. Null where it has none, or that is not known. */
  share: number | null;
  ms: number | null;
  since_at: number | null;
}

/** How a server is doing. */
export interface Verdict extends JsonObject {
  /** The worst level, notes left out; `well` where there is none. */
  state: "well" | "warn" | "bad";
  /** The worst first, of one level the server's first; at most {@link MAX_FINDINGS}. */
  findings: Finding[];
  /** Those beyond them. */
  more: number;
}

export const MAX_FINDINGS = 50;

/** What is known of a plugin's last minutes; null where no history is kept. */
export interface Recent {
  readonly step_ms: number;
  /** The last second of the last point, in ms since 1970. */
  readonly end_at: number;
  readonly done_per_second: readonly (number | null)[];
  readonly failed_per_second: readonly (number | null)[];
  /** Until it is full at the rate of the last minute, in ms; null where it gets no fuller. */
  readonly full_in_ms: number | null;
}

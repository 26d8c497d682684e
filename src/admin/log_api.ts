import type { JsonObject } from "../plugin.ts";
import type { Change } from "./change_api.ts";

export type LogLevelName = "debug" | "info" | "warn" | "error";

/** GET /api/v1/log?after=SEQ&level=&plugin=&text= */
export interface LogLines {
  readonly lines: readonly LogLine[];
  /** To be given as `after` for those to come. */
  readonly last: number;
  /** Lines between `after` and the first of these that are kept no more. */
  readonly missed: number;
  readonly truncated: boolean;
}

export interface LogLine {
  readonly seq: number;
  readonly at: number;
  readonly level: LogLevelName;
  readonly message: string;
  readonly fields: JsonObject;
}

/** GET /api/v1/log/levels */
export interface LogLevels {
  readonly server: LogLevelName;
  /** Null is the server's. */
  readonly plugins: { readonly [plugin: string]: LogLevelName | null };
}

/** POST /api/v1/log/levels; null is what the config says again. */
export interface LogLevelRequest extends Change {
  /** Null or left out is the server. */
  readonly plugin?: string | null;
  readonly level: LogLevelName | null;
}

/** What that answers. */
export interface LogLevelSet {
  readonly plugin: string | null;
  /** As it is now; null of a plugin is the server's. In a dry run what was asked for. */
  readonly level: LogLevelName | null;
  readonly before: LogLevelName | null;
  /** How long it holds, as a sentence. */
  readonly note: string;
  readonly dry_run?: true;
}

/** GET /api/v1/alerts */
export interface Alerts {
  readonly rules: readonly AlertRule[];
}

export interface AlertRule {
  readonly name: string;
  readonly kind: string;
  readonly plugin: string | null;
  /** What it watches for, as a sentence. */
  readonly condition: string;
  readonly state: "ok" | "pending" | "firing";
  readonly since_at: number | null;
  readonly value: number | null;
  readonly message: string | null;
  readonly last_sent_at: number | null;
  /** Why the last message could not be sent; null where it was. */
  readonly problem: string | null;
}

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

/** GET /api/v1/alerts: rules by what they watch, and who is told. */
export interface Alerts {
  readonly rules: readonly AlertRule[];
  readonly receivers: readonly AlertReceiver[];
}

export interface AlertRule {
  readonly name: string;
  readonly kind: "queue" | "failures" | "crashes" | "oldest" | "busy" | "journal" | "down" | "certificate";
  /** The plugin, or a certificate's listener; null where there is none to watch. */
  readonly subject: string | null;
  /** What it watches for, as a sentence. */
  readonly condition: string;
  readonly state: "ok" | "pending" | "firing" | "clearing";
  readonly since_at: number | null;
  readonly value: number | null;
  /** What it finds now, as a sentence. */
  readonly message: string | null;
  readonly last_sent_at: number | null;
  /** Why the last message did not reach a receiver; null where it did. */
  readonly problem: string | null;
}

export interface AlertReceiver {
  readonly name: string;
  /** `webhook hooks.slack.com`, `command notify`: never more of it. */
  readonly to: string;
  readonly waiting: number;
  readonly sent: number;
  /** Messages that were given up. */
  readonly dropped: number;
  readonly last_sent_at: number | null;
  readonly problem: string | null;
}

/** POST /api/v1/alerts/test */
export interface AlertTestRequest extends Change {
  /** Null or left out is every receiver. */
  readonly receiver?: string | null;
}

export interface AlertTested {
  readonly tests: readonly {
    readonly receiver: string;
    readonly to: string;
    /** Null where it has got the message; in a dry run nobody has got one. */
    readonly problem: string | null;
    readonly ms: number;
  }[];
  readonly dry_run?: true;
}

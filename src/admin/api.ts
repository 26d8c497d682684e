import type { JsonObject } from "../plugin.ts";
import type { ServerStats } from "../observe/server_stats.ts";
import type { Change } from "./change_api.ts";

export type { Finding, FindingKind, FindingLevel, Verdict } from "../observe/finding.ts";
export type * from "./change_api.ts";
export type * from "./figures_api.ts";
export type * from "./log_api.ts";
export type * from "./operations_api.ts";

// What the admin API takes and answers: types alone, for the server and for the page that it serves. Times are in ms since 1970
// (`_at`), durations in ms or µs as their names say. Lists are bounded and say so. Whatever is refused is a Problem.

/** The body of every answer that is none of 2xx: `application/problem+json`, RFC 9457. */
export interface Problem {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  /** A sentence for people. */
  readonly detail: string;
  /** The reply's, where an operation was answered with an error. */
  readonly code?: number;
  readonly name?: string;
}

/** GET /healthz: the thread that serves all callers gets on. */
export interface Health {
  readonly state: ServerState;
}

export type ServerState = "starting" | "running" | "draining" | "stopped";

/** GET /readyz, 200 or 503. */
export interface Ready {
  readonly state: ServerState;
  /** Why it is not ready, a sentence each; empty where it is. */
  readonly not_ready: readonly string[];
}

/** GET /api/v1/stats: what `mevent stats --json` prints. */
export type Stats = ServerStats;

/** GET /api/v1/me: who asks, what it may do, and of which server. */
export interface Me {
  readonly server: {
    readonly version: string;
    /** The machine's. */
    readonly hostname: string;
    readonly pid: number;
    readonly state: ServerState;
    readonly started_at: number;
    /** The clock that all times of the API are of. */
    readonly now_at: number;
  };
  /** The token's or the certificate's name; null where nobody is asked who he is. */
  readonly name: string | null;
  /** The listener asks for a token. */
  readonly needs_token: boolean;
  /** What the listener lets anybody do: `[server] admin`. */
  readonly admin: "full" | "read";
  readonly may: {
    /** Read figures; without it nothing but this is answered. */
    readonly stats: boolean;
    /** Change the server: reload, drain, stop. */
    readonly control: boolean;
  };
  /** Of each plugin. */
  readonly plugins: { readonly [plugin: string]: PluginRights };
}

export interface PluginRights {
  /** Pause, purge, retry, cancel, limits; sees params and results. */
  readonly control: boolean;
  readonly call: boolean;
  readonly enqueue: boolean;
  /** Its operations' params, results and errors are shown. */
  readonly see_params: boolean;
}

/** POST /api/v1/plugins/{plugin}/pause, …/resume. */
export type PauseRequest = Change;

export interface Paused {
  readonly plugin: string;
  readonly paused: boolean;
  readonly before: boolean;
  readonly queued: number;
  readonly dry_run?: true;
}

/** POST /api/v1/plugins/{plugin}/purge: all that has not begun, or the dead letters. */
export interface PurgeRequest extends Change {
  readonly dead?: boolean;
  /** Of one dead letter, as the plugin's queue counts it. */
  readonly id?: number;
}

export interface Purged {
  readonly plugin: string;
  readonly dead: boolean;
  readonly purged: number;
  /** Operations that are left: they run. */
  readonly running: number;
  readonly dry_run?: true;
}

/** POST /api/v1/plugins/{plugin}/retry-dead: puts dead letters back in line, the oldest first. */
export interface RetryDeadRequest extends Change {
  /** At most so many; or the one of that id. */
  readonly limit?: number;
  readonly id?: number;
}

export interface RetriedDead {
  readonly plugin: string;
  readonly retried: number;
  readonly left: number;
  readonly dry_run?: true;
}

/** POST /api/v1/reload; a dry run loads the config and the modules, starts nothing and changes nothing. */
export interface Reloaded {
  /** A sentence for each change: `plugin orders: workers 1 -> 2`. */
  readonly changed: readonly string[];
  /** A sentence for each change that waits for the next start. */
  readonly kept: readonly string[];
  readonly unchanged: boolean;
  readonly dry_run?: true;
}

/** POST /api/v1/drain: answered at once; how far it is stands in the stats, until the server ends. */
export type DrainRequest = Change;

/** POST /api/v1/stop. */
export interface StopRequest extends Change {
  /** Gives up what is left. */
  readonly now?: boolean;
}

export interface Stopping {
  /** Operations that are not done, and the plugins that will not do theirs by themselves. */
  readonly left: number;
  readonly paused: readonly string[];
  readonly drain_timeout_ms: number;
  readonly dry_run?: true;
}

/** What can be changed while workers go on. Durations and sizes as in the config: `"30s"`, `"64 MiB"`; or in ms and bytes. */
export interface Limits {
  /** Keys as in a plugin's config: `queue.max_ops`. */
  readonly [key: string]: string | number;
}

/** POST /api/v1/plugins/{plugin}/limits */
export interface LimitsRequest extends Change {
  readonly limits: Limits;
}

export interface LimitsChanged {
  readonly plugin: string;
  readonly changed: readonly LimitChange[];
  /** What is to be known of it, a sentence each: that the config's file keeps its values, and what a smaller bound does. */
  readonly notes: readonly string[];
  readonly dry_run?: true;
}

export interface LimitChange {
  readonly key: string;
  readonly before: string | number;
  readonly after: string | number;
}

/** GET /api/v1/audit?after=SEQ&limit= : every change of the running server, the newest last. */
export interface Audit {
  readonly entries: readonly AuditEntry[];
  readonly last: number;
  /** Entries that are kept no more, of all since the start. */
  readonly missed: number;
  readonly truncated: boolean;
}

/** The same as a line of the audit file. */
export interface AuditEntry {
  readonly seq: number;
  readonly at: number;
  readonly who: {
    /** How it came: by HTTP, a control socket's file or address, a signal, or the server by itself (a watched file). */
    readonly by: "http" | "control" | "signal" | "server";
    /** The token's or the certificate's name; null where nobody was asked. */
    readonly name: string | null;
    /** The caller's; null where it came by a socket's file. */
    readonly address: string | null;
    /** The user that a control socket's file belongs to; null where it came otherwise. */
    readonly uid: number | null;
  };
  /** As the control command or the last words of the path: `pause`, `retry-dead`, `limits`. */
  readonly action: string;
  readonly plugin: string | null;
  /** What was asked for beside that; never params of operations. */
  readonly details: JsonObject;
  readonly outcome: "done" | "begun" | "refused" | "failed";
  /** What came of it; counts, as the answer had them. Why it was refused. */
  readonly result: JsonObject;
  readonly message: string | null;
}

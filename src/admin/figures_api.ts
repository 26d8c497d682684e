import type { JsonObject, JsonValue } from "../plugin.ts";

/** A limit of a plugin as it counts now. */
export interface Limit {
  readonly key: string;
  /** As the config writes it. */
  readonly value: string | number;
  /** In ms, bytes, or as it stands. */
  readonly amount: number;
  readonly unit: "ms" | "bytes" | "count";
  /** It can be changed while workers go on. */
  readonly live: boolean;
  /** It was changed so, and the next reload brings back that of the config. */
  readonly edited: boolean;
  readonly description: string;
}

/**
 * GET /api/v1/history and /api/v1/history?plugin=NAME, with `&after=` the `end_at` of what one has: only newer points come then, and that
 * one, which may have grown. 409 where no history is kept.
 */
export interface History {
  readonly plugin: string | null;
  /** The last five minutes by the second, and the last hour by ten. */
  readonly fine: HistoryPart;
  readonly coarse: HistoryPart;
  /** Without a plugin: a short series of each, for its row. */
  readonly plugins?: { readonly [plugin: string]: Spark };
}

/** Series of the same length; `end_at` is the last second of the last point, which may not be full yet. */
export interface HistoryPart {
  readonly step_ms: number;
  readonly end_at: number;
  readonly points: number;
  readonly series: HistorySeries;
}

/** Null is a time of which nothing is known: before the server or the plugin was there, or nothing ran. */
export interface HistorySeries {
  readonly in_per_second: Series;
  readonly done_per_second: Series;
  readonly failed_per_second: Series;
  /** Not taken: BUSY, unknown commands, wrong options. */
  readonly refused_per_second: Series;
  readonly queued: Series;
  readonly oldest_ms: Series;
  readonly wait_p50_us: Series;
  readonly wait_p99_us: Series;
  readonly run_p50_us: Series;
  readonly run_p99_us: Series;
  readonly commit_p99_us: Series;
  readonly unsynced_bytes: Series;
}

export type Series = readonly (number | null)[];

/** The last five minutes of one plugin by ten seconds, done and failed per second; always whole. */
export interface Spark {
  readonly step_ms: number;
  readonly end_at: number;
  readonly done_per_second: Series;
  readonly failed_per_second: Series;
}

/** GET /api/v1/plugins/{plugin}; its figures are among the stats. */
export interface PluginDetails {
  readonly name: string;
  readonly description: string;
  readonly essential: boolean;
  readonly version: {
    /** Of its files; null where it is built in. */
    readonly hash: string | null;
    readonly module: string;
    readonly since_at: number;
  };
  readonly bound: {
    readonly ops: number;
    readonly max_ops: number;
    readonly bytes: number;
    readonly max_bytes: number;
    /** Until BUSY at the rates of the last minute; null where it gets no fuller. */
    readonly full_in_ms: number | null;
  };
  readonly workers: readonly WorkerDetails[];
  readonly commands: readonly CommandDetails[];
  /** When they run is among the timers: GET /api/v1/timers. */
  readonly timers: readonly { readonly name: string; readonly schedule: string }[];
  readonly limits: readonly Limit[];
  /** Its results are kept, and for how long; 0 where they are not. */
  readonly results_keep_ms: number;
  readonly durability: "memory" | "journal";
}

export interface WorkerDetails {
  readonly index: number;
  readonly state: "starting" | "running" | "retiring" | "failing" | "stopping";
  readonly isolation: "worker" | "process";
  /** Of a child process; null for a thread, which shares the server's. */
  readonly pid: number | null;
  readonly memory_bytes: number | null;
  readonly since_at: number;
  /** Operations that it holds, and that it has answered. */
  readonly holds: number;
  readonly answered: number;
  /** What keeps its plugin from its work, as the plugin says. */
  readonly problem: string | null;
}

export interface CommandDetails {
  /** Null for all commands together that are not counted each for itself. */
  readonly number: number | null;
  readonly name: string;
  readonly description: string;
  readonly idempotent: boolean;
  readonly batch_max: number | null;
  readonly done: number;
  readonly failed: number;
  /** Of those, its callers' mistakes. */
  readonly refused: number;
  /** Of the last minute. */
  readonly wait_p50_us: number;
  readonly wait_p99_us: number;
  readonly run_p50_us: number;
  readonly run_p99_us: number;
  /** JSON Schema of its params; null where it has none. */
  readonly schema: JsonObject | null;
  /** Params that it takes; null where they are not known. */
  readonly example: JsonValue;
}

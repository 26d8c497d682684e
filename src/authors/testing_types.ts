import type { Cache, CallError, Duration, JsonObject, JsonValue } from "../plugin.ts";

/**
 * Starts the real server in this process around a plugin, on a Unix socket in a folder of its own. The module is
 * `builtin:NAME`, a URL, or a path relative to the file of the test. Rejects where the plugin does not load or start.
 *
 * ```ts
 * await using plugin = await openPlugin("./orders.ts", { config: { currency: "EUR" } });
 * ```
 */
export type OpenPlugin = (module: string | URL, options?: OpenOptions) => Promise<OpenedPlugin>;

/**
 * Registers a test: with `Deno.test` under `deno test`, else with `mevent plugin test`. It fails where it throws or
 * rejects.
 */
export type Test = (name: string, run: () => void | Promise<void>) => void;

/** The plugin's `[[plugin]]` table, and what else the server is to be told. */
export interface OpenOptions extends PluginTable {
  /** Other plugins beside it, for `context.call` and `context.enqueue`. */
  readonly others?: readonly (PluginTable & { readonly module: string | URL })[];
  /** Keys of `[server]`; its addresses and its control socket are the test's own. */
  readonly server?: JsonObject;
}

/** `[[plugin]]` as in the config file. Without `name` the plugin has the one that its module says. */
export interface PluginTable {
  readonly name?: string;
  readonly biz?: number;
  readonly workers?: number;
  readonly concurrency?: number;
  readonly affinity?: string;
  readonly timeout?: Duration;
  readonly grace?: Duration;
  readonly ttl?: Duration;
  readonly max_delay?: Duration;
  readonly traceparent?: boolean;
  readonly retry?: {
    readonly max_attempts?: number;
    readonly backoff?: Duration;
    readonly max_backoff?: Duration;
  };
  readonly dedup?: {
    readonly window?: Duration;
    readonly max_keys?: number;
    readonly max_bytes?: number | string;
  };
  readonly dead?: { readonly max_ops?: number; readonly max_bytes?: number | string };
  /** Results are kept for an hour where the test does not say otherwise. */
  readonly results?: {
    readonly keep?: Duration;
    readonly max_ops?: number;
    readonly max_bytes?: number | string;
  };
  readonly isolation?: "worker" | "process";
  readonly max_memory?: number | string;
  readonly recycle_after?: number;
  readonly watch?: boolean;
  readonly health_interval?: Duration;
  readonly essential?: boolean;
  readonly log_level?: "auto" | "debug" | "info" | "warn" | "error";
  /** "0s" is never. */
  readonly slow_operation?: Duration;
  readonly queue?: { readonly max_ops?: number; readonly max_bytes?: number | string };
  /** With a journal what is queued is kept in a folder of the test's server, which goes with it. */
  readonly durability?: "memory" | "journal";
  readonly journal?: { readonly sync?: "always" | Duration; readonly max_disk?: number | string };
  readonly cache?: { readonly max_entries?: number; readonly max_bytes?: number | string };
  /** True where the test does not say otherwise: an error's stack then tells where the plugin threw it. */
  readonly expose_trace?: boolean;
  readonly permissions?: {
    readonly [kind in "net" | "read" | "write" | "env" | "run" | "sys" | "ffi" | "import"]?:
      | boolean
      | readonly string[];
  };
  readonly config?: JsonObject;
}

/** A plugin that a server of its own runs; disposing of it stops the server, `stop` of the plugin included. */
export interface OpenedPlugin extends AsyncDisposable {
  readonly name: string;
  readonly biz: number | undefined;
  /**
   * Runs a command, by its number or its name, and waits for its result: undefined where it has none. Rejects with a
   * {@link CallError} where it fails.
   */
  call(command: number | string, params?: JsonObject): Promise<JsonValue | undefined>;
  /**
   * Puts an operation into the queue; resolves with its id, as `context.id`, when it is queued. Rejects with a
   * {@link CallError} where it is refused.
   */
  enqueue(command: number | string, params?: JsonObject): Promise<string>;
  /**
   * Where an operation is and what it came to, once it has ended or after so many ms, 60,000 at most; without them as it is
   * now. Rejects with a {@link CallError} where nobody knows it, or not any more.
   */
  operation(id: string, waitMs?: number): Promise<OperationReport>;
  /**
   * Resolves when all that was queued is done or has failed for good, what waits for a delay or a retry included; rejects
   * where that takes more than so many ms, 10,000 where nothing is said.
   */
  idle(timeoutMs?: number): Promise<void>;
  /** The plugin's figures, as `mevent stats --json` shows them. */
  stats(): Figures;
  readonly cache: Pick<Cache, "get" | "set" | "delete" | "clear">;
  /** What the server and the plugins have logged so far, `debug` included; it grows. */
  readonly log: readonly LogLine[];
}

/** An operation, as `mevent result --json` shows it. */
export interface OperationReport {
  readonly id: string;
  readonly state:
    | "queued"
    | "running"
    | "delayed"
    | "retrying"
    | "unsynced"
    | "done"
    | "failed"
    | "dead"
    | "cancelled"
    | "expired";
  /** Attempts that have ended. */
  readonly attempts: number;
  /** What it has told by `context.progress`, while it runs. */
  readonly progress?: { readonly done: number; readonly total?: number; readonly note?: string };
  /** Of its last reply. */
  readonly code?: number;
  readonly result?: JsonValue;
  readonly error?: string;
}

/** A line of the log: its text, and beside `time`, `level` and `message` the fields that came with it. */
export interface LogLine extends JsonObject {
  readonly time: string;
  readonly level: string;
  readonly message: string;
}

/** The figures of a plugin; those named here are always there. */
export interface Figures extends JsonObject {
  /** Operations that wait, that run, that were done, that have failed. */
  readonly queued: number;
  readonly in_flight: number;
  readonly done: number;
  readonly failed: number;
  /** Operations that wait for their time, and for another attempt. */
  readonly delayed: number;
  readonly retrying: number;
  /** Attempts that failed and were not the last. */
  readonly retries: number;
  /** Operations that failed for good and are kept. */
  readonly dead: number;
  /** Operations that were refused because the queue was full. */
  readonly busy: number;
  readonly cache_entries: number;
  /** What the plugin counts and sets by `context.stats`. */
  readonly counters: { readonly [name: string]: number };
  readonly gauges: { readonly [name: string]: number };
}

export type { CallError };

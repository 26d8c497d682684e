/**
 * What a plugin author imports, types alone: `import type { Plugin } from "mevent/plugin"`.
 * A plugin is a module whose default export is a {@link Plugin}, or a {@link PluginFactory} that makes one; mevent runs it
 * in Web Workers of its own.
 *
 * @module
 */

/**
 * Any value that JSON can write. A whole number that is written in digits alone is a bigint beyond ±(2^53-1), and a number
 * within. What neither holds is an {@link ExactNumber}, where it is not refused.
 */
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  [key: string]: JsonValue;
}

/**
 * A number that neither a `number` nor a bigint holds: 0.1234567890123456789, 1e400. It is what `JSON.rawJSON` makes, which
 * `JSON.isRawJSON` tells and `JSON.stringify` writes as it stands.
 */
export interface ExactNumber extends JsonObject {
  /** Its text, as JSON writes numbers. */
  readonly rawJSON: string;
}

/** What `JSON` has beside what TypeScript knows of it: `const { isRawJSON } = JSON as JSON & ExactJson`. */
export interface ExactJson {
  /** What `JSON.stringify` writes as that text, of a number, string, boolean or null. Throws SyntaxError. */
  rawJSON(text: string): ExactNumber;
  /** Whether {@link ExactJson.rawJSON} has made it. */
  isRawJSON(value: unknown): value is ExactNumber;
}

/** A plugin: the commands it answers, and what it does when its worker starts and stops. */
export interface Plugin {
  /** The name callers send; 1..64 bytes. The config may give another. */
  readonly name: string;
  /** The business number, 1..65535: what callers may send instead of the name. The config may give another. */
  readonly biz?: number;
  /** One line for `mevent serve` and the dashboards. */
  readonly description?: string;
  /** How many operations one worker runs at once; 1 keeps them strictly in order. The config may give another. */
  readonly concurrency?: number;
  /**
   * No command returns a promise: the worker may block its thread while it waits for operations, which hands them over
   * faster. Timers and the answers of `context.cache` wait meanwhile, up to a tenth of a second.
   */
  readonly sync?: boolean;
  /** The commands by number, 1001..65535; 1..1000 belong to mevent. */
  readonly commands: { readonly [command: number]: Command };
  /** What is done again and again, in one of the plugin's workers. */
  readonly timers?: readonly Timer[];
  /** Runs once a worker before its first operation; what it throws keeps the worker from starting. */
  start?(context: StartContext): void | Promise<void>;
  /** Runs once a worker after its last operation. */
  stop?(context: PluginContext): void | Promise<void>;
  /**
   * Whether the worker can do its work, which what it throws denies: asked after `start`, where it keeps the worker from
   * starting, and every `health_interval` of the config, where it is logged and shown in the stats.
   */
  health?(context: PluginContext): void | Promise<void>;
}

/** Makes a plugin whose commands depend on its config; called once a worker. What it throws keeps the worker from starting. */
export type PluginFactory = (settings: PluginSettings) => Plugin | Promise<Plugin>;

/** What a {@link PluginFactory} makes a plugin from. */
export type PluginSettings = Pick<PluginContext, "name" | "config">;

/** One command of a plugin: done one operation at a time, or many at once. */
export type Command = SingleCommand | BatchCommand;

/** What every command has. */
export interface CommandBase {
  /** A short name for people: `create`, `send_mail`. */
  readonly name: string;
  /** One line for people. */
  readonly description?: string;
  /**
   * Running it twice does no more than running it once: where the config has `retry`, its sync operations are tried
   * again, too.
   */
  readonly idempotent?: boolean;
  /**
   * What the params are to be, in any library that implements Standard Schema: valibot, zod, arktype. Params that are not
   * are answered 23 with the path of what is wrong; the others are `context.input`.
   */
  readonly params?: StandardSchema;
}

/** A command that is called for each operation. */
export interface SingleCommand extends CommandBase {
  readonly batch?: undefined;
  /**
   * Does the work of one operation. What it returns is the result: a JSON value, the params as they came, a
   * {@link Success} with a code of its own, or nothing (the reply is the bare code 1000). What it throws is the
   * error: `context.fail(code, message)` for one of the plugin's own, anything else is answered 14.
   */
  // What `input` is, the author says: Context, or Context<Output<typeof schema>>.
  run(context: Context<unknown>): Result | Promise<Result>;
}

/** A command that is called with many operations at once: buffered writes. */
export interface BatchCommand extends CommandBase {
  readonly batch: BatchLimits;
  /**
   * Does the work of all of them. What it returns are their results, one each and in their order, an Error being the error
   * of its operation; nothing at all is nothing for each. What it throws is the error of all.
   */
  runBatch(
    operations: readonly Context<unknown>[],
    batch: BatchContext,
  ): BatchResults | Promise<BatchResults>;
}

/** How long operations are gathered before they are run together. */
export interface BatchLimits {
  /** So many at most, 1..100000. */
  readonly max: number;
  /**
   * How long the first of them waits for others: "5ms", "1s", or milliseconds. Without it, or with 0, a batch is what has
   * come while the one before it ran.
   */
  readonly wait?: Duration;
}

/** What a batch command may return. */
export type BatchResults = readonly (Result | Error)[] | undefined | void;

/** A time as text, "250ms", "10s", "5m", "1h", "1d", or in milliseconds. */
export type Duration = string | number;

/** Something that is done again and again: exactly one of `every` and `cron`. */
export interface Timer {
  /** For the log: `sweep`. */
  readonly name: string;
  /** From the end of one run to the next, at least 10 ms. */
  readonly every?: Duration;
  /** Minute, hour, day of month, month, day of week; with six fields, seconds first. Or a name such as `@daily`. */
  readonly cron?: string;
  /** Of `cron`, as in the IANA time zone database: `Europe/Berlin`. Without it, UTC. */
  readonly timeZone?: string;
  /**
   * Does it; of a plugin's workers one runs its timers, and a run that has not ended is not begun again. What it throws is
   * logged.
   */
  run(context: PluginContext): void | Promise<void>;
}

/** The part of Standard Schema v1 that mevent reads. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (
      value: unknown,
    ) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema says of a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
    readonly issues: readonly {
      readonly message: string;
      readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
    }[];
  };

/** What a schema makes of the params: `Context<Output<typeof schema>>`. */
export type Output<Schema extends StandardSchema> = NonNullable<Schema["~standard"]["types"]>["output"];

/** What a command may return. */
export type Result = JsonValue | Params | Success | undefined | void;

/** A success with a code of the plugin's own, made by `context.reply`. */
export interface Success {
  /** 1000 or more. */
  readonly code: number;
  readonly value: JsonValue | Params | undefined;
}

/** What a plugin knows of itself in `start`, `stop` and every command. */
export interface PluginContext {
  readonly name: string;
  readonly biz: number | undefined;
  /** Which of the plugin's workers this is, from 0. */
  readonly worker: number;
  /** `[plugin.config]` of the config file, as it stands there. */
  readonly config: JsonObject;
  readonly log: Logger;
  readonly cache: Cache;
  readonly stats: Stats;
  /** Aborts when the worker is to stop. */
  readonly signal: AbortSignal;
  /**
   * Runs a command of another plugin, by its name or business number, and waits for its result: undefined where it has
   * none. Rejects with a {@link CallError} where it fails.
   */
  call(plugin: string | number, command: number, params?: JsonObject): Promise<JsonValue | undefined>;
  /**
   * Puts an operation into the queue of another plugin, or of this one; resolves when it is queued. Rejects with a
   * {@link CallError} where it is refused.
   */
  enqueue(plugin: string | number, command: number, params?: JsonObject): Promise<void>;
}

/** What `start` gets. */
export interface StartContext extends PluginContext {
  /**
   * No operation of the plugin has run since the server has been there: time to read what was kept on disk. False where
   * the worker takes the place of another one.
   */
  readonly first: boolean;
  /** The same in all workers of the plugin for as long as the server runs, and in no other server. */
  readonly run: string;
}

/** What `call` and `enqueue` reject with; `instanceof Error`, told apart by its name. */
export interface CallError extends Error {
  readonly name: "CallError";
  /** The reply's code: 14, 17, 18, 21, 23, or one of the plugin's own. */
  readonly code: number;
}

/** What a batch command gets beside the operations. */
export interface BatchContext extends PluginContext {
  readonly command: number;
  /** Aborts when the time of the batch is over, all of its operations are cancelled, or the worker is to stop. */
  readonly signal: AbortSignal;
  /** When the batch's time is over, in ms since 1970. */
  readonly deadline: number;
}

/** What a command gets. */
export interface Context<Input = JsonObject> extends PluginContext {
  readonly command: number;
  /**
   * What no other operation has, the same in all attempts of this one: up to 64 letters, digits and dashes. A dead letter
   * that is retried by hand is an operation of its own.
   */
  readonly id: string;
  /** True where the caller waits for the result. */
  readonly sync: boolean;
  readonly params: Params;
  /** What the command's schema makes of the params; without one, all params as one object. */
  readonly input: Input;
  /** Aborts when the operation's time is over or the worker is to stop. */
  readonly signal: AbortSignal;
  /** When the operation's time is over, in ms since 1970. */
  readonly deadline: number;
  /**
   * An error to throw, with a sentence for the caller: a code of the plugin's own, 25..999, or 14, 19 (no room), 20 (the
   * database), 23 (a param is wrong), 24 (no such key). `wish` is about further attempts, where the config has `retry`.
   */
  fail(code: number, message: string, wish?: RetryWish): Error;
  /**
   * An error to throw before anything was done: the operation waits for so many ms, 10 at least and 4 hours at most, gets in
   * line again and is run then. No attempt is counted; `ttl` of the config bounds how long that may go on.
   */
  later(ms: number, message: string): Error;
  /**
   * Tells how far the operation is, for those who ask: `done` of `total`, which may be left out, and a note of up to 200
   * characters. The newest word counts; it is passed on ten times a second at most. Throws TypeError where `done` or `total`
   * is no number from 0 on.
   */
  progress(done: number, total?: number, note?: string): void;
  /** A success with a code of its own, 1000 or more. */
  reply(code: number, value?: JsonValue | Params): Success;
}

/** What a plugin says of the next attempt of an operation that has failed. */
export interface RetryWish {
  /** It would fail again: it is not tried again. */
  readonly retry?: false;
  /** It is to wait at least so long, in ms; more than `max_backoff` of the config it never waits. */
  readonly retryAfter?: number;
}

/**
 * The params of an operation. A key may be a path (`user.address.city`, `rows.0.id`). A getter without a default
 * answers the caller 23 where the param is missing; every getter answers 23 where it is of the wrong type.
 */
export interface Params {
  has(key: string): boolean;
  /** A text; a number counts, exact: whole ones in all their digits. */
  string(key: string, otherwise?: string): string;
  /** A whole number within ±2^53; text that spells one counts. */
  int(key: string, otherwise?: number): number;
  /** A whole number, exact, of at most 309 digits; text that spells one counts. */
  bigint(key: string, otherwise?: bigint): bigint;
  /** A finite number that a double holds; text that spells one counts. */
  number(key: string, otherwise?: number): number;
  /** true or false; 1, 0, "1", "0", "true" and "false" count. */
  bool(key: string, otherwise?: boolean): boolean;
  /** Whatever stands at the key; 23 where that is, or has in it, a number that neither a `number` nor a bigint holds. */
  value(key: string, otherwise?: JsonValue): JsonValue;
  /** All params as one object; 23 as for {@link Params.value}. */
  all(): JsonObject;
  /** All params as one object, to be passed on; what neither a `number` nor a bigint holds is an {@link ExactNumber}. */
  exact(): JsonObject;
  /** Whatever stands at the key, to be passed on in the same way. */
  exact(key: string, otherwise?: JsonValue): JsonValue;
}

/** Writes to mevent's log, under the plugin's name. */
export interface Logger {
  debug(message: string, fields?: JsonObject): void;
  info(message: string, fields?: JsonObject): void;
  warn(message: string, fields?: JsonObject): void;
  error(message: string, fields?: JsonObject): void;
}

/** The plugin's cache, the one that the system commands 100-103 read and write; all its workers share it. */
export interface Cache {
  /** The value, or undefined where there is none or it has expired. */
  get(key: string): Promise<string | undefined>;
  /** `expire` in seconds; without it, or with 0, the entry stays. Rejects where it is larger than the whole cache may be. */
  set(key: string, value: string, expire?: number): Promise<void>;
  /**
   * Adds to a whole number within ±2^53 and returns the sum; what is not there counts as 0. Keeps the entry's expiry; a new
   * one gets `expire`, in seconds. Rejects where the value is no such number.
   */
  incr(key: string, by?: number, expire?: number): Promise<number>;
  /**
   * Sets a value where the present one is `expected`, undefined where there is to be none; false where it is another one.
   */
  cas(key: string, expected: string | undefined, value: string, expire?: number): Promise<boolean>;
  /**
   * All entries, some at a time, for snapshots: those that are there from the first to the last are told, at least once.
   * `expire` is what is left of its time, in seconds; 0 is for good.
   */
  entries(): AsyncIterableIterator<{ key: string; value: string; expire: number }>;
  /** True where there was one. */
  delete(key: string): Promise<boolean>;
  clear(): Promise<void>;
}

/** Figures of the plugin's own, shown by `mevent stats`; counters add up over its workers. */
export interface Stats {
  /** Adds to a counter, by 1 where nothing else is said. */
  count(name: string, by?: number): void;
  /** Sets a gauge. */
  gauge(name: string, value: number): void;
}

/**
 * What a plugin author imports, types alone: `import type { Plugin } from "mevent/plugin"`.
 * A plugin is a module whose default export is a {@link Plugin}; mevent runs it in Web Workers of its own.
 *
 * @module
 */

/** Any value that JSON can write. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  [key: string]: JsonValue;
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
  /** Runs once a worker before its first operation; what it throws keeps the worker from starting. */
  start?(context: PluginContext): void | Promise<void>;
  /** Runs once a worker after its last operation. */
  stop?(context: PluginContext): void | Promise<void>;
}

/** One command of a plugin. */
export interface Command {
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
   * Does the work of one operation. What it returns is the result: a JSON value, the params as they came, a
   * {@link Success} with a code of its own, or nothing (the reply is the bare code 1000). What it throws is the
   * error: `context.fail(code, message)` for one of the plugin's own, anything else is answered 14.
   */
  run(context: Context): Result | Promise<Result>;
}

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
}

/** What a command gets. */
export interface Context extends PluginContext {
  readonly command: number;
  /** True where the caller waits for the result. */
  readonly sync: boolean;
  readonly params: Params;
  /** Aborts when the operation's time is over or the worker is to stop. */
  readonly signal: AbortSignal;
  /** An error to throw: code 25..999, and a sentence for the caller. */
  fail(code: number, message: string): Error;
  /** A success with a code of its own, 1000 or more. */
  reply(code: number, value?: JsonValue | Params): Success;
}

/**
 * The params of an operation. A key may be a path (`user.address.city`, `rows.0.id`). A getter without a default
 * answers the caller 23 where the param is missing; every getter answers 23 where it is of the wrong type.
 */
export interface Params {
  has(key: string): boolean;
  string(key: string, otherwise?: string): string;
  /** A whole number within ±2^53; text that spells one counts. */
  int(key: string, otherwise?: number): number;
  /** A finite number; text that spells one counts. */
  number(key: string, otherwise?: number): number;
  /** true or false; 1, 0, "1", "0", "true" and "false" count. */
  bool(key: string, otherwise?: boolean): boolean;
  /** Whatever stands at the key. */
  value(key: string, otherwise?: JsonValue): JsonValue;
  /** All params as one object. */
  all(): JsonObject;
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
  /** `expire` in seconds; without it, or with 0, the entry stays. */
  set(key: string, value: string, expire?: number): Promise<void>;
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

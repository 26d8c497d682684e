import type {
  Cache,
  Context,
  JsonObject,
  JsonValue,
  Logger,
  Params,
  PluginContext,
  Stats,
  Success,
} from "../plugin.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { OperationError } from "./operation_error.ts";
import type { OperationParams } from "./params.ts";

/** What `context.reply` makes. */
export class OperationSuccess implements Success {
  constructor(readonly code: number, readonly value: JsonValue | Params | undefined) {
    if (!Number.isInteger(code) || code < ReplyCode.Ok || code > 0xffffffff) {
      throw new RangeError(`context.reply: code ${code} is not a whole number from 1000 on`);
    }
  }
}

/** What a command gets: the plugin's own context and one operation. */
export class OperationContext implements Context {
  #abort: AbortController | null = null;
  #aborted: unknown = undefined;

  constructor(
    readonly plugin: PluginContext,
    readonly command: number,
    readonly sync: boolean,
    readonly params: OperationParams,
  ) {}

  get name(): string {
    return this.plugin.name;
  }
  get biz(): number | undefined {
    return this.plugin.biz;
  }
  get worker(): number {
    return this.plugin.worker;
  }
  get config(): JsonObject {
    return this.plugin.config;
  }
  get log(): Logger {
    return this.plugin.log;
  }
  get cache(): Cache {
    return this.plugin.cache;
  }
  get stats(): Stats {
    return this.plugin.stats;
  }

  get input(): JsonObject {
    return this.params.all();
  }
  get deadline(): number {
    throw new Error("PLACEHOLDER");
  }

  call(plugin: string | number, command: number, params?: JsonObject): Promise<JsonValue | undefined> {
    return this.plugin.call(plugin, command, params);
  }

  enqueue(plugin: string | number, command: number, params?: JsonObject): Promise<void> {
    return this.plugin.enqueue(plugin, command, params);
  }

  /** Made on first use: most commands never look at it. */
  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.#aborted !== undefined) this.#abort.abort(this.#aborted);
    }
    return this.#abort.signal;
  }

  fail(code: number, message: string): Error {
    return new OperationError(code, message);
  }

  reply(code: number, value?: JsonValue | Params): Success {
    return new OperationSuccess(code, value);
  }

  /** Aborts `signal`, now or when the command first asks for it. */
  abort(reason: unknown): void {
    this.#aborted = reason;
    this.#abort?.abort(reason);
  }
}

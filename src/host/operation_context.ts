import type { Context, JsonValue, Logger, Params, PluginContext, RetryWish, Success } from "../plugin.ts";
import { operationId } from "../queue/operation_id.ts";
import { ReplyCode } from "../protocol/codes.ts";
import type { CallClient } from "./call_client.ts";
import { ExecutionContext } from "./execution_context.ts";
import type { OperationView } from "../ring/handoff.ts";
import { OperationError, postponed } from "./operation_error.ts";
import { operationLog } from "./operation_log.ts";
import type { OperationParams } from "./params.ts";

/** What `context.reply` makes. */
export class OperationSuccess implements Success {
  constructor(readonly code: number, readonly value: JsonValue | Params | undefined) {
    if (!Number.isInteger(code) || code < ReplyCode.Ok || code > 0xffffffff) {
      throw new RangeError(`context.reply: code ${code} is not a whole number from 1000 on`);
    }
  }
}

/** The command has no schema, or its params have not been looked at yet. */
const UNCHECKED = Symbol("unchecked");

/** What a command gets: the plugin's own context and one operation. */
export class OperationContext extends ExecutionContext implements Context<unknown> {
  #input: unknown = UNCHECKED;
  #run = "";
  #second = 0;
  #idLow = 0;
  #log: Logger | null = null;

  constructor(
    plugin: PluginContext,
    calls: CallClient,
    hops: number,
    command: number,
    readonly sync: boolean,
    readonly params: OperationParams,
    startedAt: number,
    timeout: number,
  ) {
    super(plugin, calls, hops, command, startedAt, timeout);
  }

  /** What {@link id} is made of, and where the operation is held. */
  identify(
    run: string,
    view: Pick<OperationView, "slot" | "sequence" | "acceptedSecond" | "idLow">,
  ): void {
    this.stands(view);
    this.#run = run;
    this.#second = view.acceptedSecond;
    this.#idLow = view.idLow;
  }

  /** The plugin's run, when the operation was accepted, and its number: a plugin that is removed and added counts anew. */
  get id(): string {
    return operationId({ run: this.#run, second: this.#second, idLow: this.#idLow });
  }

  /** Its lines carry the operation's id. */
  override get log(): Logger {
    return this.#log ??= operationLog(this.plugin.log, () => this.id);
  }

  /** Bound, as `call` is. */
  get progress(): Context["progress"] {
    return (...progress) => this.calls.progress.report(this.operation!, ...progress);
  }

  get input(): unknown {
    return this.#input === UNCHECKED ? this.params.all() : this.#input;
  }

  /** The command's schema has made this of the params. */
  checked(input: unknown): void {
    this.#input = input;
  }

  fail(code: number, message: string, wish?: RetryWish): Error {
    return new OperationError(code, message, wish);
  }

  later(ms: number, message: string): Error {
    return postponed(ms, message);
  }

  reply(code: number, value?: JsonValue | Params): Success {
    return new OperationSuccess(code, value);
  }
}

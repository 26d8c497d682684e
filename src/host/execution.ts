import type { Result, SingleCommand } from "../plugin.ts";
import type { Encoding } from "../protocol/body.ts";
import type { Addressee, ReplyWriter } from "./reply_writer.ts";
import type { OperationContext } from "./operation_context.ts";

/** What takes one of a worker's places until it has ended: an operation, or a batch of them. */
export interface Execution<Value> {
  readonly what: "operation" | "batch";
  readonly command: number;
  /** Its place is one that sync operations may take. */
  readonly sync: boolean;
  /** Monotonic, in ms. */
  readonly startedAt: number;
  /** Its time was over and the callers have been told. */
  answered: boolean;
  /** Answers with what the command returned, `ms` after its start. Throws where that cannot be written. */
  succeed(replies: ReplyWriter, ms: number, value: Value): void;
  /** Answers for what it threw. */
  fail(replies: ReplyWriter, ms: number, error: unknown): void;
  /** Aborts its signals. */
  abort(reason: unknown): void;
  /** Aborts the signal of one of its operations, where it has it. */
  cancel(slot: number, sequence: number): void;
}

/** What an operation is told that was cancelled. */
export const CANCELLED = "the operation was cancelled";

/** An operation whose command returned a promise. */
export class SingleExecution implements Execution<Result>, Addressee {
  readonly what = "operation";
  answered = false;

  constructor(
    readonly slot: number,
    readonly sequence: number,
    readonly encoding: Encoding,
    readonly idLow: number,
    readonly context: OperationContext,
  ) {}

  get command(): number {
    return this.context.command;
  }
  get sync(): boolean {
    return this.context.sync;
  }
  get startedAt(): number {
    return this.context.startedAt;
  }

  succeed(replies: ReplyWriter, ms: number, result: Result): void {
    replies.succeed(this, ms, this.context.params, result);
  }

  fail(replies: ReplyWriter, ms: number, error: unknown): void {
    replies.fail(this, ms, error);
  }

  abort(reason: unknown): void {
    this.context.abort(reason);
  }

  cancel(slot: number, sequence: number): void {
    if (this.slot === slot && this.sequence === sequence) this.context.abort(new Error(CANCELLED));
  }
}

/** Promises, and what query builders return instead. */
export function isThenable<Value>(result: unknown): result is PromiseLike<Value> {
  return typeof result === "object" && result !== null && "then" in result &&
    typeof result.then === "function";
}

/** Runs a command once its params have been looked at. */
export async function runChecked(
  command: SingleCommand,
  context: OperationContext,
  input: PromiseLike<unknown>,
): Promise<Result> {
  context.checked(await input);
  return await command.run(context);
}

import type { BatchCommand, BatchContext, BatchResults, PluginContext } from "../plugin.ts";
import type { Addressee, ReplyWriter } from "./reply_writer.ts";
import { CANCELLED, type Execution } from "./execution.ts";
import type { CallClient } from "./call_client.ts";
import { ExecutionContext } from "./execution_context.ts";
import type { OperationContext } from "./operation_context.ts";
import { textOf } from "../text_of.ts";

/** How long a batch is gathered at most while its command asks for no wait and others come in between; in ms. */
const BUSY_WAIT_MS = 4;

/** A batch command's limits as the host uses them. */
export interface BatchBounds {
  readonly max: number;
  /** In ms. */
  readonly wait: number;
}

/** An operation of a batch. */
interface Member extends Addressee {
  readonly context: OperationContext;
  /** Its params are still being looked at. */
  readonly check: Promise<unknown> | null;
}

/**
 * Operations that run in one call: gathered, then run.
 *
 * ```
 * open ──full, waited for, its place wanted──► running ─► ended
 *   └──all cancelled──► dropped
 * ```
 */
export class Batch implements Execution<BatchResults> {
  readonly what = "batch";
  readonly context: BatchContext & ExecutionContext;
  answered = false;
  #members: Member[] = [];
  #checks = 0;

  constructor(
    readonly handler: BatchCommand,
    readonly bounds: BatchBounds,
    plugin: PluginContext,
    calls: CallClient,
    command: number,
    timeout: number,
    /** Of the operation that it begins with: whose kind of place it takes. */
    readonly sync: boolean,
    /** Monotonic, in ms. */
    readonly openedAt: number,
  ) {
    this.context = new ExecutionContext(plugin, calls, 0, command, openedAt, timeout);
  }

  get command(): number {
    return this.context.command;
  }
  get startedAt(): number {
    return this.context.startedAt;
  }
  get size(): number {
    return this.#members.length;
  }
  get isFull(): boolean {
    return this.#members.length >= this.bounds.max;
  }

  /** When it goes off at the latest; monotonic, in ms. */
  get dueAt(): number {
    return this.openedAt + (this.bounds.wait || BUSY_WAIT_MS);
  }

  /** @param check what becomes of its params, where the command's schema has not said yet */
  add(
    { slot, sequence, encoding, sync, command, idLow }: Addressee,
    context: OperationContext,
    check: PromiseLike<unknown> | null,
  ): void {
    if (check !== null) this.#checks++;
    this.#members.push({
      slot,
      sequence,
      encoding,
      sync,
      command,
      idLow,
      context,
      check: check === null ? null : settled(check, context),
    });
  }

  /** Takes an operation out before the batch runs. */
  remove(slot: number, sequence: number): Addressee | null {
    const at = this.#members.findIndex((member) => member.slot === slot && member.sequence === sequence);
    return at < 0 ? null : this.#members.splice(at, 1)[0]!;
  }

  /** Runs it; its time begins. Throws what the command throws. */
  run(replies: ReplyWriter, time: number): BatchResults | PromiseLike<BatchResults> {
    this.context.startedAt = time;
    this.#choose();
    for (const { context } of this.#members) context.startedAt = time;
    if (this.#checks > 0) return this.#runChecked(replies);
    return this.handler.runBatch(this.#contexts, this.context);
  }

  /** The operation to which most calls have led speaks for all, as long as it is not cancelled. */
  #choose(): void {
    const running = this.#members.filter(({ context }) => !context.isAborted);
    if (running.length === 0) return;
    const chosen = running.reduce((most, each) => each.context.hops > most.context.hops ? each : most);
    this.context.stands(chosen);
    this.context.hops = chosen.context.hops;
  }

  /** Operations whose params turn out to be wrong are answered, and not part of it. */
  async #runChecked(replies: ReplyWriter): Promise<BatchResults> {
    const errors = await Promise.all(this.#members.map(({ check }) => check));
    if (this.answered) return;
    const kept: Member[] = [];
    for (const [at, member] of this.#members.entries()) {
      const wrong = errors[at];
      if (wrong instanceof Wrong) replies.fail(member, 0, wrong.error);
      else kept.push(member);
    }
    this.#members = kept;
    this.#choose();
    return kept.length === 0 ? [] : await this.handler.runBatch(this.#contexts, this.context);
  }

  get #contexts(): OperationContext[] {
    return this.#members.map(({ context }) => context);
  }

  /** Never throws: what is wrong with one result is its operation's error. */
  succeed(replies: ReplyWriter, ms: number, results: BatchResults): void {
    const members = this.#members;
    const wrong = this.#wrongWith(results);
    if (wrong !== null) return this.fail(replies, ms, new Error(wrong));
    const each = ms / members.length;
    let failed = 0;
    let first: unknown;
    for (const [at, member] of members.entries()) {
      try {
        const result = results?.[at];
        if (result instanceof Error) throw result;
        replies.succeed(member, each, member.context.params, result);
      } catch (error) {
        if (replies.failQuietly(member, each, error) && failed++ === 0) first = error;
      }
    }
    if (failed > 0) {
      const fields = { command: this.command, failed, operations: members.length };
      replies.tell("operations of a batch failed", first, fields);
    }
  }

  fail(replies: ReplyWriter, ms: number, error: unknown): void {
    const { command, size: operations } = this;
    replies.failAll(this.#members, ms / operations, error, { command, operations });
  }

  abort(reason: unknown): void {
    this.context.abort(reason);
    for (const { context } of this.#members) context.abort(reason);
  }

  cancel(slot: number, sequence: number): void {
    const member = this.#members.find((each) => each.slot === slot && each.sequence === sequence);
    if (member === undefined) return;
    member.context.abort(new Error(CANCELLED));
    this.#choose();
    if (this.#members.every(({ context }) => context.isAborted)) {
      this.context.abort(new Error("all operations of the batch were cancelled"));
    }
  }

  /** A sentence, where it is not one result for each operation. */
  #wrongWith(results: BatchResults): string | null {
    if (results === undefined) return null;
    try {
      if (!Array.isArray(results)) return `runBatch is to return an array, not ${kindOf(results)}`;
      const { length } = results;
      return length === this.size ? null : `runBatch returned ${length} results for ${this.size} operations`;
    } catch (error) {
      return `runBatch returned what cannot be read: ${textOf(error)}`;
    }
  }
}

/** Why an operation is not part of its batch. */
class Wrong {
  constructor(readonly error: unknown) {}
}

/** Null where the params are right. Handled as soon as it settles: the batch may run much later. */
async function settled(check: PromiseLike<unknown>, context: OperationContext): Promise<Wrong | null> {
  try {
    context.checked(await check);
    return null;
  } catch (error) {
    return new Wrong(error);
  }
}

function kindOf(value: unknown): string {
  return value === null ? "null" : `a value of type ${typeof value}`;
}

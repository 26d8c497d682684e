import { timeOutText } from "../protocol/time_out_text.ts";
import type { ReplyWriter } from "./reply_writer.ts";
import type { Execution } from "./execution.ts";
import type { HostSetup } from "../ring/messages.ts";

/** A timer that goes off later than this was kept from that, in ms; and what others get then to be read in. */
const LATE_MS = 50;
const READ_MS = 20;

/** The executions that have returned a promise, and their time: answers and aborts what runs too long. */
export class InProgress {
  /** The oldest first. */
  readonly #running = new Set<Execution<unknown>>();
  #deadline: number | undefined;
  /** When the timer goes off; monotonic, in ms. */
  #dueAt = Infinity;
  #isOverdue = false;
  /** The timer went off late, and once more for that. */
  #isLate = false;

  constructor(
    readonly limits: Pick<HostSetup, "timeout" | "grace">,
    readonly replies: ReplyWriter,
    /** An execution of that command has not ended within its time-out and its grace; told once. */
    readonly overdue: (command: number) => void,
    /** An execution has really ended, and is answered. */
    readonly ended: (execution: Execution<unknown>) => void,
    /** So many ms since then count against nobody. */
    readonly lostSince: (time: number) => number,
  ) {}

  get count(): number {
    return this.#running.size;
  }

  /** Waits for an execution. `await`, and not `then`: what a plugin wrote over its promise's methods is not called. */
  async follow<Value>(execution: Execution<Value>, result: PromiseLike<Value>): Promise<void> {
    const { replies } = this;
    this.#running.add(execution);
    this.#watch(execution.startedAt + this.limits.timeout);
    try {
      const value = await result;
      if (!execution.answered) execution.succeed(replies, performance.now() - execution.startedAt, value);
    } catch (error) {
      if (!execution.answered) execution.fail(replies, performance.now() - execution.startedAt, error);
    } finally {
      this.#running.delete(execution);
      this.ended(execution);
    }
  }

  abort(reason: Error): void {
    for (const execution of this.#running) execution.abort(reason);
  }

  /** Aborts the signal of an operation, where it still runs. */
  cancel(slot: number, sequence: number): void {
    for (const execution of this.#running) execution.cancel(slot, sequence);
  }

  /** One timer for all of them: the one that is set, unless this end comes before it. */
  #watch(end: number): void {
    if (end >= this.#dueAt) return;
    clearTimeout(this.#deadline);
    this.#dueAt = end;
    this.#deadline = setTimeout(() => this.#onDeadline(), Math.max(end - performance.now(), 0));
  }

  /** When something is to be done next: about the oldest execution that has its time yet, or one that is over it. */
  #nextEnd(): number {
    let end = Infinity;
    for (const execution of this.#running) {
      end = Math.min(end, this.#endOf(execution));
      if (!execution.answered) break;
    }
    return end;
  }

  /** When something is to be done about an execution that still runs. */
  #endOf({ startedAt, answered }: Execution<unknown>): number {
    const { timeout, grace } = this.limits;
    const end = startedAt + timeout + this.lostSince(startedAt);
    if (!answered) return end;
    return this.#isOverdue ? Infinity : end + grace;
  }

  /** Answers and aborts what has run too long; tells of what goes on all the same. */
  #onDeadline(): void {
    const now = performance.now();
    if (now - this.#dueAt > LATE_MS && !this.#isLate) {
      // What has come meanwhile is read first: it may be the results.
      this.#isLate = true;
      this.#deadline = setTimeout(() => this.#onDeadline(), READ_MS);
      return;
    }
    this.#isLate = false;
    this.#dueAt = Infinity;
    for (const execution of this.#running) {
      if (this.#endOf(execution) > now) {
        if (execution.answered) continue;
        break;
      }
      if (execution.answered) {
        this.#isOverdue = true;
        this.overdue(execution.command);
        continue;
      }
      execution.answered = true;
      const error = new Error(timeOutText(`the ${execution.what}`, this.limits.timeout));
      execution.fail(this.replies, now - execution.startedAt, error);
      execution.abort(error);
    }
    this.replies.publish();
    this.#watch(this.#nextEnd());
  }
}

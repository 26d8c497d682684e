import type { Answers } from "./reply_writer.ts";
import type { Call } from "./execution.ts";
import type { HostSetup } from "../ring/messages.ts";

/** A timer that goes off later than this was kept from that, in ms; and what others get then to be read in. */
const LATE_MS = 50;
const READ_MS = 20;

/** The calls that have returned a promise, and their time: answers and aborts what runs too long. */
export class Calls {
  /** The oldest first. */
  readonly #running = new Set<Call<unknown>>();
  #deadline: number | undefined;
  /** When the timer goes off; monotonic, in ms. */
  #dueAt = Infinity;
  #isOverdue = false;
  /** The timer went off late, and once more for that. */
  #isLate = false;

  constructor(
    readonly limits: Pick<HostSetup, "timeout" | "grace">,
    readonly answers: Answers,
    /** A call of that command has not ended within its time-out and its grace; told once. */
    readonly overdue: (command: number) => void,
    /** A call has really ended, and is answered. */
    readonly ended: (call: Call<unknown>) => void,
    /** So many ms since then count against nobody. */
    readonly lostSince: (time: number) => number,
  ) {}

  get count(): number {
    return this.#running.size;
  }

  /** Waits for a call. `await`, and not `then`: what a plugin wrote over its promise's methods is not called. */
  async follow<Value>(call: Call<Value>, result: PromiseLike<Value>): Promise<void> {
    const { answers } = this;
    this.#running.add(call);
    this.#watch(call.startedAt + this.limits.timeout);
    try {
      const value = await result;
      if (!call.answered) call.succeed(answers, performance.now() - call.startedAt, value);
    } catch (error) {
      if (!call.answered) call.fail(answers, performance.now() - call.startedAt, error);
    } finally {
      this.#running.delete(call);
      this.ended(call);
    }
  }

  abort(reason: Error): void {
    for (const call of this.#running) call.abort(reason);
  }

  /** Aborts the signal of an operation, where it still runs. */
  cancel(slot: number, sequence: number): void {
    for (const call of this.#running) call.cancel(slot, sequence);
  }

  /** One timer for all of them: the one that is set, unless this end comes before it. */
  #watch(end: number): void {
    if (end >= this.#dueAt) return;
    clearTimeout(this.#deadline);
    this.#dueAt = end;
    this.#deadline = setTimeout(() => this.#onDeadline(), Math.max(end - performance.now(), 0));
  }

  /** When something is to be done next: about the oldest call that has its time yet, or one that is over it. */
  #nextEnd(): number {
    let end = Infinity;
    for (const call of this.#running) {
      end = Math.min(end, this.#endOf(call));
      if (!call.answered) break;
    }
    return end;
  }

  /** When something is to be done about a call that still runs. */
  #endOf({ startedAt, answered }: Call<unknown>): number {
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
    for (const call of this.#running) {
      if (this.#endOf(call) > now) {
        if (call.answered) continue;
        break;
      }
      if (call.answered) {
        this.#isOverdue = true;
        this.overdue(call.command);
        continue;
      }
      call.answered = true;
      const error = new Error(`the ${call.what} took longer than its time-out of ${this.limits.timeout} ms`);
      call.fail(this.answers, now - call.startedAt, error);
      call.abort(error);
    }
    this.answers.publish();
    this.#watch(this.#nextEnd());
  }
}

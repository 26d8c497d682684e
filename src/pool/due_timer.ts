import type { OperationQueue } from "../queue/operation_queue.ts";

/** Operations that get in line in one turn; the others wait for the next, so that sockets get theirs. */
const BATCH = 1000;
/** The longest time that a timer takes, in ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Puts parked operations in line when they are due: one timer, for the first. */
export class DueTimer {
  #timer: number | undefined;
  /** When it fires, monotonic in ms. */
  #at = Infinity;
  #stopped = false;

  constructor(
    readonly queue: OperationQueue,
    readonly now: () => number,
    /** Some are in line now. */
    readonly due: () => void,
  ) {}

  /** Something was parked. */
  arm(): void {
    const { earliest } = this.queue.parked;
    if (earliest >= this.#at || this.#stopped) return;
    clearTimeout(this.#timer);
    this.#at = earliest;
    const left = Math.ceil(earliest - this.now());
    this.#timer = setTimeout(() => this.#fire(), Math.min(Math.max(left, 0), MAX_TIMER_MS));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #fire(): void {
    this.#at = Infinity;
    const now = this.now();
    let count = 0;
    while (count < BATCH && this.queue.unpark(now)) count++;
    if (count > 0) this.due();
    this.arm();
  }
}

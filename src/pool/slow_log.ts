import type { Log } from "../observe/log.ts";

/** Lines about one plugin's slow operations in a second; those beyond are counted, and told together. */
const LINES_A_SECOND = 10;
const SECOND_MS = 1000;

/** An operation that has run for long. */
export interface SlowOperation {
  /** As `mevent peek` has shown it, and the id that it has everywhere. */
  readonly operation: number;
  readonly operation_id: string;
  readonly command: number;
}

/** Tells the log of a plugin's operations that run for longer than they should. */
export class SlowLog {
  /** An operation is slow that runs for longer, in µs; Infinity where none is. */
  limit = Infinity;
  /** Slow ones since the start. */
  count = 0;
  /** When the second began that is counted for, monotonic in ms, and its lines. */
  #since = -Infinity;
  #lines = 0;
  /** Of those that are not told yet: how many, and the longest time, in µs. */
  #untold = 0;
  #longest = 0;

  /** @param now monotonic, in ms */
  constructor(readonly plugin: string, readonly log: Log, readonly now: () => number) {}

  /** @param ms 0 where no operation is slow */
  bound(ms: number): void {
    this.limit = ms === 0 ? Infinity : ms * 1000;
  }

  /** An operation has run for longer than {@link limit}; times are in µs. */
  add(waitTime: number, runTime: number, operation: () => SlowOperation): void {
    this.count++;
    this.tick();
    if (this.#since + SECOND_MS <= this.now()) {
      this.#since = this.now();
      this.#lines = 0;
    }
    if (this.#lines >= LINES_A_SECOND) {
      this.#untold++;
      this.#longest = Math.max(this.#longest, runTime);
      return;
    }
    this.#lines++;
    if (!this.log.hasRoom("warn", this.plugin)) return;
    this.log.warn("an operation was slow", {
      plugin: this.plugin,
      ...operation(),
      wait_ms: inMs(waitTime),
      run_ms: inMs(runTime),
      slow_operation_ms: inMs(this.limit),
    });
  }

  /** Tells of those that had no line of their own, where their second is over; to be called about every second. */
  tick(): void {
    if (this.#untold === 0 || this.#since + SECOND_MS > this.now()) return;
    const [operations, longest] = [this.#untold, this.#longest];
    this.#untold = this.#longest = 0;
    this.log.warn("further operations were slow", {
      plugin: this.plugin,
      operations,
      longest_run_ms: inMs(longest),
      slow_operation_ms: inMs(this.limit),
    });
  }
}

/** With so many digits as are of use. */
function inMs(us: number): number {
  return Math.round(Math.max(0, us) / 100) / 10;
}

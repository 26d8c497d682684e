/** Of the time of a batch, one part in so many is kept back for telling its outcome: at least, and at most, so many ms. */
const RESERVE = 10;
const MIN_RESERVE_MS = 20;
const MAX_RESERVE_MS = 1000;
/** What is under way when the worker is to stop, or all callers have given up, may go on for so long; in ms. */
const STOP_MS = 1000;

/**
 * How long a batch may take: a little less than its operations may, so that what has become of them is told before they are
 * answered by somebody who does not know.
 */
export class TimeLimit implements Disposable {
  readonly #over = new AbortController();
  readonly #onAbort = () => this.#limitTo(Date.now() + STOP_MS);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #at = Infinity;

  /** @param deadline in ms since 1970 */
  constructor(deadline: number, readonly outer: AbortSignal) {
    const total = deadline - Date.now();
    this.#limitTo(deadline - Math.min(Math.max(total / RESERVE, MIN_RESERVE_MS), MAX_RESERVE_MS));
    if (outer.aborted) this.#onAbort();
    else outer.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Aborts when the time is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  get isOver(): boolean {
    return this.#over.signal.aborted || Date.now() >= this.#at;
  }

  /** Waits so many ms, or until the time is over. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      if (this.signal.aborted) done();
      else this.signal.addEventListener("abort", done, { once: true });
    });
  }

  /** A promise that resolves when the time is over, and what lets go of it. */
  ends(): { promise: Promise<undefined>; forget(): void } {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const end = () => resolve(undefined);
    if (this.signal.aborted) end();
    this.signal.addEventListener("abort", end, { once: true });
    return { promise, forget: () => this.signal.removeEventListener("abort", end) };
  }

  /** While the result lives, the end of the time is the end of the connection: whatever waits on it fails. */
  destroys(connection: { destroy(): void }): Disposable {
    const destroy = () => connection.destroy();
    if (this.signal.aborted) destroy();
    this.signal.addEventListener("abort", destroy, { once: true });
    return { [Symbol.dispose]: () => this.signal.removeEventListener("abort", destroy) };
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.outer.removeEventListener("abort", this.#onAbort);
  }

  #limitTo(at: number): void {
    if (at >= this.#at) return;
    this.#at = at;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#over.abort(), Math.max(at - Date.now(), 0));
  }
}

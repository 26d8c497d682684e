/** Timers that go off when a test lets its time pass, in place of the system's; monotonic, in ms. */
export class FakeTimers implements Disposable {
  now = 0;
  #last = 0;
  readonly #timers = new Map<number, { readonly at: number; readonly run: () => void }>();
  readonly #real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };

  constructor() {
    globalThis.setTimeout = ((run: () => void, ms = 0) => {
      this.#timers.set(++this.#last, { at: this.now + ms, run });
      return this.#last;
    }) as typeof setTimeout;
    globalThis.clearTimeout = (timer) => void this.#timers.delete(Number(timer));
  }

  /** Lets so many ms pass; what is due goes off in its order. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next[0]);
      this.now = Math.max(this.now, next[1].at);
      next[1].run();
    }
    this.now = end;
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real);
  }
}

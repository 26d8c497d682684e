import type { TimerReport } from "../ring/messages.ts";

/** What has become of timers is told at most this often, in ms. */
const TELL_EVERY_MS = 100;

/** How a plugin's timers are, the newest word on each; a fast one is told of now and then. */
export class TimerReporter {
  readonly #news = new Map<string, TimerReport>();
  #timer: number | undefined;
  #toldAt = -Infinity;

  /** @param now monotonic, in ms */
  constructor(readonly tell: (reports: readonly TimerReport[]) => void, readonly now: () => number) {}

  report(report: TimerReport): void {
    this.#news.set(report.name, report);
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.flush(), Math.max(this.#toldAt + TELL_EVERY_MS - this.now(), 0));
  }

  /** Tells what there is now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#toldAt = this.now();
    if (this.#news.size > 0) this.tell([...this.#news.values()]);
    this.#news.clear();
  }
}

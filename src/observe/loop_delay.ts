import { LatencyHistogram, LatencyTotal } from "./latency_histogram.ts";
import type { LoopStats } from "./server_stats.ts";

/**
 * For how long the main thread did not turn to what was next: how long each of its turns took, with all that came between it and
 * the next one, and by how much a look came late that was to come at a time.
 */
export class LoopDelay {
  readonly #delays = new LatencyHistogram();
  readonly #total = new LatencyTotal();
  #lookedAt: number;

  /**
   * @param since now; monotonic, in ms
   * @param every {@link look} is to be called this often, in ms
   */
  constructor(readonly since: number, readonly every: number) {
    this.#lookedAt = since;
  }

  /** The time of a look has come. */
  look(now: number): void {
    this.held(Math.max(0, now - this.#lookedAt - this.every), now);
    this.#lookedAt = now;
  }

  /** @param ms how long it was; @param now monotonic, in ms */
  held(ms: number, now: number): void {
    this.#delays.record(Math.round(ms * 1000), now);
  }

  /** @param now monotonic, in ms */
  stats(now: number): LoopStats {
    const total = this.#total;
    this.#delays.addRecentTo(total.clear(), now);
    const [p50, p99, max] = [0.5, 0.99, 1].map((share) => total.quantile(share)) as [number, number, number];
    this.#delays.addTo(total.clear());
    return { delay_us_last_minute: { p50, p99, max }, delay_histogram: total.classic };
  }
}

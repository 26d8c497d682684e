import { blankPoint, HistoryRing, type Point } from "./history_ring.ts";
import { LatencyTotal } from "./latency_histogram.ts";

/** The last five minutes by the second, the last hour by ten. */
export const FINE = { points: 300, step: 1 } as const;
export const COARSE = { points: 360, step: 10 } as const;

/** What has grown since the look before, and what is so now. */
export interface HistorySample {
  in: number;
  done: number;
  failed: number;
  /** Not taken: the queue was full, or the request was refused. */
  refused: number;
  queued: number;
  oldestMs: number;
  /** NaN where there is no journal. */
  commitP99: number;
  unsyncedBytes: number;
}

export function blankSample(): HistorySample {
  return {
    in: 0,
    done: 0,
    failed: 0,
    refused: 0,
    queued: 0,
    oldestMs: 0,
    commitP99: NaN,
    unsyncedBytes: NaN,
  };
}

/** The history of one plugin, or of all together: made once, nothing is allocated by what is added. */
export class HistoryTrack {
  readonly fine = new HistoryRing(FINE.points, FINE.step);
  readonly coarse = new HistoryRing(COARSE.points, COARSE.step);
  readonly #point: Point = blankPoint();
  /** Of the coarse step that fills: sums, highest values, times, and the time that they cover, in s. */
  readonly #sum = blankSample();
  readonly #wait = new LatencyTotal();
  readonly #run = new LatencyTotal();
  #seconds = 0;
  #coarseStep = -1;

  /** Adds what a second, or somewhat more, has brought. */
  add(second: number, seconds: number, sample: HistorySample, wait: LatencyTotal, run: LatencyTotal): void {
    this.#write(this.fine, second, seconds, sample, wait, run);
    const step = Math.floor(second / COARSE.step);
    if (step !== this.#coarseStep) this.#begin(step);
    const sum = this.#sum;
    sum.in += sample.in;
    sum.done += sample.done;
    sum.failed += sample.failed;
    sum.refused += sample.refused;
    sum.queued = Math.max(sum.queued, sample.queued);
    sum.oldestMs = Math.max(sum.oldestMs, sample.oldestMs);
    sum.commitP99 = highest(sum.commitP99, sample.commitP99);
    sum.unsyncedBytes = highest(sum.unsyncedBytes, sample.unsyncedBytes);
    this.#wait.addAll(wait);
    this.#run.addAll(run);
    this.#seconds += seconds;
    this.#write(this.coarse, step, this.#seconds, sum, this.#wait, this.#run);
  }

  /** Writes the same for a second before it that nobody looked in. */
  repeat(
    second: number,
    seconds: number,
    sample: HistorySample,
    wait: LatencyTotal,
    run: LatencyTotal,
  ): void {
    this.#write(this.fine, second, seconds, sample, wait, run);
  }

  #begin(step: number): void {
    this.#coarseStep = step;
    Object.assign(this.#sum, BLANK);
    this.#wait.clear();
    this.#run.clear();
    this.#seconds = 0;
  }

  #write(
    ring: HistoryRing,
    step: number,
    seconds: number,
    sample: HistorySample,
    wait: LatencyTotal,
    run: LatencyTotal,
  ): void {
    const point = this.#point;
    const ran = run.count > 0;
    point.in_per_second = sample.in / seconds;
    point.done_per_second = sample.done / seconds;
    point.failed_per_second = sample.failed / seconds;
    point.refused_per_second = sample.refused / seconds;
    point.queued = sample.queued;
    point.oldest_ms = sample.oldestMs;
    point.wait_p50_us = ran ? wait.quantile(0.5) : NaN;
    point.wait_p99_us = ran ? wait.quantile(0.99) : NaN;
    point.run_p50_us = ran ? run.quantile(0.5) : NaN;
    point.run_p99_us = ran ? run.quantile(0.99) : NaN;
    point.commit_p99_us = sample.commitP99;
    point.unsynced_bytes = sample.unsyncedBytes;
    ring.write(step, point);
  }
}

const BLANK = blankSample();

/** The higher one of those that are known. */
export function highest(one: number, other: number): number {
  return Number.isNaN(one) ? other : other > one ? other : one;
}

/** What is kept of each point; NaN is what is not known. */
export const SERIES = [
  "in_per_second",
  "done_per_second",
  "failed_per_second",
  "refused_per_second",
  "queued",
  "oldest_ms",
  "wait_p50_us",
  "wait_p99_us",
  "run_p50_us",
  "run_p99_us",
  "commit_p99_us",
  "unsynced_bytes",
] as const;
export type SeriesName = typeof SERIES[number];

/** A point as it is written; one is reused. */
export type Point = Record<SeriesName, number>;

export function blankPoint(): Point {
  return Object.fromEntries(SERIES.map((name) => [name, NaN])) as Point;
}

/** The last points of all series, the oldest overwritten by the newest. Made once. */
export class HistoryRing {
  readonly #values: Float32Array;
  /** Number of the step that was written last. */
  #last = -1;

  /**
   * @param points how many are kept
   * @param step what a step is, in s
   */
  constructor(readonly points: number, readonly step: number) {
    this.#values = new Float32Array(points * SERIES.length).fill(NaN);
  }

  /** Writes the point of a step; of those that were passed over nothing is known. */
  write(step: number, point: Point): void {
    const first = Math.max(this.#last + 1, step - this.points + 1);
    for (let missed = first; missed < step; missed++) {
      this.#values.fill(NaN, this.#at(missed), this.#at(missed) + SERIES.length);
    }
    let at = this.#at(step);
    for (const name of SERIES) this.#values[at++] = point[name];
    this.#last = step;
  }

  /** The values of the steps from `first` to `last`; null is what is not known. */
  series(name: SeriesName, first: number, last: number): (number | null)[] {
    const offset = SERIES.indexOf(name);
    const values: (number | null)[] = [];
    for (let step = first; step <= last; step++) values.push(shown(this.#value(step, offset)));
    return values;
  }

  /** The mean of what is known of some steps; NaN where nothing is. */
  mean(name: SeriesName, first: number, last: number): number {
    const offset = SERIES.indexOf(name);
    let sum = 0;
    let known = 0;
    for (let step = first; step <= last; step++) {
      const value = this.#value(step, offset);
      if (Number.isNaN(value)) continue;
      sum += value;
      known++;
    }
    return sum / known;
  }

  #value(step: number, offset: number): number {
    return step > this.#last || step <= this.#last - this.points
      ? NaN
      : this.#values[this.#at(step) + offset]!;
  }

  #at(step: number): number {
    return (step % this.points) * SERIES.length;
  }
}

/** Short as JSON: whole from 100 on, else with two digits behind the point. */
export function shown(value: number): number | null {
  if (Number.isNaN(value)) return null;
  return value >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
}

import { bucketOf, BUCKETS, topOf } from "./histogram.ts";

/** What is forgotten at once, in ms. */
const SLOT_MS = 10_000;
/** The one that fills, and six that are full: a minute. */
const SLOTS = 7;

/**
 * Counts whole numbers as a `Histogram` does, those of the last minute: it forgets ten seconds at a time, so that it
 * holds those of 60 to 70 s. Made once, records without allocating.
 */
export class RecentHistogram {
  /** One slot after the other. */
  readonly #counts = new Uint32Array(SLOTS * BUCKETS);
  /** Of each slot all together: who asks is not to add up thousands of buckets, most of them empty. */
  readonly #sums = new Uint32Array(SLOTS);
  /** The one that fills, counted from the start of the clock. */
  #slot = 0;

  /** @param now monotonic, in ms */
  record(value: number, now: number): void {
    this.#turn(now);
    const slot = this.#slot % SLOTS;
    this.#counts[slot * BUCKETS + bucketOf(value)]!++;
    this.#sums[slot]!++;
  }

  /** The value that this share (0..1) of what was recorded does not exceed; 0 where nothing was. */
  quantile(share: number, now: number): number {
    this.#turn(now);
    const counts = this.#counts;
    let count = 0;
    for (let slot = 0; slot < SLOTS; slot++) count += this.#sums[slot]!;
    if (count === 0) return 0;
    let left = Math.ceil(share * count);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      for (let at = bucket; at < counts.length; at += BUCKETS) left -= counts[at]!;
      if (left <= 0) return topOf(bucket);
    }
    return topOf(BUCKETS - 1);
  }

  /** Forgets the slots whose turn has come again. */
  #turn(now: number): void {
    const slot = Math.floor(now / SLOT_MS);
    if (slot <= this.#slot) return;
    const first = Math.max(this.#slot + 1, slot - SLOTS + 1);
    for (let each = first; each <= slot; each++) {
      const slot = each % SLOTS;
      this.#counts.fill(0, slot * BUCKETS, (slot + 1) * BUCKETS);
      this.#sums[slot] = 0;
    }
    this.#slot = slot;
  }
}

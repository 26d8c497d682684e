import { bucketOf, BUCKETS, topOf } from "./histogram.ts";

/** What is forgotten at once, in ms. */
const SLOT_MS = 10_000;
/** The one that fills, and six that are full: a minute. */
const SLOTS = 7;

/**
 * Counts whole numbers as a `Histogram` does, all of them and those of the last minute: it forgets ten seconds at a time, so
 * that the last minute is one of 60 to 70 s. A value is counted once, in the slot that fills; what a slot held is added
 * to what is older when its turn comes again. Made once, records without allocating.
 */
export class RollingHistogram {
  /** One slot after the other. */
  readonly #counts = new Uint32Array(SLOTS * BUCKETS);
  /** What was counted before the slots. */
  readonly #older = new Float64Array(BUCKETS);
  /** Of each slot all together: who asks is not to add up thousands of buckets, most of them empty. */
  readonly #sums = new Uint32Array(SLOTS);
  #olderSum = 0;
  /** The one that fills, counted from the start of the clock; where it begins in the counts, and when it is full. */
  #slot = 0;
  #from = 0;
  #until = SLOT_MS;

  /** Counts a value so many times; @param now monotonic, in ms */
  record(value: number, now: number, times = 1): void {
    if (now >= this.#until) this.#turn(now);
    this.#counts[this.#from + bucketOf(value)]! += times;
    this.#sums[this.#slot % SLOTS]! += times;
  }

  /** How many values were counted. */
  get count(): number {
    return this.#olderSum + this.#recentSum;
  }

  /** The value that this share (0..1) of all that was recorded does not exceed; 0 where nothing was. */
  quantile(share: number): number {
    return this.#quantile(share, this.count, this.#older);
  }

  /** The same of the last minute; @param now monotonic, in ms */
  recentQuantile(share: number, now: number): number {
    if (now >= this.#until) this.#turn(now);
    return this.#quantile(share, this.#recentSum, null);
  }

  get #recentSum(): number {
    let sum = 0;
    for (let slot = 0; slot < SLOTS; slot++) sum += this.#sums[slot]!;
    return sum;
  }

  #quantile(share: number, count: number, older: Float64Array | null): number {
    if (count === 0) return 0;
    const counts = this.#counts;
    let left = Math.ceil(share * count);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (older !== null) left -= older[bucket]!;
      for (let at = bucket; at < counts.length; at += BUCKETS) left -= counts[at]!;
      if (left <= 0) return topOf(bucket);
    }
    return topOf(BUCKETS - 1);
  }

  /** Makes room in the slots whose turn has come again. */
  #turn(now: number): void {
    const slot = Math.floor(now / SLOT_MS);
    const first = Math.max(this.#slot + 1, slot - SLOTS + 1);
    for (let each = first; each <= slot; each++) this.#forget(each % SLOTS);
    this.#slot = slot;
    this.#from = (slot % SLOTS) * BUCKETS;
    this.#until = (slot + 1) * SLOT_MS;
  }

  #forget(slot: number): void {
    if (this.#sums[slot] === 0) return;
    const at = slot * BUCKETS;
    for (let bucket = 0; bucket < BUCKETS; bucket++) this.#older[bucket]! += this.#counts[at + bucket]!;
    this.#olderSum += this.#sums[slot]!;
    this.#counts.fill(0, at, at + BUCKETS);
    this.#sums[slot] = 0;
  }
}

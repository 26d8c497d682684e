/** Values below this are counted one by one; above it each power of two has so many buckets (a relative error of 3%). */
const STEPS = 32;
const STEP_BITS = 5;
export const BUCKETS = STEPS * (33 - STEP_BITS);

/** Counts whole numbers from 0 to 2^32-1 in buckets; made once, records without allocating. */
export class Histogram {
  count = 0;
  readonly #buckets = new Float64Array(BUCKETS);

  record(value: number): void {
    this.count++;
    this.#buckets[bucketOf(value)]!++;
  }

  /** The value that this share (0..1) of what was recorded does not exceed; 0 where nothing was. */
  quantile(share: number): number {
    if (this.count === 0) return 0;
    let left = Math.ceil(share * this.count);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#buckets[bucket]!;
      if (left <= 0) return topOf(bucket);
    }
    return topOf(BUCKETS - 1);
  }

  /** Adds what another one counted. */
  add(other: Histogram): void {
    this.count += other.count;
    for (let bucket = 0; bucket < BUCKETS; bucket++) this.#buckets[bucket]! += other.#buckets[bucket]!;
  }
}

/** Where a value is counted. */
export function bucketOf(value: number): number {
  const whole = value < 0 ? 0 : value > 0xffffffff ? 0xffffffff : value >>> 0;
  if (whole < STEPS) return whole;
  const shift = 32 - STEP_BITS - 1 - Math.clz32(whole);
  return STEPS * (shift + 1) + (whole >>> shift) - STEPS;
}

/** The highest value of a bucket. */
export function topOf(bucket: number): number {
  if (bucket < STEPS) return bucket;
  const shift = Math.floor(bucket / STEPS) - 1;
  return (STEPS + (bucket % STEPS) + 1) * 2 ** shift - 1;
}

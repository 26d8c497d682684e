import type { JsonObject } from "../plugin.ts";

/** What is forgotten at once, in ms. */
const SLOT_MS = 10_000;
/** The one that fills, and six that are full: a minute. */
const SLOTS = 7;
const MOST = 0xffffffff;

/** The steps of a decade, in hundredths: 12 to 14% each, and among them 1, 2.5 and 5. */
const STEPS = [
  100,
  112,
  125,
  140,
  160,
  180,
  200,
  224,
  250,
  280,
  315,
  355,
  400,
  450,
  500,
  560,
  630,
  710,
  800,
  900,
];

/** The highest whole number that each bucket counts; below 10 each number has one. */
const TOPS = Uint32Array.from(topsOf());
const LAST = TOPS.length - 1;
/** Behind the buckets: all values added up. */
const SUM = TOPS.length;
const SIZE = TOPS.length + 1;

/** The bucket of the lowest number of each eighth of a power of two: from there it is one or two on. */
const EIGHTH_BITS = 3;
const EIGHTHS = 1 << EIGHTH_BITS;
const FIRST = firstBuckets();

/** The bounds that Prometheus is told, in µs; each is the highest number of a bucket. There is one more count, of what is above. */
export const CLASSIC_BOUNDS: readonly number[] = [
  ...[100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000],
  ...[100_000, 250_000, 500_000, 1e6, 2.5e6, 5e6, 1e7, 5e7, 2.5e8, 1e9],
];
const CLASSIC_BUCKETS = CLASSIC_BOUNDS.map((bound) => TOPS.indexOf(bound));

/**
 * Counts times in whole µs, up to 2^32-1, all of them and those of the last minute, which is one of 60 to 70 s: what had been counted is
 * noted every ten seconds. Made once; records without allocating, and into one small table.
 */
export class LatencyHistogram {
  readonly #counts = new Float64Array(SIZE);
  /** What had been counted when each of the last slots began. */
  readonly #noted = new Float64Array(SLOTS * SIZE);
  /** The slot that fills, counted from the start of the clock, and when it is full. */
  #slot = 0;
  #until = SLOT_MS;

  /** Counts a value so many times; @param now monotonic, in ms */
  record(value: number, now: number, times = 1): void {
    if (now >= this.#until) this.#turn(now);
    const whole = value < 0 ? 0 : value > MOST ? MOST : value >>> 0;
    const counts = this.#counts;
    counts[bucketOf(whole)]! += times;
    counts[SUM]! += whole * times;
  }

  /** Adds all that it has counted. */
  addTo(total: LatencyTotal): void {
    total.add(this.#counts, 0, null);
  }

  /** Adds what it has counted within the last minute; @param now monotonic, in ms */
  addRecentTo(total: LatencyTotal, now: number): void {
    if (now >= this.#until) this.#turn(now);
    total.add(this.#counts, ((this.#slot + 1) % SLOTS) * SIZE, this.#noted);
  }

  /** Nothing was counted between the slots' beginnings and now. */
  #turn(now: number): void {
    const slot = Math.floor(now / SLOT_MS);
    const first = Math.max(this.#slot + 1, slot - SLOTS + 1);
    for (let each = first; each <= slot; each++) this.#noted.set(this.#counts, (each % SLOTS) * SIZE);
    this.#slot = slot;
    this.#until = (slot + 1) * SLOT_MS;
  }
}

/** How often times were within bounds, as Prometheus has it. */
export interface HistogramStats extends JsonObject {
  /** Of what is at most each of {@link CLASSIC_BOUNDS} and above the one before, and of what is above all. */
  counts: number[];
  /** All values together, in µs. */
  sum_us: number;
}

/** What some histograms have counted together. One is reused: {@link clear} it first. */
export class LatencyTotal {
  readonly #counts = new Float64Array(SIZE);

  clear(): this {
    this.#counts.fill(0);
    return this;
  }

  /** Adds counts, less those that were noted before from `at` on. */
  add(counts: Float64Array, at: number, before: Float64Array | null): void {
    const own = this.#counts;
    if (before === null) { for (let i = 0; i < SIZE; i++) own[i]! += counts[i]!; }
    else for (let i = 0; i < SIZE; i++) own[i]! += counts[i]! - before[at + i]!;
  }

  addAll(other: LatencyTotal): void {
    this.add(other.#counts, 0, null);
  }

  /** Leaves what was not there at the time of `before`, which becomes what is here now. */
  since(before: Float64Array): this {
    const own = this.#counts;
    for (let i = 0; i < SIZE; i++) {
      const now = own[i]!;
      own[i] = now - before[i]!;
      before[i] = now;
    }
    return this;
  }

  get count(): number {
    let count = 0;
    for (let bucket = 0; bucket <= LAST; bucket++) count += this.#counts[bucket]!;
    return count;
  }

  /** About the value that this share (0..1) does not exceed, in whole µs: it lies in the same bucket; 0 where nothing was counted. */
  quantile(share: number): number {
    const counts = this.#counts;
    const { count } = this;
    if (count === 0) return 0;
    let left = Math.ceil(share * count);
    for (let bucket = 0; bucket <= LAST; bucket++) {
      const own = counts[bucket]!;
      if (left > own) {
        left -= own;
        continue;
      }
      const low = bucket === 0 ? 0 : TOPS[bucket - 1]!;
      return Math.ceil(low + (TOPS[bucket]! - low) * (left / own));
    }
    return MOST;
  }

  get classic(): HistogramStats {
    let bucket = 0;
    const upTo = (last: number) => {
      let count = 0;
      for (; bucket <= last; bucket++) count += this.#counts[bucket]!;
      return count;
    };
    return { counts: [...CLASSIC_BUCKETS, LAST].map(upTo), sum_us: this.#counts[SUM]! };
  }

  /** What {@link since} takes, of the start. */
  static nothing(): Float64Array {
    return new Float64Array(SIZE);
  }
}

/** Where it is counted. */
function bucketOf(whole: number): number {
  let bucket = FIRST[eighthOf(whole)]!;
  while (whole > TOPS[bucket]!) bucket++;
  return bucket;
}

/** The numbers below 8 have one each. */
function eighthOf(whole: number): number {
  if (whole < EIGHTHS) return whole;
  const shift = 31 - EIGHTH_BITS - Math.clz32(whole);
  return EIGHTHS * shift + (whole >>> shift);
}

function topsOf(): number[] {
  const tops = [0];
  for (let decade = 1; tops.at(-1)! < MOST; decade *= 10) {
    for (const step of STEPS) {
      const top = Math.min(Math.floor(decade * step / 100), MOST);
      if (top > tops.at(-1)!) tops.push(top);
    }
  }
  return tops;
}

function firstBuckets(): Uint8Array {
  const first = new Uint8Array(EIGHTHS * (33 - EIGHTH_BITS));
  let bucket = 0;
  for (let eighth = 0; eighth < first.length; eighth++) {
    const shift = Math.max(0, Math.floor(eighth / EIGHTHS) - 1);
    const lowest = eighth < EIGHTHS ? eighth : (EIGHTHS + eighth % EIGHTHS) * 2 ** shift;
    while (bucket < LAST && TOPS[bucket]! < lowest) bucket++;
    first[eighth] = bucket;
  }
  return first;
}

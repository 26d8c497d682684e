import type { Stats } from "../admin/api.ts";

/** What happens in a second. */
export interface Rates {
  readonly in: number;
  readonly done: number;
  readonly failed: number;
  readonly refused: number;
}

interface Sample {
  readonly at: number;
  readonly pid: number;
  readonly total: Rates;
  readonly plugins: ReadonlyMap<string, Rates>;
}

/** Two looks that are closer than this say little, in ms. */
const LEAST_MS = 400;

/** Rates out of counters: what has changed from one look to the next. */
export class RateMeter {
  #before: Sample | null = null;
  /** Null until there were two looks at the same server. */
  total: Rates | null = null;
  plugins: ReadonlyMap<string, Rates> = new Map();

  /** @param at monotonic, in ms */
  look(stats: Stats, at: number): void {
    const now = sampleOf(stats, at);
    const before = this.#before;
    if (before !== null && before.pid === now.pid && at - before.at < LEAST_MS) return;
    this.#before = now;
    if (before === null || before.pid !== now.pid) {
      this.total = null;
      this.plugins = new Map();
      return;
    }
    const seconds = (at - before.at) / 1000;
    const plugins = new Map<string, Rates>();
    for (const [name, counts] of now.plugins) {
      const earlier = before.plugins.get(name);
      if (earlier !== undefined) plugins.set(name, perSecond(earlier, counts, seconds));
    }
    this.plugins = plugins;
    this.total = perSecond(before.total, now.total, seconds);
  }
}

function sampleOf(stats: Stats, at: number): Sample {
  const plugins = new Map<string, Rates>();
  const total = { in: 0, done: 0, failed: 0, refused: 0 };
  for (const { name, accepted, done, failed, busy } of stats.plugins) {
    plugins.set(name, { in: accepted, done, failed, refused: busy });
    total.in += accepted;
    total.done += done;
    total.failed += failed;
    total.refused += busy;
  }
  return { at, pid: stats.pid, total, plugins };
}

/** A counter that has gone back began anew: a plugin came with a reload. */
function perSecond(before: Rates, now: Rates, seconds: number): Rates {
  const rate = (a: number, b: number) => Math.max(0, b - a) / seconds;
  return {
    in: rate(before.in, now.in),
    done: rate(before.done, now.done),
    failed: rate(before.failed, now.failed),
    refused: rate(before.refused, now.refused),
  };
}

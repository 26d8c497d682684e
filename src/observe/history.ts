import { Growth } from "./growth.ts";
import { type HistoryRing, SERIES, shown } from "./history_ring.ts";
import { blankSample, highest, type HistorySample, HistoryTrack } from "./history_track.ts";
import { LatencyTotal } from "./latency_histogram.ts";
import type { Recent } from "./finding.ts";

/** A row's short series: so many means of so many seconds. */
const SPARK = { points: 30, step: 10 } as const;
/** After so long without a look what has grown since is no rate of a second, in s. */
const MAX_GAP_S = 3;
/** The times that are told follow the clock of the day when it is so far off, in ms. */
const CLOCK_SLACK_MS = 1500;

/** What a plugin has counted since it began, and what is so now. */
export interface Counted extends HistorySample {
  /** Of what may be pending. */
  ops: number;
  bytes: number;
}

export function blankCounted(): Counted {
  return { ...blankSample(), ops: 0, bytes: 0 };
}

/** A plugin as it is looked at each second. */
export interface Watched {
  readonly name: string;
  /** Writes what is so now; nothing is allocated. */
  count(into: Counted, now: number): void;
  /** Adds all times since it began. */
  addTimes(wait: LatencyTotal, run: LatencyTotal): void;
}

interface Followed {
  readonly plugin: Watched;
  readonly track: HistoryTrack;
  readonly before: Counted;
  readonly wait: Float64Array;
  readonly run: Float64Array;
  readonly ops: Growth;
  readonly bytes: Growth;
}

/** Some series of the same length; `end_at` is the last second of the last point, in ms since 1970. That point may not be full yet. */
export type HistoryPart = {
  step_ms: number;
  end_at: number;
  points: number;
  series: { [name in typeof SERIES[number]]: (number | null)[] };
};

export type Spark = {
  step_ms: number;
  end_at: number;
  done_per_second: (number | null)[];
  failed_per_second: (number | null)[];
};

export type HistoryFigures = {
  plugin: string | null;
  fine: HistoryPart;
  coarse: HistoryPart;
  plugins?: { [plugin: string]: Spark };
};

/**
 * The last hour of all plugins, the last five minutes of it by the second: looked at about once a second, in memory that is made once
 * for each plugin, some 45 KB.
 */
export class History {
  readonly #plugins = new Map<string, Followed>();
  readonly #total = new HistoryTrack();
  readonly #now = blankCounted();
  readonly #sample = blankSample();
  readonly #all = blankSample();
  readonly #wait = new LatencyTotal();
  readonly #run = new LatencyTotal();
  readonly #allWait = new LatencyTotal();
  readonly #allRun = new LatencyTotal();
  /** Of the last look: its second, and its time, monotonic in ms. */
  #second = -1;
  #lookedAt = NaN;
  /** From monotonic time to ms since 1970. */
  #offset = NaN;

  /** @param clock ms since 1970 */
  constructor(readonly clock: () => number) {}

  /** A look; to be called about once a second. @param now monotonic, in ms */
  look(plugins: Iterable<Watched>, now: number): void {
    const offset = this.clock() - now;
    if (!(Math.abs(offset - this.#offset) <= CLOCK_SLACK_MS)) this.#offset = offset;
    const second = Math.floor(now / 1000);
    if (second <= this.#second) return;
    const seconds = (now - this.#lookedAt) / 1000;
    const isKnown = second - this.#second <= MAX_GAP_S && !Number.isNaN(seconds);
    const all = Object.assign(this.#all, BLANK);
    this.#allWait.clear();
    this.#allRun.clear();
    const present = new Set<string>();
    for (const plugin of plugins) {
      present.add(plugin.name);
      this.#follow(plugin, second, isKnown ? seconds : NaN, now);
    }
    for (const name of this.#plugins.keys()) if (!present.has(name)) this.#plugins.delete(name);
    if (isKnown) this.#fill(this.#total, second, seconds, all, this.#allWait, this.#allRun);
    this.#second = second;
    this.#lookedAt = now;
  }

  /** Until a plugin is BUSY at the rates of the last minute, in ms; null where it gets no fuller. */
  fullIn(name: string, limits: { readonly maxOps: number; readonly maxBytes: number }): number | null {
    const followed = this.#plugins.get(name);
    if (followed === undefined) return null;
    const left = [followed.ops.untilFull(limits.maxOps), followed.bytes.untilFull(limits.maxBytes)]
      .filter((ms) => ms !== null);
    return left.length === 0 ? null : Math.min(...left);
  }

  /** The last minutes of a plugin, for a verdict; null where nothing is known of it. */
  recent(name: string, limits: { readonly maxOps: number; readonly maxBytes: number }): Recent | null {
    const followed = this.#plugins.get(name);
    if (followed === undefined) return null;
    return { ...this.#spark(followed.track), full_in_ms: this.fullIn(name, limits) };
  }

  /**
   * What there is of a plugin, or of all together and shortly of each; null where that plugin is not known.
   *
   * @param after points that end before this time are left out, in ms since 1970
   */
  figures(plugin: string | null, after = -Infinity): HistoryFigures | null {
    const track = plugin === null ? this.#total : this.#plugins.get(plugin)?.track;
    if (track === undefined) return null;
    const own = { plugin, fine: this.#part(track.fine, after), coarse: this.#part(track.coarse, after) };
    if (plugin !== null) return own;
    const sparks = [...this.#plugins].map(([name, { track }]) => [name, this.#spark(track)]);
    return { ...own, plugins: Object.fromEntries(sparks) };
  }

  #follow(plugin: Watched, second: number, seconds: number, now: number): void {
    const counted = this.#now;
    plugin.count(counted, now);
    let followed = this.#plugins.get(plugin.name);
    const isNew = followed === undefined || followed.plugin !== plugin;
    if (followed === undefined || isNew) this.#plugins.set(plugin.name, followed = this.#begin(plugin));
    const { before, track } = followed;
    plugin.addTimes(this.#wait.clear(), this.#run.clear());
    this.#wait.since(followed.wait);
    this.#run.since(followed.run);
    followed.ops.look(counted.ops, now);
    followed.bytes.look(counted.bytes, now);
    const sample = this.#sample;
    sample.in = counted.in - before.in;
    sample.done = counted.done - before.done;
    sample.failed = counted.failed - before.failed;
    sample.refused = counted.refused - before.refused;
    sample.queued = counted.queued;
    sample.oldestMs = counted.oldestMs;
    sample.commitP99 = counted.commitP99;
    sample.unsyncedBytes = counted.unsyncedBytes;
    Object.assign(before, counted);
    // What it had counted before anybody looked belongs to no second.
    if (isNew || Number.isNaN(seconds)) return;
    this.#addToAll(sample);
    this.#fill(track, second, seconds, sample, this.#wait, this.#run);
  }

  #begin(plugin: Watched): Followed {
    return {
      plugin,
      track: new HistoryTrack(),
      before: blankCounted(),
      wait: LatencyTotal.nothing(),
      run: LatencyTotal.nothing(),
      ops: new Growth(),
      bytes: new Growth(),
    };
  }

  #addToAll(sample: HistorySample): void {
    const all = this.#all;
    all.in += sample.in;
    all.done += sample.done;
    all.failed += sample.failed;
    all.refused += sample.refused;
    all.queued += sample.queued;
    all.oldestMs = Math.max(all.oldestMs, sample.oldestMs);
    all.commitP99 = highest(all.commitP99, sample.commitP99);
    if (!Number.isNaN(sample.unsyncedBytes)) {
      all.unsyncedBytes = (Number.isNaN(all.unsyncedBytes) ? 0 : all.unsyncedBytes) + sample.unsyncedBytes;
    }
    this.#allWait.addAll(this.#wait);
    this.#allRun.addAll(this.#run);
  }

  /** A look now and then comes a second late: its rates are those of the second before, too. */
  #fill(
    track: HistoryTrack,
    second: number,
    seconds: number,
    sample: HistorySample,
    wait: LatencyTotal,
    run: LatencyTotal,
  ): void {
    for (let missed = this.#second + 1; missed < second; missed++) {
      track.repeat(missed, seconds, sample, wait, run);
    }
    track.add(second, seconds, sample, wait, run);
  }

  #part(ring: HistoryRing, after: number): HistoryPart {
    const last = Math.floor(this.#second / ring.step);
    const end = this.#timeOf((last + 1) * ring.step - 1);
    const step_ms = ring.step * 1000;
    const newer = Math.min(ring.points, Math.max(0, Math.floor((end - after) / step_ms) + 1), last + 1);
    const first = last - newer + 1;
    const series = Object.fromEntries(
      SERIES.map((name) => [name, ring.series(name, first, last)]),
    ) as HistoryPart["series"];
    return { step_ms, end_at: end, points: newer, series };
  }

  #spark(track: HistoryTrack): Spark {
    const last = Math.floor(this.#second / SPARK.step);
    const means = (name: "done_per_second" | "failed_per_second") =>
      Array.from({ length: SPARK.points }, (_, at) => {
        const first = (last - SPARK.points + 1 + at) * SPARK.step;
        return shown(track.fine.mean(name, Math.max(0, first), first + SPARK.step - 1));
      });
    return {
      step_ms: SPARK.step * 1000,
      end_at: this.#timeOf((last + 1) * SPARK.step - 1),
      done_per_second: means("done_per_second"),
      failed_per_second: means("failed_per_second"),
    };
  }

  /** In ms since 1970. */
  #timeOf(second: number): number {
    return Math.round(second * 1000 + this.#offset);
  }
}

const BLANK = blankSample();

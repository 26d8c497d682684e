import { countText, microsecondsText, ratioText } from "../support/figures.ts";
import type { LoadResult } from "../loadgen.ts";
import { markdownTable } from "../support/markdown_table.ts";
import { median } from "../support/median.ts";
import { CONTESTANTS } from "./contestants.ts";
import { type PeerWork, workName, workTitle } from "./works.ts";

/** What one system did at one work, a result a round. */
export interface PeerMeasurement {
  readonly work: PeerWork;
  readonly contestant: string;
  readonly results: LoadResult[];
}

/** The medians of one system at one work. */
interface PeerRow {
  readonly work: string;
  readonly contestant: string;
  readonly perSecond: number;
  /** Of each round. */
  readonly perSecondOfRounds: readonly number[];
  readonly p50Microseconds: number;
  readonly p99Microseconds: number;
  /** The longest of all rounds. */
  readonly maxMicroseconds: number;
  /** mevent's rate divided by this one's in the same round, the median of the rounds. */
  readonly meventTimes: number;
  /** Requests of all rounds that were not answered as they should. */
  readonly failed: number;
}

/** The medians, and their ratios to mevent's, in the order of the works. */
export function peerRows(measurements: readonly PeerMeasurement[]): PeerRow[] {
  return measurements.map(({ work, contestant, results }) => {
    const reference = measurements.find((other) =>
      other.work === work && other.contestant === CONTESTANTS[work.kind][0]?.name
    );
    return {
      work: workName(work),
      contestant,
      perSecond: median(results.map(({ ops_per_s }) => ops_per_s)),
      perSecondOfRounds: results.map(({ ops_per_s }) => ops_per_s),
      p50Microseconds: median(results.map(({ p50_us }) => p50_us)),
      p99Microseconds: median(results.map(({ p99_us }) => p99_us)),
      maxMicroseconds: Math.max(...results.map(({ max_us }) => max_us)),
      meventTimes: median(
        results.map(({ ops_per_s }, round) => (reference?.results[round]?.ops_per_s ?? NaN) / ops_per_s),
      ),
      failed: results.map(failedOf).reduce((sum, count) => sum + count, 0),
    };
  });
}

/** A table a work. */
export function peerMarkdown(works: readonly PeerWork[], rows: readonly PeerRow[]): string {
  return works.map((work) => {
    const own = rows.filter((row) => row.work === workName(work));
    const head = [workName(work), "/s", "rounds", "p50", "p99", "longest", "mevent is x of it", "failed"];
    return `### ${workTitle(work)}\n\n` + markdownTable(
      head,
      own.map((row) => [
        row.contestant,
        countText(row.perSecond),
        row.perSecondOfRounds.map((rate) => `${Math.round(rate / 1000)}k`).join(" "),
        microsecondsText(row.p50Microseconds),
        microsecondsText(row.p99Microseconds),
        microsecondsText(row.maxMicroseconds),
        ratioText(row.meventTimes),
        countText(row.failed),
      ]),
    );
  }).join("\n");
}

function failedOf({ errors, unmatched, lost }: LoadResult): number {
  return Object.values(errors).reduce((sum, count) => sum + count, unmatched + lost);
}

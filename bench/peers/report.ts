import { countText, microsecondsText, ratioText } from "../support/figures.ts";
import type { LoadResult } from "../loadgen.ts";
import { markdownTable } from "../support/markdown_table.ts";
import { median } from "../support/median.ts";
import type { PeerResult } from "./peer_result.ts";
import { type PeerWork, workName, workTitle } from "./works.ts";

/** What loadgen counts the replies under that the queue is full. */
const BUSY = "21";

/** What one system did at one work, a result a round. */
export interface PeerMeasurement {
  readonly work: PeerWork;
  readonly contestant: string;
  readonly results: readonly PeerResult[];
}

/** The medians of one system at one work. */
export interface PeerRow {
  readonly work: string;
  readonly contestant: string;
  readonly perSecond: number;
  /** Of each round. */
  readonly perSecondOfRounds: readonly number[];
  readonly p50Microseconds: number;
  readonly p99Microseconds: number;
  /** The longest of all rounds. */
  readonly maxMicroseconds: number;
  /** The server's, for an operation. */
  readonly cpuMicroseconds: number;
  /** mevent's figures divided by this one's in the same round, the medians of the rounds. */
  readonly meventTimes: Readonly<Record<"rate" | "p50" | "p99" | "cpu", number>>;
  readonly refusedPerSecond: number;
  /** Requests of all rounds that were neither refused nor answered as they should. */
  readonly failed: number;
}

/** The medians, and their ratios to those of the first one at the same work, in the order of the works. */
export function peerRows(measurements: readonly PeerMeasurement[]): PeerRow[] {
  return measurements.map(({ work, contestant, results }) => {
    const reference = measurements.find((other) => other.work === work);
    const middle = (pick: (result: PeerResult) => number) => median(results.map(pick));
    const times = (pick: (result: PeerResult) => number) =>
      median(results.map((result, round) => {
        const other = reference?.results[round];
        return other === undefined ? NaN : pick(other) / pick(result);
      }));
    return {
      work: workName(work),
      contestant,
      perSecond: middle(({ ops_per_s }) => ops_per_s),
      perSecondOfRounds: results.map(({ ops_per_s }) => ops_per_s),
      p50Microseconds: middle(({ p50_us }) => p50_us),
      p99Microseconds: middle(({ p99_us }) => p99_us),
      maxMicroseconds: Math.max(...results.map(({ max_us }) => max_us)),
      cpuMicroseconds: middle(({ cpuMicroseconds }) => cpuMicroseconds),
      meventTimes: {
        rate: times(({ ops_per_s }) => ops_per_s),
        p50: times(({ p50_us }) => p50_us),
        p99: times(({ p99_us }) => p99_us),
        cpu: times(({ cpuMicroseconds }) => cpuMicroseconds),
      },
      refusedPerSecond: middle(({ errors, seconds }) => (errors[BUSY] ?? 0) / seconds),
      failed: results.map(failedOf).reduce((sum, count) => sum + count, 0),
    };
  });
}

/** A table a work. */
export function peerMarkdown(works: readonly PeerWork[], rows: readonly PeerRow[]): string {
  return works.map((work) => {
    const own = rows.filter((row) => row.work === workName(work));
    const isRefused = own.some(({ refusedPerSecond }) => refusedPerSecond > 0);
    const refused = isRefused ? ["refused"] : [];
    const times = ["p50", "p99", "longest", "server's CPU for one"];
    const head = [workName(work), "/s", "rounds", ...times, "mevent is x of it", ...refused, "failed"];
    return `### ${workTitle(work)}\n\n` + markdownTable(
      head,
      own.map((row) => [
        row.contestant,
        countText(row.perSecond),
        row.perSecondOfRounds.map((rate) => `${Math.round(rate / 1000)}k`).join(" "),
        microsecondsText(row.p50Microseconds),
        microsecondsText(row.p99Microseconds),
        microsecondsText(row.maxMicroseconds),
        `${row.cpuMicroseconds.toFixed(2)} µs`,
        ratioText(row.meventTimes.rate),
        ...isRefused ? [`${countText(row.refusedPerSecond)}/s`] : [],
        countText(row.failed),
      ]),
    );
  }).join("\n");
}

/** One table for all works: mevent's figures, and the rates of the others. */
export function overviewMarkdown(works: readonly PeerWork[], rows: readonly PeerRow[]): string {
  return "### In short\n\n" + markdownTable(
    ["", "mevent", "p50", "p99", "beside it, thousands a second"],
    works.flatMap((work) => {
      const [mevent, ...others] = rows.filter((row) => row.work === workName(work));
      if (mevent === undefined) return [];
      return [[
        workName(work),
        `${countText(mevent.perSecond)}/s`,
        microsecondsText(mevent.p50Microseconds),
        microsecondsText(mevent.p99Microseconds),
        others.map(({ contestant, perSecond }) => `${contestant} ${countText(perSecond / 1000)}`).join("; "),
      ]];
    }),
  );
}

/** A table for a build before: how many times its rate, its times and its CPU this one's are at each work. */
export function beforeMarkdown(
  works: readonly PeerWork[],
  rows: readonly PeerRow[],
  [now, before]: readonly [string, string],
): string {
  const head = ["", now, before, "rate x", "p50 x", "p99 x", "server's CPU for one x"];
  return `### ${now} by turns with ${before}\n\n` + markdownTable(
    head,
    works.flatMap((work) => {
      const name = workName(work);
      const [here, there] = [now, before].map((contestant) =>
        rows.find((row) => row.work === name && row.contestant === contestant)
      );
      if (here === undefined || there === undefined) return [];
      const { rate, p50, p99, cpu } = there.meventTimes;
      const rates = [here, there].map(({ perSecond }) => `${countText(perSecond)}/s`);
      return [[name, ...rates, ...[rate, p50, p99, cpu].map(ratioText)]];
    }),
  );
}

function failedOf({ errors, unmatched, lost }: LoadResult): number {
  const others = Object.entries(errors).filter(([code]) => code !== BUSY);
  return others.reduce((sum, [, count]) => sum + count, unmatched + lost);
}

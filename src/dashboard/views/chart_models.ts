import type { History, HistorySeries, Series } from "../../admin/api.ts";

export type Range = "5m" | "1h";
export const RANGES: readonly Range[] = ["5m", "1h"];

/** One line of time: the last minutes finely, what is before them coarsely. */
export interface JoinedSeries {
  /** In ms since 1970. */
  readonly times: readonly number[];
  readonly series: { readonly [key in keyof HistorySeries]: Series };
}

/** The last minutes by the second; or the hour in equal steps, and what is newer than the last of them. */
export function joined({ fine, coarse }: History, range: Range): JoinedSeries {
  const fineTimes = timesOf(fine.end_at, fine.step_ms, fine.points);
  if (range === "5m") return { times: fineTimes, series: fine.series };
  const coarseTimes = timesOf(coarse.end_at, coarse.step_ms, coarse.points);
  const newest = Math.max(fineTimes.findIndex((at) => at > coarse.end_at), coarse.points === 0 ? 0 : -1);
  const from = newest < 0 ? fineTimes.length : newest;
  const series: { -readonly [key in keyof HistorySeries]: Series } = { ...fine.series };
  for (const key of Object.keys(fine.series) as (keyof HistorySeries)[]) {
    series[key] = [...coarse.series[key], ...fine.series[key].slice(from)];
  }
  return { times: [...coarseTimes, ...fineTimes.slice(from)], series };
}

function timesOf(endAt: number, stepMs: number, points: number): number[] {
  return Array.from({ length: points }, (_, i) => endAt - (points - 1 - i) * stepMs);
}

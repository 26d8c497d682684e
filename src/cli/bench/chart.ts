import type { Histogram } from "../../observe/histogram.ts";
import { columns } from "./table.ts";
import type { Io } from "../io.ts";
import { countText, microsecondsText } from "../stats/units.ts";

const BAR_WIDTH = 40;
/** Bounds lie at 1, 2 and 5 of each power of ten up to 5000 s, more than a histogram holds; in µs. */
const DECADES = 10;
const STEPS = [1, 2, 5];

/** How long replies took, as bars: `≤ 500 µs  1,234  ██████`. Rows before the first reply and after the last are left out. */
export function latencyChart(times: Histogram, io: Io): string {
  const rows: { bound: number; count: number }[] = [];
  let below = 0;
  for (const bound of bounds()) {
    const upTo = countUpTo(times, bound);
    if (upTo > 0) rows.push({ bound, count: upTo - below });
    below = upTo;
    if (upTo === times.count) break;
  }
  const most = Math.max(...rows.map(({ count }) => count));
  const isPlain = io.noColor || !isUtf8(io.env);
  const lines = columns(rows.map(({ bound, count }) => [
    `${isPlain ? "<=" : "≤"} ${microsecondsText(bound)}`,
    countText(count),
    `${(count / times.count * 100).toFixed(1)}%`,
  ])).trimEnd().split("\n");
  return rows.map(({ count }, i) => `${lines[i]}  ${bar(count / most, isPlain)}`.trimEnd() + "\n").join("");
}

/** How many of the recorded values do not exceed the bound, within the histogram's 3%. */
export function countUpTo(times: Histogram, bound: number): number {
  let least = 0;
  let most = times.count;
  while (least < most) {
    const rank = Math.ceil((least + most) / 2);
    // Half a rank less: whatever the division rounds to, the quantile's rank is this one.
    if (times.quantile((rank - 0.5) / times.count) <= bound) least = rank;
    else most = rank - 1;
  }
  return least;
}

function* bounds(): Generator<number> {
  for (let decade = 0; decade < DECADES; decade++) for (const step of STEPS) yield step * 10 ** decade;
}

function bar(share: number, isPlain: boolean): string {
  if (share === 0) return "";
  const width = Math.round(share * BAR_WIDTH);
  return width === 0 ? (isPlain ? "." : "▏") : (isPlain ? "#" : "█").repeat(width);
}

function isUtf8(env: Io["env"]): boolean {
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "";
  return /utf-?8/i.test(locale);
}

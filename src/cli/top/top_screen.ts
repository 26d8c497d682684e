import type { PluginStats, ServerStats } from "../../observe/server_stats.ts";
import { verdictText } from "../../observe/verdict_text.ts";
import { aligned, printable } from "../aligned.ts";
import { bytesText, countOf, countText, microsecondsText, uptimeText } from "../stats/units.ts";

/** Two looks at a server, to tell rates from. */
export interface Looks {
  readonly stats: ServerStats;
  readonly earlier: ServerStats;
  /** Between them; in ms. */
  readonly apartMs: number;
}

/** What of it is shown. */
export interface TopView {
  /** The first plugin that is shown, where not all fit. */
  readonly from: number;
  readonly isHeld: boolean;
  readonly rows: number;
  readonly columns: number;
  /** Whether bold and inverse may be used. */
  readonly styled: boolean;
}

/** Lines beside those of plugins. */
const HEAD_LINES = 6;
const KEYS = "q quits  p holds the picture  ↑ ↓ PgUp PgDn Home End move";

/** The overview, the sick plugins first; a line is never wider than the view. */
export function topScreen(looks: Looks, view: TopView): string[] {
  const { stats, earlier, apartMs } = looks;
  const { styled, columns, rows, isHeld } = view;
  const plugins = bySickness(stats);
  const visible = visibleRows(rows);
  const from = firstShown(view, plugins.length);
  const shown = plugins.slice(from, from + visible);
  const table = aligned([HEADER, ...shown.map((plugin) => row(plugin, looks))], [0, 1]);
  const { state, pid, uptime_seconds, version, connections, rss_bytes, queue_bytes } = stats;
  const rates = ratesText(stats.plugins, earlier.plugins, apartMs);
  const more = plugins.length > shown.length
    ? `plugins ${from + 1} to ${from + shown.length} of ${plugins.length}`
    : "";
  const style = (code: string, text: string) => styled ? `\x1b[${code}m${text}\x1b[0m` : text;
  const cut = (text: string) => [...text].slice(0, columns).join("");
  const colour = stats.verdict.state === "well" ? "1;32" : stats.verdict.state === "warn" ? "1;33" : "1;31";
  return [
    style(colour, cut(printable(verdictText(stats.verdict)))),
    cut(
      `mevent ${printable(version)}, pid ${pid}, ${printable(state)} for ${uptimeText(uptime_seconds)}; ${
        countOf(connections.open, "connection")
      }, ${bytesText(rss_bytes)} of memory, ${bytesText(queue_bytes)} queued`,
    ),
    cut(rates),
    "",
    style("7", cut(table[0]!.padEnd(styled ? columns : 0))),
    ...table.slice(1).map(cut),
    ...styled || more !== ""
      ? [cut([...isHeld ? ["HELD"] : [], ...more === "" ? [] : [more], ...styled ? [KEYS] : []].join("  "))]
      : [],
  ];
}

/** How many plugins fit. */
export function visibleRows(rows: number): number {
  return Math.max(1, rows - HEAD_LINES);
}

/** The first plugin that is shown of so many: the last page is a full one. */
export function firstShown({ from, rows }: Pick<TopView, "from" | "rows">, plugins: number): number {
  return Math.max(0, Math.min(from, plugins - visibleRows(rows)));
}

const HEADER = [
  "plugin",
  "state",
  "in/s",
  "done/s",
  "failed/s",
  "queued",
  "full",
  "running",
  "oldest",
  "wait p99",
  "run p99",
  "workers",
];

function row(plugin: PluginStats, { earlier, apartMs }: Looks): string[] {
  const before = earlier.plugins.find(({ name }) => name === plugin.name);
  const rate = (key: "accepted" | "done" | "failed") =>
    before === undefined ? "-" : rateText(plugin[key] - before[key], apartMs);
  const { queued, in_flight, delayed, retrying, max_ops, max_bytes, queue_bytes, workers, workers_running } =
    plugin;
  const full = Math.max((queued + in_flight + delayed + retrying) / max_ops, queue_bytes / max_bytes);
  return [
    printable(plugin.name),
    stateOf(plugin),
    rate("accepted"),
    rate("done"),
    rate("failed"),
    countText(queued),
    `${Math.round(full * 100)}%`,
    countText(in_flight),
    queued === 0 ? "-" : microsecondsText(plugin.oldest_wait_ms * 1000),
    microsecondsText(plugin.wait_us_last_minute.p99),
    microsecondsText(plugin.run_us_last_minute.p99),
    `${workers_running}/${workers}`,
  ];
}

function stateOf({ down, queue_level, paused }: PluginStats): string {
  if (down !== null) return "down";
  if (paused) return "paused";
  return queue_level === "full" ? "full" : queue_level === "warning" ? "fills" : "ok";
}

/** Those of which the verdict says something first, in its order; then those with the most in line. */
function bySickness({ plugins, verdict }: ServerStats): PluginStats[] {
  const rank = (name: string) => {
    const at = verdict.findings.findIndex(({ plugin }) => plugin === name);
    return at < 0 ? verdict.findings.length : at;
  };
  return [...plugins].sort((a, b) =>
    rank(a.name) - rank(b.name) || b.queued - a.queued || (a.name < b.name ? -1 : 1)
  );
}

function ratesText(
  plugins: readonly PluginStats[],
  earlier: readonly PluginStats[],
  apartMs: number,
): string {
  const sum = (key: "accepted" | "done" | "failed" | "busy") =>
    rateText(
      plugins.reduce((all, each) => all + each[key], 0) - earlier.reduce((all, each) => all + each[key], 0),
      apartMs,
    );
  return `per second: in ${sum("accepted")}, done ${sum("done")}, failed ${sum("failed")}, refused as busy ${
    sum("busy")
  }`;
}

/** A server that has been restarted meanwhile counts from 0. */
function rateText(count: number, ms: number): string {
  return countText(Math.round(Math.max(0, count) * 10_000 / ms) / 10);
}

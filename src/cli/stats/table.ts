import { verdictText } from "../../observe/verdict_text.ts";
import type { ForwardStats, Latency, PluginStats, ServerStats } from "../../observe/server_stats.ts";
import { aligned, printable } from "../aligned.ts";
import { bytesText, countText, microsecondsText, uptimeText } from "./units.ts";

/** An earlier look at the same server, to tell rates from. */
export interface EarlierStats {
  readonly stats: ServerStats;
  /** How long ago, in milliseconds. */
  readonly agoMs: number;
}

/** The figures for people; with `watched` there is a column of rates, which needs an earlier look to fill. */
export function statsTable(stats: ServerStats, watched: boolean, earlier?: EarlierStats): string {
  const rows = stats.plugins.map((plugin) => {
    const { name, biz, queued, in_flight, done, failed, busy } = plugin;
    const { queue_bytes, queue_level, oldest_wait_ms, wait_us, run_us } = plugin;
    return [
      printable(name),
      biz === null ? "-" : String(biz),
      ...[queued, in_flight, done].map(countText),
      ...watched ? [rateText(plugin, stats, earlier)] : [],
      ...[failed, busy].map(countText),
      fillText(queue_bytes, queue_level),
      queued === 0 ? "-" : microsecondsText(oldest_wait_ms * 1000),
      latencyText(wait_us),
      latencyText(plugin.wait_us_last_minute),
      latencyText(run_us),
      latencyText(plugin.run_us_last_minute),
      workersText(plugin),
    ];
  });
  const header = ["plugin", "biz", "queued", "in flight", "done", ...watched ? ["done/s"] : []];
  header.push(
    "failed",
    "busy",
    "queue",
    "oldest",
    "wait p50/p99",
    "last minute",
    "run p50/p99",
    "last minute",
    "workers",
  );
  const own = [
    ...stats.plugins.flatMap(lifeFigures),
    ...stats.plugins.flatMap(journalFigures),
    ...stats.plugins.flatMap(ownFigures),
  ];
  return [
    ...serverLines(stats),
    "",
    ...aligned([header, ...rows]),
    ...own.length === 0 ? [] : ["", ...own],
  ].map((line) => `${line}\n`).join("");
}

function serverLines(stats: ServerStats): string[] {
  const { connections: { by_kind: _, ...connections }, messages, errors } = stats;
  const { version, pid, state, uptime_seconds, queue_bytes, queue_level, max_queue_bytes, rss_bytes } = stats;
  return [
    `mevent ${printable(version)}, pid ${pid}, ${printable(state)} for ${uptimeText(uptime_seconds)}`,
    `verdict      ${printable(verdictText(stats.verdict))}`,
    ...stats.not_ready.map((reason) => `not ready    ${printable(reason)}`),
    `connections  ${figures(connections)}`,
    ...tlsLines(stats),
    `messages     ${figures({ ...messages })}`,
    `errors       ${figures({ ...errors })}`,
    ...reachedLines(stats),
    `queues       ${fillText(queue_bytes, queue_level)} of ${bytesText(max_queue_bytes)}`,
    ...stats.plugins.every(({ journal }) => journal === null) ? [] : [
      `journals     ${fillText(stats.disk_bytes, stats.disk_level)} of ${bytesText(stats.max_disk)} on disk`,
    ],
    ...stats.forwards.map(forwardLine),
    `memory       ${bytesText(rss_bytes)}`,
  ];
}

/** What else becomes of operations, as it is called in a plugin's figures. */
const LIFE = [
  "refused",
  "delayed",
  "retrying",
  "retries",
  "expired",
  "cancelled",
  "deduplicated",
  "keys_forgotten",
  "dead",
  "dead_dropped",
  "results",
  "results_dropped",
  "results_asked",
] as const;

/** What else became of operations, where anything did: `orders operations: retrying 2, retries 3, dead 1`. */
function lifeFigures(plugin: PluginStats): string[] {
  const counts = LIFE.map((name) => [name, plugin[name]] as const);
  const text = figures(Object.fromEntries(counts.filter(([, count]) => count > 0)));
  const all = [...plugin.paused ? ["paused"] : [], ...text === "" ? [] : [text]].join(", ");
  return all === "" ? [] : [`${printable(plugin.name)} operations: ${all}`];
}

/** How a plugin's journal is: `orders journal: unsynced 3 (420 B), on disk alone 0, 12 files of 180 MiB, …`. */
function journalFigures({ name, journal }: PluginStats): string[] {
  if (journal === null) return [];
  const { problem, unsynced, unsynced_bytes, spilled, files, disk_bytes, live_bytes, max_disk } = journal;
  const { cleanup_problem, failures, disk_level } = journal;
  const { free_bytes, commits_per_second, commit_us_last_minute, refused } = journal;
  const parts = [
    ...problem === null ? [] : [`takes nothing: ${printable(problem)}`],
    `unsynced ${countText(unsynced)} (${bytesText(unsynced_bytes)})`,
    `on disk alone ${countText(spilled)}`,
    `files ${countText(files)}`,
    `${fillText(disk_bytes, disk_level)} of ${bytesText(max_disk)} (${bytesText(live_bytes)} alive)`,
    ...free_bytes === null ? [] : [`disk left ${bytesText(free_bytes)}`],
    `commits/s ${countText(commits_per_second)}`,
    `commit p50/p99 ${latencyText(commit_us_last_minute)}`,
    ...refused === 0 ? [] : [`refused ${countText(refused)}`],
    ...failures === 0 ? [] : [`stopped ${countText(failures)} times`],
    ...cleanup_problem === null ? [] : [`old files stay: ${printable(cleanup_problem)}`],
  ];
  return [`${printable(name)} journal: ${parts.join(", ")}`];
}

/** Where there is TLS: its connections, and how long its certificates are valid. */
function tlsLines({ tls: { certificates, open, handshakes, failed } }: ServerStats): string[] {
  if (certificates.length === 0 && open === 0) return [];
  const lines = certificates.map(({ listener, expires_in_seconds: left }) => {
    const time = left === null
      ? "at an unknown time"
      : left > 0
      ? `in ${uptimeText(left)}`
      : `${uptimeText(-left)} ago`;
    return `certificate  of ${printable(listener)}: ${
      left !== null && left <= 0 ? "expired" : "expires"
    } ${time}`;
  });
  return [`tls          ${figures({ open, handshakes, failed })}`, ...lines];
}

function forwardLine({ to, names, connected, in_flight, forwarded, failed }: ForwardStats): string {
  const state = connected ? "connected" : "not connected";
  return `forwards     ${printable(names.join(", "))} to ${printable(to)}: ${state}, ${
    figures({ in_flight, forwarded, failed })
  }`;
}

/** The limits that were reached at all. */
function reachedLines({ limits }: ServerStats): string[] {
  const reached = Object.fromEntries(Object.entries(limits).filter(([, times]) => times > 0));
  return Object.keys(reached).length === 0 ? [] : [`limits       ${figures(reached)}`];
}

/** What the plugin counts itself. */
function ownFigures({ name, counters, gauges }: PluginStats): string[] {
  const text = figures({ ...counters, ...gauges });
  return text === "" ? [] : [`${printable(name)}: ${text}`];
}

/** `open 3, slow readers closed 0`; what is not known is left out. */
function figures(values: Readonly<Record<string, number | null>>): string {
  return Object.entries(values)
    .flatMap(([name, value]) =>
      value === null ? [] : [`${printable(name).replaceAll("_", " ")} ${countText(value)}`]
    )
    .join(", ");
}

/** `1.5 MiB`, or `200 MiB (warning)` where it is more than half full. */
function fillText(bytes: number, level: string): string {
  return level === "normal" ? bytesText(bytes) : `${bytesText(bytes)} (${printable(level)})`;
}

function rateText(plugin: PluginStats, now: ServerStats, earlier: EarlierStats | undefined): string {
  const before = earlier?.stats.plugins.find(({ name }) => name === plugin.name);
  const restarted = earlier?.stats.pid !== now.pid || earlier.stats.uptime_seconds > now.uptime_seconds;
  if (before === undefined || restarted || earlier.agoMs <= 0) return "-";
  return countText(Math.round(Math.max(0, plugin.done - before.done) / earlier.agoMs * 1000));
}

function latencyText({ p50, p99 }: Latency): string {
  return `${microsecondsText(p50)} / ${microsecondsText(p99)}`;
}

/** `3 of 4 processes, 1 unhealthy, 1 restarted, 1 leaked thread` */
function workersText(plugin: PluginStats): string {
  const { workers, workers_running, unhealthy_workers, restarts, isolation, moved, leaked_threads, down } =
    plugin;
  const running = workers_running === workers ? String(workers) : `${workers_running} of ${workers}`;
  return [
    isolation === "process"
      ? `${running} process${workers === 1 ? "" : "es"}${moved ? " (moved)" : ""}`
      : running,
    ...down === null || unhealthy_workers > 0 ? [] : ["down"],
    ...unhealthy_workers === 0 ? [] : [`${unhealthy_workers} unhealthy`],
    ...restarts === 0 ? [] : [`${restarts} restarted`],
    ...leaked_threads === 0 ? [] : [`${leaked_threads} leaked thread${leaked_threads === 1 ? "" : "s"}`],
  ].join(", ");
}

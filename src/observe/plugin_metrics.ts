import type { Labels, Metric } from "./metric_text.ts";
import type { CommandStats, HistogramStats, JournalStats, Latency, PluginStats } from "./server_stats.ts";

/** Figures of a plugin that only grow, and what they count. */
const COUNTERS = {
  done: "operations done",
  failed: "operations failed for good",
  refused: "of those, callers' mistakes: codes 17, 18, 23, 24",
  expired: "operations not run, as they had waited longer than the ttl",
  cancelled: "operations cancelled or purged",
  retries: "attempts that failed and were not the last",
  dead_dropped: "dead letters dropped because there were too many",
  deduplicated: "requests answered as an earlier one with the same key",
  keys_forgotten: "keys forgotten before their time",
  results_dropped: "results forgotten before their time, or too large to keep",
  results_asked: "times that the state of an operation was asked for",
  restarts: "workers replaced because they died or hung",
  recycled: "workers replaced after recycle_after operations",
} as const satisfies Partial<Record<keyof PluginStats, string>>;

/** Those that stand as they are now. */
const GAUGES = {
  queued: "operations that wait for a worker",
  in_flight: "operations that workers hold",
  delayed: "operations parked until the time that their callers asked for",
  retrying: "operations parked until their next attempt",
  queue_bytes: "bytes of all pending operations",
  max_ops: "operations that may be pending",
  max_bytes: "bytes that may be pending",
  dead: "dead letters kept",
  keys: "keys known",
  results: "results kept",
  results_bytes: "bytes of them",
  workers: "workers that there may be",
  workers_running: "workers that run",
  unhealthy_workers: "workers whose plugin says that they cannot do their work",
  leaked_threads: "threads that were ended and go on",
  ring_bytes: "memory that is shared with workers",
  cache_entries: "entries of the cache",
  cache_bytes: "bytes of the cache",
} as const satisfies Partial<Record<keyof PluginStats, string>>;

/** Of a command: what became of its operations. */
const COMMAND_COUNTERS = {
  done: "operations of a command done",
  failed: "operations of a command failed for good",
  refused: "of those, callers' mistakes",
} as const satisfies Partial<Record<keyof CommandStats, string>>;

/** Of a plugin's journal: those that only grow, and those that stand as they are now. */
const JOURNAL_COUNTERS = {
  commits: "commits of the journal",
  refused: "operations that the disk did not take",
  failures: "how often the journal stopped because the system refused",
} as const satisfies Partial<Record<keyof JournalStats, string>>;
const JOURNAL_GAUGES = {
  unsynced: "operations that are not committed yet",
  unsynced_bytes: "bytes of them on disk",
  spilled: "operations that wait on disk alone",
  files: "files of the journal",
  disk_bytes: "bytes of them",
  live_bytes: "bytes of what has not ended",
  max_disk: "bytes that they may have",
  free_bytes: "bytes left on the file system",
  commits_per_second: "commits of the last second",
} as const satisfies Partial<Record<keyof JournalStats, string>>;

const WORKER_STATES = ["starting", "running", "retiring", "failing", "stopping"] as const;

/** Makes the metrics of what a server has several of. */
interface Maker<T> {
  counter(name: string, help: string, value: (of: T) => number | null): Metric;
  gauge(name: string, help: string, value: (of: T) => number | null): Metric;
  histogram(name: string, help: string, value: (of: T) => HistogramStats): Metric;
}

function maker<T>(all: readonly (readonly [Labels, T])[]): Maker<T> {
  const numbers = (type: "counter" | "gauge") =>
  (
    name: string,
    help: string,
    value: (of: T) => number | null,
  ): Metric => ({
    type,
    name,
    help,
    samples: all.flatMap(([labels, of]): [Labels, number][] => {
      const figure = value(of);
      return figure === null ? [] : [[labels, figure]];
    }),
  });
  return {
    counter: numbers("counter"),
    gauge: numbers("gauge"),
    histogram: (name, help, value) => ({
      type: "histogram",
      name,
      help,
      samples: all.map(([labels, of]) => [labels, value(of)]),
    }),
  };
}

/** What Prometheus is told of plugins, their commands and their journals. */
export function pluginMetrics(plugins: readonly PluginStats[]): Metric[] {
  const of = maker(plugins.map((plugin) => [{ plugin: plugin.name }, plugin]));
  return [
    ...keysOf(COUNTERS).map((key) => of.counter(`mevent_plugin_${key}_total`, COUNTERS[key], (p) => p[key])),
    ...keysOf(GAUGES).map((key) => of.gauge(`mevent_plugin_${key}`, GAUGES[key], (p) => p[key])),
    of.gauge("mevent_plugin_down", "whether no worker of it can work", ({ down }) => Number(down !== null)),
    of.gauge("mevent_plugin_paused", "whether it is paused", ({ paused }) => Number(paused)),
    of.gauge(
      "mevent_plugin_oldest_wait_seconds",
      "how long the oldest operation that waits for a worker has waited",
      (plugin) => plugin.oldest_wait_ms / 1000,
    ),
    workersByState(plugins),
    ...quantiles(of, "mevent_plugin_wait", "how long operations waited", (p) => p.wait_us_last_minute),
    ...quantiles(of, "mevent_plugin_run", "how long operations ran", (p) => p.run_us_last_minute),
    own("counter", "mevent_plugin_own_total", "what the plugin counts itself", plugins, (p) => p.counters),
    own("gauge", "mevent_plugin_own_level", "what the plugin shows itself", plugins, (p) => p.gauges),
    ...commandMetrics(plugins),
    ...journalMetrics(plugins),
  ];
}

function commandMetrics(plugins: readonly PluginStats[]): Metric[] {
  const of = maker(
    plugins.flatMap(({ name: plugin, commands }) =>
      commands.map((command): [Labels, CommandStats] => {
        const { number, name } = command;
        return [{ plugin, command: number === null ? "other" : String(number), name }, command];
      })
    ),
  );
  return [
    ...keysOf(COMMAND_COUNTERS).map((key) =>
      of.counter(`mevent_command_${key}_total`, COMMAND_COUNTERS[key], (command) => command[key])
    ),
    of.histogram(
      "mevent_command_wait_seconds",
      "time between an operation's acceptance and its reply beside that in which it ran",
      (command) => command.wait_histogram,
    ),
    of.histogram(
      "mevent_command_run_seconds",
      "how long an operation ran",
      (command) => command.run_histogram,
    ),
  ];
}

function journalMetrics(plugins: readonly PluginStats[]): Metric[] {
  const of = maker(
    plugins.flatMap(({ name: plugin, journal }): [Labels, JournalStats][] =>
      journal === null ? [] : [[{ plugin }, journal]]
    ),
  );
  return [
    ...keysOf(JOURNAL_COUNTERS).map((key) =>
      of.counter(`mevent_plugin_journal_${key}_total`, JOURNAL_COUNTERS[key], (journal) => journal[key])
    ),
    ...keysOf(JOURNAL_GAUGES).map((key) =>
      of.gauge(`mevent_plugin_journal_${key}`, JOURNAL_GAUGES[key], (journal) => journal[key])
    ),
    of.gauge(
      "mevent_plugin_journal_problem",
      "whether the journal takes nothing",
      ({ problem }) => Number(problem !== null),
    ),
    of.gauge(
      "mevent_plugin_journal_cleanup_problem",
      "whether old files of the journal cannot be cleaned up",
      (journal) => Number(journal.cleanup_problem !== null),
    ),
    of.histogram(
      "mevent_plugin_journal_commit_seconds",
      "how long a commit took, with its sync",
      (journal) => journal.commit_histogram,
    ),
    ...quantiles(
      of,
      "mevent_plugin_journal_commit",
      "how long commits took",
      (journal) => journal.commit_us_last_minute,
    ),
  ];
}

function workersByState(plugins: readonly PluginStats[]): Metric {
  return {
    type: "gauge",
    name: "mevent_plugin_workers_by_state",
    help: "workers by what they do now",
    samples: plugins.flatMap(({ name: plugin, worker_states }) =>
      WORKER_STATES.map((state): [Labels, number] => [{ plugin, state }, worker_states[state]])
    ),
  };
}

/** The median and the slowest hundredth of the last minute. */
function quantiles<T>(of: Maker<T>, name: string, help: string, value: (of: T) => Latency): Metric[] {
  return [
    of.gauge(
      `${name}_last_minute_p50_seconds`,
      `${help}, half of the last minute's`,
      (of) => value(of).p50 / 1e6,
    ),
    of.gauge(
      `${name}_last_minute_p99_seconds`,
      `${help}, 99 of 100 of the last minute's`,
      (of) => value(of).p99 / 1e6,
    ),
  ];
}

function own(
  type: "counter" | "gauge",
  name: string,
  help: string,
  plugins: readonly PluginStats[],
  figures: (plugin: PluginStats) => Readonly<Record<string, number>>,
): Metric {
  return {
    type,
    name,
    help,
    samples: plugins.flatMap((plugin) =>
      Object.entries(figures(plugin)).map(([name, value]): [Labels, number] => [
        { plugin: plugin.name, name },
        value,
      ])
    ),
  };
}

function keysOf<K extends string>(table: Readonly<Record<K, string>>): K[] {
  return Object.keys(table) as K[];
}

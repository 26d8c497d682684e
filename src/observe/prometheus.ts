import type { JournalStats, PluginStats, ServerStats } from "./server_stats.ts";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** Figures of a plugin that only grow, and what they count. */
const PLUGIN_COUNTERS = {
  accepted: "operations accepted",
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
  busy: "requests refused because the queue was full",
  restarts: "workers replaced because they died or hung",
  recycled: "workers replaced after recycle_after operations",
} as const satisfies Partial<Record<keyof PluginStats, string>>;

/** Those that stand as they are now. */
const PLUGIN_GAUGES = {
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
  cache_entries: "entries of the cache",
  cache_bytes: "bytes of the cache",
} as const satisfies Partial<Record<keyof PluginStats, string>>;

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

/** The figures of a server in the text format of Prometheus, version 0.0.4; times in seconds. */
export function prometheusText(stats: ServerStats): string {
  const { plugins, connections, tls, messages, errors } = stats;
  const named = (kind: string, figures: Readonly<Record<string, number | null>>): Sample[] =>
    Object.entries(figures).flatMap(([name, value]) => value === null ? [] : [[{ [kind]: name }, value]]);
  const each = (value: (plugin: PluginStats) => number): Sample[] =>
    plugins.map((plugin) => [{ plugin: plugin.name }, value(plugin)]);
  const own = (figures: (plugin: PluginStats) => Readonly<Record<string, number>>): Sample[] =>
    plugins.flatMap((plugin) =>
      Object.entries(figures(plugin)).map(([name, value]): Sample => [{ plugin: plugin.name, name }, value])
    );
  const quantiles = (times: (plugin: PluginStats) => PluginStats["wait_us"]): Sample[] =>
    plugins.flatMap((plugin): Sample[] => {
      const { p50, p99 } = times(plugin);
      return [
        [{ plugin: plugin.name, quantile: "0.5" }, p50 / 1e6],
        [{ plugin: plugin.name, quantile: "0.99" }, p99 / 1e6],
      ];
    });
  const ofJournals = (value: (journal: JournalStats) => number | null): Sample[] =>
    plugins.flatMap(({ name, journal }): Sample[] => {
      const figure = journal === null ? null : value(journal);
      return figure === null ? [] : [[{ plugin: name }, figure]];
    });
  const commits = (quantile: "p50" | "p99") =>
    ofJournals((journal) => journal.commit_us_last_minute[quantile] / 1e6).map(
      ([labels, value]): Sample => [{ ...labels, quantile: quantile === "p50" ? "0.5" : "0.99" }, value],
    );
  return [
    family("mevent_info", "gauge", "the server's version", [[{ version: stats.version }, 1]]),
    family("mevent_running", "gauge", "whether it takes operations", [[
      {},
      Number(stats.state === "running"),
    ]]),
    family("mevent_ready", "gauge", "whether it runs and all journals take operations", [[
      {},
      Number(stats.ready),
    ]]),
    family("mevent_uptime_seconds", "gauge", "time since its start", [[{}, stats.uptime_seconds]]),
    family("mevent_resident_bytes", "gauge", "memory of the process", [[{}, stats.rss_bytes]]),
    family("mevent_queue_bytes", "gauge", "bytes of all queues", [[{}, stats.queue_bytes]]),
    family("mevent_max_queue_bytes", "gauge", "bytes that all queues may have", [[
      {},
      stats.max_queue_bytes,
    ]]),
    family("mevent_disk_bytes", "gauge", "bytes of all journals", [[{}, stats.disk_bytes]]),
    family("mevent_forwarded_total", "counter", "requests handed to another server, by what became of them", [
      ...stats.forwards.map(({ to, forwarded }): Sample => [{ to, outcome: "sent" }, forwarded]),
      ...stats.forwards.map(({ to, failed }): Sample => [{ to, outcome: "failed" }, failed]),
    ]),
    family("mevent_max_disk_bytes", "gauge", "bytes that all journals may have", [[{}, stats.max_disk]]),
    family("mevent_connections_open", "gauge", "connections", [[{}, connections.open]]),
    family("mevent_connections_total", "counter", "connections by what became of them", [
      [{ outcome: "accepted" }, connections.accepted],
      [{ outcome: "refused" }, connections.refused],
      [{ outcome: "slow_reader_closed" }, connections.slow_readers_closed],
    ]),
    family("mevent_tls_connections_open", "gauge", "connections with TLS", [[{}, tls.open]]),
    family("mevent_tls_handshakes_total", "counter", "TLS handshakes by what became of them", [
      [{ outcome: "done" }, tls.handshakes],
      [{ outcome: "failed" }, tls.failed],
    ]),
    family(
      "mevent_certificate_expires_seconds",
      "gauge",
      "time until a listener's certificate ceases to be valid",
      tls.certificates.flatMap(({ listener, expires_in_seconds: left }): Sample[] =>
        left === null ? [] : [[{ listener }, left]]
      ),
    ),
    family("mevent_messages_total", "counter", "messages received", named("transport", messages)),
    family("mevent_errors_total", "counter", "requests refused and replies dropped", named("kind", errors)),
    family(
      "mevent_limit_reached_total",
      "counter",
      "how often limits were reached",
      named("limit", stats.limits),
    ),
    ...Object.entries(PLUGIN_COUNTERS).map(([key, help]) =>
      family(
        `mevent_plugin_${key}_total`,
        "counter",
        help,
        each((plugin) => plugin[key as keyof typeof PLUGIN_COUNTERS]),
      )
    ),
    ...Object.entries(PLUGIN_GAUGES).map(([key, help]) =>
      family(
        `mevent_plugin_${key}`,
        "gauge",
        help,
        each((plugin) => plugin[key as keyof typeof PLUGIN_GAUGES]),
      )
    ),
    ...Object.entries(JOURNAL_COUNTERS).map(([key, help]) =>
      family(
        `mevent_plugin_journal_${key}_total`,
        "counter",
        help,
        ofJournals((journal) => journal[key as keyof typeof JOURNAL_COUNTERS]),
      )
    ),
    ...Object.entries(JOURNAL_GAUGES).map(([key, help]) =>
      family(
        `mevent_plugin_journal_${key}`,
        "gauge",
        help,
        ofJournals((journal) => journal[key as keyof typeof JOURNAL_GAUGES]),
      )
    ),
    family(
      "mevent_plugin_journal_problem",
      "gauge",
      "whether the journal takes nothing",
      ofJournals(({ problem }) => Number(problem !== null)),
    ),
    family(
      "mevent_plugin_journal_cleanup_problem",
      "gauge",
      "whether old files of the journal cannot be cleaned up",
      ofJournals((journal) => Number(journal.cleanup_problem !== null)),
    ),
    family(
      "mevent_plugin_journal_commit_last_minute_seconds",
      "gauge",
      "how long commits of the last minute took",
      [...commits("p50"), ...commits("p99")],
    ),
    family(
      "mevent_plugin_down",
      "gauge",
      "whether no worker of it can work",
      each(({ down }) => Number(down !== null)),
    ),
    family("mevent_plugin_paused", "gauge", "whether it is paused", each(({ paused }) => Number(paused))),
    family(
      "mevent_plugin_oldest_wait_seconds",
      "gauge",
      "how long the oldest operation that waits for a worker has waited",
      each((plugin) => plugin.oldest_wait_ms / 1000),
    ),
    family(
      "mevent_plugin_wait_seconds",
      "gauge",
      "how long operations waited",
      quantiles((plugin) => plugin.wait_us),
    ),
    family(
      "mevent_plugin_run_seconds",
      "gauge",
      "how long operations ran",
      quantiles((plugin) => plugin.run_us),
    ),
    family(
      "mevent_plugin_wait_last_minute_seconds",
      "gauge",
      "how long operations of the last minute waited",
      quantiles((plugin) => plugin.wait_us_last_minute),
    ),
    family(
      "mevent_plugin_run_last_minute_seconds",
      "gauge",
      "how long operations of the last minute ran",
      quantiles((plugin) => plugin.run_us_last_minute),
    ),
    family(
      "mevent_plugin_counter_total",
      "counter",
      "what the plugin counts itself",
      own((plugin) => plugin.counters),
    ),
    family("mevent_plugin_gauge", "gauge", "what the plugin shows itself", own((plugin) => plugin.gauges)),
  ].join("");
}

function family(name: string, type: "counter" | "gauge", help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return "";
  const lines = samples.map(([labels, value]) => `${name}${labelsText(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function labelsText(labels: Labels): string {
  const texts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return texts.length === 0 ? "" : `{${texts.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

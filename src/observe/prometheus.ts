import { type Labels, type Metric, metricsText } from "./metric_text.ts";
import { pluginMetrics } from "./plugin_metrics.ts";
import type { ServerStats } from "./server_stats.ts";

/** The figures of a server in the text format of Prometheus, version 0.0.4; times in seconds. */
export function prometheusText(stats: ServerStats): string {
  return metricsText([...serverMetrics(stats), ...pluginMetrics(stats.plugins)]);
}

function serverMetrics(stats: ServerStats): Metric[] {
  const { connections, tls, messages, errors, limits, memory, loop } = stats;
  const one = (type: "counter" | "gauge", name: string, help: string, value: number): Metric => ({
    type,
    name,
    help,
    samples: [[{}, value]],
  });
  const named = (
    type: "counter" | "gauge",
    name: string,
    help: string,
    label: string,
    figures: Readonly<Record<string, number | null>>,
  ): Metric => ({
    type,
    name,
    help,
    samples: Object.entries(figures).flatMap(([value, figure]): [Labels, number][] =>
      figure === null ? [] : [[{ [label]: value }, figure]]
    ),
  });
  return [
    {
      type: "gauge",
      name: "mevent_build_info",
      help: "the server's version",
      samples: [[{ version: stats.version }, 1]],
    },
    one("gauge", "mevent_start_time_seconds", "when it was started, since 1970", stats.started_at / 1000),
    one("gauge", "mevent_uptime_seconds", "time since its start", stats.uptime_seconds),
    one("gauge", "mevent_running", "whether it takes operations", Number(stats.state === "running")),
    one("gauge", "mevent_ready", "whether it runs and all journals take operations", Number(stats.ready)),
    one("gauge", "mevent_resident_bytes", "memory of the process", stats.rss_bytes),
    one(
      "gauge",
      "mevent_heap_bytes",
      "JavaScript objects of the main thread, garbage included",
      memory.heap_bytes,
    ),
    one("gauge", "mevent_heap_size_bytes", "memory that the engine has for them", memory.heap_size_bytes),
    one("gauge", "mevent_external_bytes", "memory outside that is tied to them", memory.external_bytes),
    one("gauge", "mevent_segment_bytes", "memory of the logs of queues and results", memory.segment_bytes),
    one("gauge", "mevent_ring_bytes", "memory that is shared with workers", memory.ring_bytes),
    {
      type: "histogram",
      name: "mevent_loop_delay_seconds",
      help: "for how long the main thread did not turn to what was next",
      samples: [[{}, loop.delay_histogram]],
    },
    one(
      "gauge",
      "mevent_loop_delay_last_minute_max_seconds",
      "the longest of them within the last minute",
      loop.delay_us_last_minute.max / 1e6,
    ),
    one("gauge", "mevent_queue_bytes", "bytes of all queues", stats.queue_bytes),
    one("gauge", "mevent_max_queue_bytes", "bytes that all queues may have", stats.max_queue_bytes),
    one("gauge", "mevent_disk_bytes", "bytes of all journals", stats.disk_bytes),
    one("gauge", "mevent_max_disk_bytes", "bytes that all journals may have", stats.max_disk),
    named("gauge", "mevent_connections_open", "open connections", "listener", connections.by_kind),
    named("counter", "mevent_connections_total", "connections by what became of them", "outcome", {
      accepted: connections.accepted,
      refused: connections.refused,
      slow_reader_closed: connections.slow_readers_closed,
    }),
    one("gauge", "mevent_tls_connections_open", "connections with TLS", tls.open),
    named("counter", "mevent_tls_handshakes_total", "TLS handshakes by what became of them", "outcome", {
      done: tls.handshakes,
      failed: tls.failed,
    }),
    {
      type: "gauge",
      name: "mevent_certificate_expires_seconds",
      help: "time until a listener's certificate ceases to be valid",
      samples: tls.certificates.flatMap(({ listener, expires_in_seconds: left }): [Labels, number][] =>
        left === null ? [] : [[{ listener }, left]]
      ),
    },
    named("counter", "mevent_messages_total", "messages received", "transport", messages),
    named("counter", "mevent_http_responses_total", "HTTP responses", "status", stats.http_responses),
    intake(stats),
    named("counter", "mevent_errors_total", "requests refused and replies dropped", "kind", errors),
    named("counter", "mevent_limit_reached_total", "how often limits were reached", "limit", limits),
    {
      type: "counter",
      name: "mevent_forwarded_total",
      help: "requests handed to another server, by what became of them",
      samples: stats.forwards.flatMap(({ to, forwarded, failed }): [Labels, number][] => [
        [{ to, outcome: "sent" }, forwarded],
        [{ to, outcome: "failed" }, failed],
      ]),
    },
  ];
}

/** What became of requests at the door; those that reached no plugin have none. */
function intake({ plugins, errors, limits }: ServerStats): Metric {
  const ofNone = (result: string, code: number, count: number): [Labels, number] => [
    { plugin: "", result, code: String(code) },
    count,
  ];
  const reached = (...names: string[]) => names.reduce((sum, name) => sum + (limits[name] ?? 0), 0);
  const unknownCommands = plugins.reduce((sum, { unknown }) => sum + unknown, 0);
  return {
    type: "counter",
    name: "mevent_intake_total",
    help: "requests by what became of them at the door",
    samples: [
      ofNone("refused", 13, reached("rights", "login")),
      ofNone("refused", 15, errors.version),
      ofNone("refused", 17, errors.broken),
      // A plugin that was removed takes its part of them along.
      ofNone("refused", 18, Math.max(0, errors.unknown - unknownCommands)),
      ofNone("refused", 21, reached("rate", "rate_per_address")),
      ...plugins.flatMap(({ name: plugin, accepted, busy, unknown, bad_options }): [Labels, number][] => [
        [{ plugin, result: "accepted", code: "1000" }, accepted],
        [{ plugin, result: "busy", code: "21" }, busy],
        [{ plugin, result: "refused", code: "18" }, unknown],
        [{ plugin, result: "refused", code: "23" }, bad_options],
      ]),
    ],
  };
}

import type { Log } from "../observe/log.ts";
import type { LoopDelay } from "../observe/loop_delay.ts";
import { readiness } from "../observe/readiness.ts";
import type { ServerCounters, ServerStats } from "../observe/server_stats.ts";
import { verdictOf } from "../observe/verdict.ts";
import type { Listeners } from "./listeners.ts";
import type { PluginJournals } from "./plugin_journals.ts";
import type { PluginSet } from "./plugin_set.ts";
import type { Routing } from "./routing.ts";
import type { WatchedFigures } from "./watched_figures.ts";

/** What a server's figures are of. */
export interface FigureSources {
  readonly version: string;
  readonly state: ServerStats["state"];
  readonly delay: LoopDelay;
  readonly figures: Pick<WatchedFigures, "history">;
  readonly routing: Pick<Routing, "counters" | "limitLog" | "budget" | "forwards">;
  readonly log: Log;
  readonly listeners: Listeners;
  readonly plugins: PluginSet;
  readonly journals: PluginJournals;
}

/** The figures as everybody gets them. */
export function serverFigures(sources: FigureSources): ServerStats {
  const { routing: { counters, limitLog, budget, forwards }, log, listeners, plugins, delay } = sources;
  const now = plugins.parts.now();
  const all = plugins.all.map((plugin) => plugin.stats());
  const { rss, heapUsed, heapTotal, external } = Deno.memoryUsage();
  const { ready, reasons } = readiness(sources.state, plugins.readiness);
  const stats = {
    version: sources.version,
    pid: Deno.pid,
    uptime_seconds: Math.round((now - delay.since) / 1000),
    started_at: Math.round(performance.timeOrigin + delay.since),
    state: sources.state,
    ready,
    not_ready: reasons,
    connections: {
      open: counters.connectionsOpen,
      accepted: counters.connectionsAccepted,
      refused: counters.connectionsRefused,
      slow_readers_closed: counters.slowReadersClosed,
      by_kind: { ...counters.openByKind },
    },
    tls: {
      open: counters.tlsOpen,
      handshakes: counters.tlsHandshakes,
      failed: counters.tlsFailed,
      certificates: listeners.certificates,
    },
    limits: { ...limitLog.counts, max_log_lines: log.dropped },
    messages: {
      tcp: counters.tcpMessages,
      udp: counters.udpMessages,
      unix: counters.unixMessages,
      http: counters.httpMessages,
    },
    http_responses: responsesOf(counters),
    errors: {
      version: counters.versionMismatches,
      broken: counters.brokenRequests,
      unknown: counters.unknownRequests,
      busy: counters.busy,
      replies_dropped: counters.repliesDropped,
      datagrams_dropped: listeners.dropped(),
    },
    rss_bytes: rss,
    memory: {
      heap_bytes: heapUsed,
      heap_size_bytes: heapTotal,
      external_bytes: external,
      segment_bytes: plugins.parts.segments.bytes,
      ring_bytes: all.reduce((sum, { ring_bytes }) => sum + ring_bytes, 0),
    },
    loop: delay.stats(now),
    queue_bytes: budget.bytes,
    queue_level: budget.watermarks.level,
    max_queue_bytes: budget.maxBytes,
    disk_bytes: sources.journals.diskBytes,
    max_disk: sources.journals.maxDisk,
    disk_level: sources.journals.journals.level,
    forwards: forwards.stats(),
    plugins: all,
  };
  const bounds = new Map(
    all.map(({ name, max_ops, max_bytes }) => [name, { maxOps: max_ops, maxBytes: max_bytes }]),
  );
  const { history } = sources.figures;
  return { ...stats, verdict: verdictOf(stats, (name) => history?.recent(name, bounds.get(name)!) ?? null) };
}

function responsesOf({ httpResponses }: ServerCounters): ServerStats["http_responses"] {
  const responses: ServerStats["http_responses"] = {};
  for (const [status, count] of httpResponses.entries()) if (count > 0) responses[status] = count;
  return responses;
}

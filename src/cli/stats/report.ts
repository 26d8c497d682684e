import * as v from "valibot";
import type { Connection } from "../../client/connection.ts";
import type { ServerStats } from "../../observe/server_stats.ts";
import { FINDING_KINDS, LEVELS } from "../../observe/finding.ts";
import type { JsonValue } from "../../plugin.ts";
import { ReplyCode, replyName } from "../../protocol/codes.ts";

/** The reserved plugin that answers with them, whatever the command. */
const STATS_PLUGIN = "Reserve.Stats";
const STATS_COMMAND = 1000;

/** An answer that is no {@link ServerStats}; mostly of another mevent. */
export class StatsError extends Error {
  override readonly name = "StatsError";
}

/** The answer is longer than a reply may be; over UDP, than one to a request of that length. */
export class TooLongError extends StatsError {}

/** Asks a server for its figures. Throws as `Connection.call` does, and StatsError. */
export async function fetchStats(client: Connection, signal?: AbortSignal): Promise<JsonValue> {
  const options = signal === undefined ? {} : { signal };
  const { code, value } = await client.request(STATS_PLUGIN, STATS_COMMAND, {}, options);
  if (code >= ReplyCode.Ok && value !== undefined) return figuresOf(value);
  if (code === ReplyCode.Pack) {
    throw new TooLongError(
      "the figures fit no reply that may be had this way: ask over TCP, or with --control",
    );
  }
  if (code === ReplyCode.Auth) {
    throw new StatsError(sentenceOf(value) ?? "the server tells its figures to others");
  }
  throw new StatsError(
    `the server answers ${STATS_PLUGIN} with ${code} ${replyName(code)}: is it mevent 0.1 or later?`,
  );
}

/** The sentence of an error reply. */
function sentenceOf(value: JsonValue | undefined): string | undefined {
  const output = v.safeParse(v.object({ Output: v.object({ errmsg: v.string() }) }), value);
  return output.success ? output.output.Output.errmsg : undefined;
}

/** Figures are doubles: what came as a bigint was one, too. */
export function figuresOf(value: JsonValue): JsonValue {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(figuresOf);
  return Object.fromEntries(Object.entries(value).map(([name, figure]) => [name, figuresOf(figure)]));
}

/** The answer as what a table is made of. Throws StatsError. */
export function asServerStats(value: JsonValue): ServerStats {
  if (isServerStats(value)) return value;
  throw new StatsError(
    "the server's figures lack some that this mevent shows: use --json, or mevent of its version",
  );
}

function isServerStats(value: JsonValue): value is ServerStats {
  return v.is(SERVER, value);
}

const COUNT = v.number();
const COUNTS = v.record(v.string(), COUNT);
const LATENCY = v.object({ p50: COUNT, p99: COUNT });

const HISTOGRAM = v.object({ counts: v.array(COUNT), sum_us: COUNT });

const COMMAND = v.object({
  number: v.nullable(COUNT),
  name: v.string(),
  done: COUNT,
  failed: COUNT,
  refused: COUNT,
  wait_us: LATENCY,
  run_us: LATENCY,
  wait_us_last_minute: LATENCY,
  run_us_last_minute: LATENCY,
  wait_histogram: HISTOGRAM,
  run_histogram: HISTOGRAM,
});

const JOURNAL = v.object({
  problem: v.nullable(v.string()),
  cleanup_problem: v.nullable(v.string()),
  failures: COUNT,
  unsynced: COUNT,
  unsynced_bytes: COUNT,
  spilled: COUNT,
  files: COUNT,
  disk_bytes: COUNT,
  live_bytes: COUNT,
  max_disk: COUNT,
  disk_level: v.string(),
  free_bytes: v.nullable(COUNT),
  commits: COUNT,
  commits_per_second: COUNT,
  commit_us_last_minute: LATENCY,
  commit_histogram: HISTOGRAM,
  refused: COUNT,
});

const PLUGIN = v.object({
  name: v.string(),
  biz: v.nullable(COUNT),
  description: v.string(),
  queued: COUNT,
  oldest_wait_ms: COUNT,
  in_flight: COUNT,
  delayed: COUNT,
  retrying: COUNT,
  paused: v.boolean(),
  queue_bytes: COUNT,
  queue_level: v.string(),
  max_ops: COUNT,
  max_bytes: COUNT,
  accepted: COUNT,
  done: COUNT,
  failed: COUNT,
  refused: COUNT,
  expired: COUNT,
  cancelled: COUNT,
  retries: COUNT,
  dead: COUNT,
  dead_dropped: COUNT,
  deduplicated: COUNT,
  keys: COUNT,
  keys_forgotten: COUNT,
  results: COUNT,
  results_bytes: COUNT,
  results_dropped: COUNT,
  results_asked: COUNT,
  busy: COUNT,
  unknown: COUNT,
  bad_options: COUNT,
  commands: v.array(COMMAND),
  wait_us: LATENCY,
  run_us: LATENCY,
  wait_us_last_minute: LATENCY,
  run_us_last_minute: LATENCY,
  workers: COUNT,
  workers_running: COUNT,
  worker_states: v.object({
    starting: COUNT,
    running: COUNT,
    retiring: COUNT,
    failing: COUNT,
    stopping: COUNT,
  }),
  ring_bytes: COUNT,
  unhealthy_workers: COUNT,
  down: v.optional(v.nullable(v.string()), null),
  essential: v.optional(v.boolean(), false),
  restarts: COUNT,
  recycled: COUNT,
  isolation: v.string(),
  moved: v.boolean(),
  leaked_threads: COUNT,
  cache_entries: COUNT,
  cache_bytes: COUNT,
  journal: v.nullable(JOURNAL),
  counters: COUNTS,
  gauges: COUNTS,
});

const FORWARD = v.object({
  to: v.string(),
  names: v.array(v.string()),
  connected: v.boolean(),
  in_flight: COUNT,
  forwarded: COUNT,
  failed: COUNT,
});

const SERVER = v.object({
  version: v.string(),
  pid: COUNT,
  uptime_seconds: COUNT,
  started_at: COUNT,
  state: v.string(),
  ready: v.boolean(),
  not_ready: v.array(v.string()),
  connections: v.object({
    open: COUNT,
    accepted: COUNT,
    refused: COUNT,
    slow_readers_closed: COUNT,
    by_kind: v.object({ tcp: COUNT, unix: COUNT, http: COUNT }),
  }),
  tls: v.object({
    open: COUNT,
    handshakes: COUNT,
    failed: COUNT,
    certificates: v.array(
      v.object({
        listener: v.string(),
        expires: v.nullable(v.string()),
        expires_in_seconds: v.nullable(v.number()),
      }),
    ),
  }),
  limits: COUNTS,
  messages: v.object({ tcp: COUNT, udp: COUNT, unix: COUNT, http: v.optional(COUNT, 0) }),
  http_responses: COUNTS,
  errors: v.object({
    version: COUNT,
    broken: COUNT,
    unknown: COUNT,
    busy: COUNT,
    replies_dropped: COUNT,
    datagrams_dropped: v.nullable(COUNT),
  }),
  rss_bytes: COUNT,
  memory: v.object({
    heap_bytes: COUNT,
    heap_size_bytes: COUNT,
    external_bytes: COUNT,
    segment_bytes: COUNT,
    ring_bytes: COUNT,
  }),
  loop: v.object({
    delay_us_last_minute: v.object({ p50: COUNT, p99: COUNT, max: COUNT }),
    delay_histogram: HISTOGRAM,
  }),
  queue_bytes: COUNT,
  queue_level: v.string(),
  max_queue_bytes: COUNT,
  disk_bytes: COUNT,
  max_disk: COUNT,
  disk_level: v.string(),
  verdict: v.object({
    state: v.picklist(["well", "warn", "bad"]),
    findings: v.array(v.object({
      kind: v.picklist(FINDING_KINDS),
      level: v.picklist(LEVELS),
      plugin: v.nullable(v.string()),
      values: v.record(v.string(), v.union([v.string(), COUNT])),
      share: v.nullable(COUNT),
      ms: v.nullable(COUNT),
      since_at: v.nullable(COUNT),
    })),
    more: COUNT,
  }),
  // A server of before has none.
  forwards: v.optional(v.array(FORWARD), []),
  plugins: v.array(PLUGIN),
});

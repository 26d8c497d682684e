import type { JsonObject } from "../plugin.ts";
import type { Verdict } from "./finding.ts";
import type { HistogramStats } from "./latency_histogram.ts";

export type { HistogramStats };

const STATUSES = 600;

/** What the server counts while it runs; the names of `Reserve.Status` stand beside them. */
export class ServerCounters {
  /** msg_tcp, msg_udp, and msg_tipc for Unix sockets: messages received. */
  tcpMessages = 0;
  udpMessages = 0;
  unixMessages = 0;
  /** HTTP requests; there was none in the C daemon. */
  httpMessages = 0;
  /** net_version_mismatch */
  versionMismatches = 0;
  /** net_broken_req: messages that could not be decoded. */
  brokenRequests = 0;
  /** Requests for a plugin or command that does not exist. */
  unknownRequests = 0;
  /** net_unk_req: those for a plugin; the C daemon leaves its commands to the plugin. */
  unknownPlugins = 0;
  /** pro_busy: requests refused because a queue was full. */
  busy = 0;
  connectionsAccepted = 0;
  connectionsOpen = 0;
  /** Refused: there were too many, or no descriptor was left. */
  connectionsRefused = 0;
  /** Connections with TLS, their handshake over. */
  tlsOpen = 0;
  /** Handshakes that were ended well, and those that failed or took too long. */
  tlsHandshakes = 0;
  tlsFailed = 0;
  /** Of those that are open, by what they speak and over what; TLS or not. */
  readonly openByKind = { tcp: 0, unix: 0, http: 0 };
  /** HTTP responses by status. */
  readonly httpResponses = new Float64Array(STATUSES);
  /** Closed because they did not read their replies. */
  slowReadersClosed = 0;
  /** Replies whose caller had gone, or that a UDP socket did not take. */
  repliesDropped = 0;
}

/** A quantile pair, in µs. */
export interface Latency extends JsonObject {
  p50: number;
  p99: number;
}

/** What became of a command's operations, and how long they took. */
export interface CommandStats extends JsonObject {
  /** Null where it is all commands beyond those that are counted each for itself. */
  number: number | null;
  /** Empty where the plugin has it no more. */
  name: string;
  done: number;
  failed: number;
  refused: number;
  wait_us: Latency;
  run_us: Latency;
  wait_us_last_minute: Latency;
  run_us_last_minute: Latency;
  wait_histogram: HistogramStats;
  run_histogram: HistogramStats;
}

/** A plugin's workers by what they do now. */
export interface WorkerStates extends JsonObject {
  starting: number;
  running: number;
  /** They finish what they hold. */
  retiring: number;
  /** They are given up, and what they have not begun is taken back. */
  failing: number;
  stopping: number;
}

/** A plugin's journal. */
export interface JournalStats extends JsonObject {
  /** Why it takes no operations: the system refuses, or a bound of the disk is reached; null where it does take them. */
  problem: string | null;
  /** Why files that need not be there any more stay; null where they do not. */
  cleanup_problem: string | null;
  /** How often it has stopped taking operations because the system refused. */
  failures: number;
  /** Operations, and bytes of them on disk, that are not committed yet. */
  unsynced: number;
  unsynced_bytes: number;
  /** Operations that wait and are only on disk. */
  spilled: number;
  /** Its files, their bytes, and those of what has not ended. */
  files: number;
  disk_bytes: number;
  live_bytes: number;
  max_disk: number;
  /** How full that is, as a queue's level. */
  disk_level: string;
  /** What is left on the file system; null where the system does not tell. */
  free_bytes: number | null;
  /** Since the start, and now. */
  commits: number;
  commits_per_second: number;
  /** How long one took, with its sync. */
  commit_us_last_minute: Latency;
  commit_histogram: HistogramStats;
  /** Operations that the disk did not take; they were refused. */
  refused: number;
}

/** One plugin's figures, as `Reserve.Stats` answers them. */
export interface PluginStats extends JsonObject {
  name: string;
  biz: number | null;
  description: string;
  /** Accepted operations that no worker has yet. */
  queued: number;
  /** How long the one of them that is the next to be handed over has waited, or the oldest of those; 0 where none waits. */
  oldest_wait_ms: number;
  in_flight: number;
  /** Parked until the time that their callers asked for, and until their next attempt. */
  delayed: number;
  retrying: number;
  /** Operations are accepted, and none is handed to workers. */
  paused: boolean;
  /** Of all these. */
  queue_bytes: number;
  /** How full it is: normal, info (half), warning (four fifths), full (it has refused operations). */
  queue_level: string;
  max_ops: number;
  max_bytes: number;
  /** All that were ever accepted: what is above, and what has ended as below. */
  accepted: number;
  done: number;
  /** For good. */
  failed: number;
  /** Of the failed ones, those that were their callers' mistakes: answered 17, 18, 23 or 24. */
  refused: number;
  /** Not run, because they had waited longer than the ttl. */
  expired: number;
  /** Cancelled, or purged. */
  cancelled: number;
  /** Attempts that failed and were not the last. */
  retries: number;
  /** Dead letters: kept now, and dropped because there were too many. */
  dead: number;
  dead_dropped: number;
  /** What operations came to: kept now, and their bytes; forgotten before their time, or too large; and asked for. */
  results: number;
  results_bytes: number;
  results_dropped: number;
  results_asked: number;
  /** Answered as an earlier operation with the same key, and not accepted. */
  deduplicated: number;
  /** Keys that are known now, and those forgotten before their time because there were too many. */
  keys: number;
  keys_forgotten: number;
  busy: number;
  /** Requests for commands that it has not, and those whose delay or key was wrong. */
  unknown: number;
  bad_options: number;
  /** Since the start, and in the last minute. */
  wait_us: Latency;
  run_us: Latency;
  wait_us_last_minute: Latency;
  run_us_last_minute: Latency;
  /** Of those that have run. */
  commands: CommandStats[];
  /** Workers that there may be, and those that run. */
  workers: number;
  workers_running: number;
  worker_states: WorkerStates;
  /** Of the rings that it shares with them. */
  ring_bytes: number;
  /** Workers that run and whose plugin's `health` says that they cannot do their work. */
  unhealthy_workers: number;
  /** Why no worker of it can work, a sentence without its name; null where one can, or none is wanted now. */
  down: string | null;
  /** The server is not ready while that is so. */
  essential: boolean;
  /** Workers that were replaced: they died or hung; they had worked off `recycle_after` operations. */
  restarts: number;
  recycled: number;
  /** Where they run: worker or process. */
  isolation: string;
  /** The plugin was found spinning, and runs in processes since. */
  moved: boolean;
  /** Threads that were ended and go on. */
  leaked_threads: number;
  cache_entries: number;
  cache_bytes: number;
  /** Null where what is queued is in memory alone. */
  journal: JournalStats | null;
  counters: { [name: string]: number };
  gauges: { [name: string]: number };
}

/** Connections with TLS, and what they are served with. */
export interface TlsStats extends JsonObject {
  open: number;
  /** Handshakes since the start: ended well, and failed or too slow. */
  handshakes: number;
  failed: number;
  certificates: CertificateStats[];
}

/** The certificate of a listener. */
export interface CertificateStats extends JsonObject {
  /** As `tcp 127.0.0.1:26443`. */
  listener: string;
  /** Until when it is valid, as in ISO 8601; null where it does not tell. */
  expires: string | null;
  /** The same from now on, below 0 where it has expired. */
  expires_in_seconds: number | null;
}

/** The figures of one server that requests are forwarded to. */
export interface ForwardStats extends JsonObject {
  to: string;
  names: string[];
  connected: boolean;
  /** Sent and not answered. */
  in_flight: number;
  forwarded: number;
  /** Answered by this server: the other could not be reached, was too slow, or had too much to do. */
  failed: number;
}

/** How long the main thread did not turn to what was next; within the last minute, and since the start. */
export interface LoopStats extends JsonObject {
  delay_us_last_minute: { p50: number; p99: number; max: number };
  delay_histogram: HistogramStats;
}

/** Memory beside what the system counts, in bytes. */
export interface MemoryStats extends JsonObject {
  /** JavaScript objects of the main thread, what the engine has for them, and what is tied to them outside. */
  heap_bytes: number;
  heap_size_bytes: number;
  external_bytes: number;
  /** The logs of queues and results. */
  segment_bytes: number;
  /** The rings that are shared with workers. */
  ring_bytes: number;
}

/** What `Reserve.Stats` answers. */
export interface ServerStats extends JsonObject {
  version: string;
  pid: number;
  uptime_seconds: number;
  /** In ms since 1970. */
  started_at: number;
  state: string;
  /** It runs, and the journals of all plugins take operations; why not, a sentence each. */
  ready: boolean;
  not_ready: string[];
  connections: {
    open: number;
    accepted: number;
    refused: number;
    slow_readers_closed: number;
    /** Open, by kind of listener. */
    by_kind: { tcp: number; unix: number; http: number };
  };
  tls: TlsStats;
  /** How often each limit was reached since the start, by the key of the config that sets it. */
  limits: { [limit: string]: number };
  messages: { tcp: number; udp: number; unix: number; http: number };
  /** HTTP responses by status; of those that there were. */
  http_responses: { [status: string]: number };
  errors: {
    version: number;
    broken: number;
    unknown: number;
    busy: number;
    /** Replies whose caller had gone, or that a UDP socket did not take. */
    replies_dropped: number;
    /** Datagrams that the kernel threw away before they were read; null where it does not tell. */
    datagrams_dropped: number | null;
  };
  /** Memory of the whole process, in bytes. */
  rss_bytes: number;
  memory: MemoryStats;
  loop: LoopStats;
  queue_bytes: number;
  /** As a plugin's. */
  queue_level: string;
  max_queue_bytes: number;
  /** What all journals take on disk, and may take. */
  disk_bytes: number;
  max_disk: number;
  disk_level: string;
  /** How it is doing. */
  verdict: Verdict;
  forwards: ForwardStats[];
  plugins: PluginStats[];
}

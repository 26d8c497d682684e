import type { Counted, Watched } from "../observe/history.ts";
import type { LatencyTotal } from "../observe/latency_histogram.ts";
import type { PluginStats } from "../observe/server_stats.ts";
import type { Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { errorBody } from "../protocol/error_content.ts";
import type { Dedup } from "../queue/dedup.ts";
import type { OperationQueue } from "../queue/operation_queue.ts";
import type { PluginDeclaration } from "../ring/messages.ts";
import type { KeptResults } from "../results/kept_results.ts";
import type { WorkerPool } from "../pool/pool.ts";
import type { DeadSummary, OperationSummary } from "../pool/summaries.ts";
import { ringBytes, workerStates } from "../pool/worker_figures.ts";
import type { Affinity } from "./affinity.ts";
import type { Cache } from "./cache.ts";
import type { Duplicates } from "./duplicates.ts";
import { knownNames } from "./known_names.ts";
import type { RequestOptions } from "./request_options.ts";

/** The highest command number of mevent's own. */
export const LAST_SYSTEM_COMMAND = 1000;

/** A plugin as the router sees it: where its operations wait, who works them off, and what was counted. */
export class RoutedPlugin implements Watched {
  biz: number | undefined;
  /** Operations that were put into the queue. */
  accepted = 0;
  /** Refused because the queue was full. */
  busy = 0;
  /** Commands the plugin has not. */
  unknown = 0;
  /** System commands: all, those that were done, those that failed, those with bad params, those that asked for stats. */
  systemCommands = 0;
  systemSuccesses = 0;
  systemFailures = 0;
  systemBadParams = 0;
  statsCommands = 0;
  /** Requests whose delay or key was wrong. */
  badOptions = 0;
  /** Operations were put into the queue since the pool last looked. */
  touched = false;
  /** A bit for each command number the plugin has. */
  readonly #commands = new Uint8Array(65536 / 8);
  /** How often somebody asked for the state of one of its operations. */
  lookups = 0;
  /** Its commands, for callers that ask for another: `1001 echo, 1002 sleep`. */
  knownCommands = knownNames([]);
  readonly #busyBodies: (Uint8Array | undefined)[] = [];
  /** Where operations with the same key go to the same worker. */
  affinity: Affinity | null = null;
  /** The header traceparent of HTTP is handed on to it, as a param. */
  takesTrace = false;
  /** The server is not ready while none of its workers can work. */
  essential = false;
  /** Where callers may ask for a delay or give a key. */
  requestOptions: RequestOptions | null = null;
  /** Where they may give a key. */
  duplicates: Duplicates | null = null;

  constructor(
    readonly name: string,
    readonly queue: OperationQueue,
    readonly pool: WorkerPool,
    readonly cache: Cache,
    readonly dedup: Dedup,
  ) {}

  /** What its async operations came to; null where that is not kept. */
  get results(): KeptResults | null {
    return this.pool.outcomes.endings.results;
  }

  /** What its operations' ids begin with. */
  get run(): string {
    return this.pool.options.setup.run;
  }

  /** The id that an operation has everywhere, accepted at a monotonic time, in ms. */
  operationId(id: number, acceptedAt: number): string {
    return this.pool.operationId(id, acceptedAt);
  }

  /** How many workers it may have. */
  get workers(): number {
    return this.pool.mostWorkers;
  }

  /** The part of the queue for an operation with that content. */
  partOf(encoding: Encoding, bytes: Uint8Array, at: number, length: number): number {
    return this.affinity === null ? 0 : this.affinity.partOf(encoding, bytes, at, length);
  }

  /** Takes over what the module has declared; called when its workers are ready. */
  declared(declaration: PluginDeclaration): void {
    this.biz = declaration.biz;
    this.#commands.fill(0);
    for (const { number } of declaration.commands) this.#commands[number >>> 3]! |= 1 << (number & 7);
    this.knownCommands = knownNames(declaration.commands.map(({ number, name }) => `${number} ${name}`));
  }

  hasCommand(command: number): boolean {
    return (this.#commands[command >>> 3]! & (1 << (command & 7))) !== 0;
  }

  /** The body of a BUSY reply; encoded once, for refusing is to cost next to nothing. */
  busyBody(encoding: Encoding): Uint8Array {
    return this.#busyBodies[encoding] ??= errorBody(
      encoding,
      ReplyCode.Busy,
      `the queue of plugin ${this.name} is full; try again later`,
    );
  }

  /** Operations are accepted and wait: nothing is handed to workers. */
  get paused(): boolean {
    return this.pool.paused;
  }

  pause(): void {
    this.pool.pause();
  }

  resume(): void {
    this.pool.resume();
  }

  /** What has not ended, at most so many: what runs, then what is in line, then what is parked, the next due first. */
  peek(limit: number): OperationSummary[] {
    return this.pool.administer((administration) => administration.peek(limit));
  }

  /** The dead letters, the oldest first, at most so many. */
  peekDead(limit: number): DeadSummary[] {
    return this.pool.administer((administration) => administration.peekDead(limit));
  }

  /** Drops all that has not begun and returns how many; their sync callers are answered 14. */
  purge(): number {
    return this.pool.administer((administration) => administration.purge());
  }

  /** How many {@link purge} would drop. */
  get purgeable(): number {
    return this.pool.administer((administration) => administration.purgeable);
  }

  /** How many of so many dead letters {@link retryDead} would put back. */
  retryableDead(limit: number): number {
    return this.pool.administer((administration) => administration.retryableDead(limit));
  }

  /** Forgets the dead letters, or the one of that operation alone, and returns how many. */
  purgeDead(id?: number): number {
    return this.pool.administer((administration) => administration.purgeDead(id));
  }

  /** Puts dead letters back in line, the oldest first, as far as the queue has room; returns how many. */
  retryDead(limit: number): number {
    const count = this.pool.administer((administration) => administration.retryDead(limit, this.#partOf));
    if (this.queue.durability === null) this.accepted += count;
    return count;
  }

  /** The same with the dead letter of one operation. */
  retryOne(id: number): "retried" | "full" | "unknown" {
    const outcome = this.pool.administer((administration) => administration.retryOne(id, this.#partOf));
    if (outcome === "retried" && this.queue.durability === null) this.accepted++;
    return outcome;
  }

  readonly #partOf = (encoding: number, content: Uint8Array) =>
    this.partOf(encoding as Encoding, content, 0, content.length);

  /**
   * Takes an operation that has not begun out of the queue ("cancelled"), or aborts the signal of one that runs
   * ("cancelling"): it is not tried again then.
   */
  cancel(id: number): "cancelled" | "cancelling" | "unknown" {
    return this.pool.administer((administration) => administration.cancel(id));
  }

  /** Operations that have not ended and are kept for the next start. */
  get kept(): number {
    return this.queue.durability?.kept ?? 0;
  }

  /** Tells, once it has stopped, how many of the operations that are pending now were not done. */
  abandoned(): () => number {
    const { queue: { ops }, pool: { outcomes } } = this;
    const { done } = outcomes;
    return () => Math.max(0, ops - (outcomes.done - done) - this.kept);
  }

  count(into: Counted, now: number): void {
    const { queue, pool: { outcomes } } = this;
    const journal = queue.durability?.figures();
    into.in = this.accepted;
    into.done = outcomes.done;
    into.failed = outcomes.failed;
    into.refused = this.busy + this.unknown + this.badOptions;
    into.queued = queue.waiting + (queue.durability?.spilled ?? 0);
    into.oldestMs = queue.waiting === 0 ? 0 : Math.max(0, Math.round(now - queue.oldestSince));
    into.commitP99 = journal?.commit_us_last_minute.p99 ?? NaN;
    into.unsyncedBytes = journal?.unsynced_bytes ?? NaN;
    into.ops = queue.ops;
    into.bytes = queue.bytes;
  }

  addTimes(wait: LatencyTotal, run: LatencyTotal): void {
    this.pool.outcomes.commands.addTimes(wait, run);
  }

  stats(): PluginStats {
    const { queue, pool, cache } = this;
    const { outcomes, options } = pool;
    const now = options.now();
    const commands = pool.declaration?.commands ?? [];
    return {
      name: this.name,
      biz: this.biz ?? null,
      description: pool.declaration?.description ?? "",
      queued: queue.waiting + (queue.durability?.spilled ?? 0),
      oldest_wait_ms: queue.waiting === 0 ? 0 : Math.max(0, Math.round(now - queue.oldestSince)),
      in_flight: pool.inFlight,
      delayed: queue.parked.delayed,
      retrying: queue.parked.retrying,
      paused: this.paused,
      queue_bytes: queue.bytes,
      queue_level: queue.watermarks.level,
      max_ops: queue.limits.maxOps,
      max_bytes: queue.limits.maxBytes,
      accepted: this.accepted,
      done: pool.outcomes.done,
      failed: pool.outcomes.failed,
      refused: pool.outcomes.refused,
      expired: pool.outcomes.expired,
      cancelled: pool.outcomes.cancelled,
      retries: pool.outcomes.retries,
      dead: pool.dead.count,
      dead_dropped: pool.dead.dropped,
      results: this.results?.store.ops ?? 0,
      results_bytes: this.results?.store.bytes ?? 0,
      results_dropped: this.results?.store.dropped ?? 0,
      results_asked: this.lookups,
      deduplicated: this.dedup.deduplicated,
      keys: this.dedup.keys,
      keys_forgotten: this.dedup.forgotten,
      busy: this.busy,
      unknown: this.unknown,
      bad_options: this.badOptions,
      ...outcomes.commands.latencies(now),
      commands: outcomes.commands.stats(
        now,
        (number) => commands.find((command) => command.number === number)?.name,
      ),
      workers: this.workers,
      workers_running: pool.workers.filter((worker) => worker.state === "running").length,
      worker_states: workerStates(pool.holders),
      ring_bytes: ringBytes(pool.holders),
      unhealthy_workers: pool.health.unhealthyWorkers,
      restarts: pool.health.restarts,
      recycled: pool.health.recycled,
      isolation: pool.health.isolation,
      moved: pool.health.moved,
      down: pool.health.down,
      essential: this.essential,
      leaked_threads: pool.health.leakedThreads,
      cache_entries: cache.entries,
      cache_bytes: cache.bytes,
      journal: queue.durability?.figures() ?? null,
      counters: Object.fromEntries(pool.figures.counters),
      gauges: Object.fromEntries(pool.figures.gauges),
    };
  }
}

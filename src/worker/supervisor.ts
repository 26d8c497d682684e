import type { Log } from "../observe/log.ts";
import { besides } from "../observe/log_fields.ts";
import type { OperationQueue } from "../queue/operation_queue.ts";
import type { Segment } from "../queue/segment.ts";
import { HANDOFF_OVERHEAD_BYTES, type ReplyView } from "./handoff.ts";
import type { CacheRequest, FromHost, HostSetup, PluginDeclaration, WorkerRings } from "./messages.ts";
import { PluginWorker, type WorkerEvents } from "./plugin_worker.ts";
import { createRing } from "./ring.ts";

/** The least bytes of a ring; enough for a window of short operations. */
const MIN_RING_BYTES = 256 * 1024;
/** A worker that dies is replaced after this long, doubled each time until it has run for a minute; in ms. */
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 60_000;

/** A worker that is over its plugin's time-out by so much without a sign is given up; in ms. */
const HANG_GRACE_MS = 1000;

export interface SupervisorOptions {
  readonly setup: Omit<HostSetup, "rings" | "worker">;
  readonly workers: number;
  readonly permissions: Deno.PermissionOptions;
  /** Longest content of an operation or a reply, in bytes. */
  readonly maxContentBytes: number;
  readonly queue: OperationQueue;
  readonly log: Log;
  /** Monotonic, in ms. */
  readonly now: () => number;
}

/** What the workers have to tell. */
export interface SupervisorEvents {
  /** A reply that was found at `time`; its content lies in `bytes` until this returns. */
  reply(worker: PluginWorker, reply: ReplyView, bytes: Uint8Array, segment: Segment, time: number): void;
  /** All replies that were there have been told. */
  replied(): void;
  /** A worker has started and takes operations. */
  ready(): void;
  /** A worker has ended; what it holds is lost, for that reason. */
  lost(worker: PluginWorker, reason: string): void;
  /** Figures that a worker reports, counters as what was added. */
  figures(worker: PluginWorker, message: Extract<FromHost, { kind: "stats" }>): void;
  cache(request: CacheRequest): string | boolean | undefined;
}

/**
 * Keeps a plugin's workers running: starts them, replaces those that die, hang or do not answer, and stops them.
 *
 * ```
 * worker ──dies, hangs──► lost ──back-off──► worker
 * ```
 */
export class Supervisor {
  readonly workers: PluginWorker[] = [];
  declaration: PluginDeclaration | null = null;
  /** Workers that were replaced. */
  restarts = 0;
  /** All workers have started: from now on one that fails is replaced. */
  #isReady = false;
  readonly #ready = Promise.withResolvers<void>();
  readonly #timers = new Set<number>();
  #stopping = false;
  #backoff = FIRST_BACKOFF_MS;
  #lastDeath = 0;

  constructor(readonly options: SupervisorOptions, readonly events: SupervisorEvents) {}

  /** Starts the workers; rejects where the plugin does not load. */
  start(): Promise<void> {
    for (let index = 0; index < this.options.workers; index++) this.#spawn(index);
    return this.#ready.promise;
  }

  /**
   * Replaces workers that should have answered something long ago: the host answers by itself what runs over its time,
   * so its thread is stuck, or has ended itself.
   */
  replaceHung(): void {
    const limit = this.options.setup.timeout + HANG_GRACE_MS;
    const since = this.options.now() - limit;
    for (const worker of this.workers) {
      if (!worker.isStalled(since)) continue;
      worker.takeBack(this.options.queue.parts[worker.part]!);
      worker.fail(`it has not answered for ${limit} ms: it hangs, or has ended itself`);
    }
  }

  /**
   * Runs the plugin's `stop` in each worker, for at most so many ms or until `hurry` resolves, and ends them. What they
   * hold then is still in their `inFlight`.
   */
  async stop(graceMs: number, hurry: Promise<void>): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    const stopped = Promise.withResolvers<void>();
    this.#stopped = () => {
      if (this.workers.every((worker) => worker.state === "gone")) stopped.resolve();
    };
    for (const worker of this.workers) worker.stop();
    this.#stopped();
    const timer = setTimeout(stopped.resolve, graceMs);
    await Promise.race([stopped.promise, hurry]);
    clearTimeout(timer);
    for (const worker of this.workers) {
      if (worker.state === "gone") continue;
      this.options.log.warn("worker did not stop in time and is ended", this.#fields(worker));
      worker.terminate();
    }
  }

  #stopped = () => {};

  #spawn(index: number): void {
    const { setup, permissions, maxContentBytes, queue, now } = this.options;
    const ringBytes = Math.max(MIN_RING_BYTES, 2 * (maxContentBytes + HANDOFF_OVERHEAD_BYTES + 64));
    const rings: WorkerRings = {
      sync: createRing(ringBytes),
      async: createRing(ringBytes),
      syncReplies: createRing(ringBytes),
      asyncReplies: createRing(ringBytes),
    };
    const part = queue.parts.length > 1 ? index : 0;
    this.workers[index] = new PluginWorker(index, part, setup, rings, permissions, this.#workerEvents, now);
  }

  readonly #workerEvents: WorkerEvents = {
    reply: (worker, reply, bytes, segment, time) => this.events.reply(worker, reply, bytes, segment, time),
    replied: () => this.events.replied(),
    message: (worker, message) => this.#message(worker, message),
    odd: (worker, what) => this.options.log.warn(`a worker ${what}`, this.#fields(worker)),
    died: (worker, reason) => this.#died(worker, reason),
  };

  #message(worker: PluginWorker, message: FromHost): void {
    switch (message.kind) {
      case "ready":
        this.declaration ??= message.declaration;
        if (this.workers.every((other) => other.state === "running")) {
          this.#isReady = true;
          this.#ready.resolve();
        }
        return this.events.ready();
      case "log":
        return this.options.log.write(
          message.level,
          message.message,
          besides(this.#fields(worker), message.fields),
        );
      case "stats":
        return this.events.figures(worker, message);
      case "cache":
        return worker.post({ kind: "cache", id: message.id, result: this.events.cache(message.request) });
      case "stopped":
        worker.terminate();
        return this.#stopped();
      default:
        return;
    }
  }

  #died(worker: PluginWorker, reason: string): void {
    const { setup, log, now } = this.options;
    // What it has not begun is run by others, as if nothing had happened.
    if (worker.inFlight.count > 0) worker.takeBack(this.options.queue.parts[worker.part]!);
    const held = worker.inFlight.count;
    this.events.lost(worker, `the worker of plugin ${setup.name} died: ${reason}`);
    if (this.#stopping) return this.#stopped();
    if (!this.#isReady) {
      return this.#ready.reject(new Error(`plugin ${setup.name} does not load: ${reason}`));
    }
    if (now() - this.#lastDeath > MAX_BACKOFF_MS) this.#backoff = FIRST_BACKOFF_MS;
    this.#lastDeath = now();
    this.restarts++;
    log.error("worker died and is replaced", {
      ...this.#fields(worker),
      reason,
      operations_begun: held,
      again_in_ms: this.#backoff,
    });
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#spawn(worker.index);
    }, this.#backoff);
    this.#timers.add(timer);
    this.#backoff = Math.min(this.#backoff * 2, MAX_BACKOFF_MS);
  }

  #fields(worker: PluginWorker): { plugin: string; worker: number } {
    return { plugin: this.options.setup.name, worker: worker.index };
  }
}

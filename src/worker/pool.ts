import type { Log } from "../observe/log.ts";
import { besides } from "../observe/log_fields.ts";
import { Histogram } from "../observe/histogram.ts";
import { LaneId, type OperationQueue } from "../queue/operation_queue.ts";
import { OperationRecord } from "../queue/record.ts";
import type { Segment } from "../queue/segment.ts";
import { Dispatcher } from "./dispatcher.ts";
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

/** What callers are told whose operations are not done when the server stops. */
const GIVEN_UP = "the server stopped before the operation was done";

export interface PoolOptions {
  readonly setup: Omit<HostSetup, "rings" | "worker">;
  readonly workers: number;
  readonly permissions: Deno.PermissionOptions;
  /** Longest content of an operation or a reply, in bytes. */
  readonly maxContentBytes: number;
  readonly queue: OperationQueue;
  readonly log: Log;
  /** Monotonic, in ms. */
  readonly now: () => number;
  readonly events: PoolEvents;
}

/** Where the pool's news go. */
export interface PoolEvents {
  /** A sync operation is done; the content lies in `bytes` until this returns. */
  answer(segment: Segment, offset: number, reply: ReplyView, bytes: Uint8Array): void;
  /** A sync operation was lost with its worker. */
  fail(segment: Segment, offset: number, message: string): void;
  /** All answers of a batch have been told. */
  answered(): void;
  cache(request: CacheRequest): string | boolean | undefined;
}

/** A plugin's workers, and what they have done. */
export class WorkerPool {
  declaration: PluginDeclaration | null = null;
  /** Operations by outcome. */
  done = 0;
  failed = 0;
  /** Replies with code 18, 23, and workers that were replaced. */
  unknown = 0;
  badParam = 0;
  restarts = 0;
  /** How long operations ran, and what else passed between their acceptance and their reply; in µs. */
  readonly waitTime = new Histogram();
  readonly runTime = new Histogram();
  readonly workers: PluginWorker[] = [];
  /** All workers have started: from now on one that fails is replaced. */
  #isReady = false;
  readonly #ready = Promise.withResolvers<void>();
  readonly #idle: (() => void)[] = [];
  readonly #counters: Map<string, number>[] = [];
  readonly #gauges: Map<string, number>[] = [];
  readonly #timers = new Set<number>();
  readonly #dispatcher: Dispatcher;
  #stopping = false;
  #backoff = FIRST_BACKOFF_MS;
  #lastDeath = 0;

  constructor(readonly options: PoolOptions) {
    this.#dispatcher = new Dispatcher(options.queue, this.workers, options.now);
  }

  /** Starts the workers; rejects where the plugin does not load. */
  start(): Promise<void> {
    for (let index = 0; index < this.options.workers; index++) this.#spawn(index);
    return this.#ready.promise;
  }

  /** Hands waiting operations to workers that have room for them. */
  dispatch(): void {
    this.#dispatcher.dispatch();
  }

  /** Looks for replies of all workers now; true where there were some. */
  poll(): boolean {
    let found = false;
    for (const worker of this.workers) if (worker.poll()) found = true;
    return found;
  }

  /** Lets the next reply of any worker wake this thread; false where there is one already. */
  sleep(): boolean {
    return this.workers.every((worker) => worker.sleep());
  }

  /** Figures that the plugin reported, counters added up over its workers. */
  get counters(): Map<string, number> {
    const sum = new Map<string, number>();
    for (const counters of this.#counters) {
      for (const [name, value] of counters) sum.set(name, (sum.get(name) ?? 0) + value);
    }
    return sum;
  }

  get gauges(): Map<string, number> {
    return new Map(this.#gauges.flatMap((gauges) => [...gauges]));
  }

  get inFlight(): number {
    return this.workers.reduce((sum, worker) => sum + worker.inFlight.count, 0);
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
    this.dispatch();
  }

  /** Resolves when nothing waits and nothing runs. */
  async drained(): Promise<void> {
    while (this.options.queue.ops > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /**
   * Runs the plugin's `stop` in each worker, for at most so many ms or until `hurry` resolves, and ends them; what is
   * left is given up: 14.
   */
  async stop(graceMs: number, hurry: Promise<void>): Promise<void> {
    this.#stopping = true;
    this.#dispatcher.stop();
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
      if (worker.state !== "gone") {
        this.options.log.warn("worker did not stop in time and is ended", {
          plugin: this.#name,
          worker: worker.index,
        });
      }
      worker.terminate();
      this.#failHeld(worker, GIVEN_UP);
    }
    this.#failWaiting(GIVEN_UP);
    this.options.events.answered();
    this.#checkIdle();
  }

  #stopped = () => {};

  get #name(): string {
    return this.options.setup.name;
  }

  #spawn(index: number): void {
    const { setup, permissions, maxContentBytes } = this.options;
    const ringBytes = Math.max(MIN_RING_BYTES, 2 * (maxContentBytes + HANDOFF_OVERHEAD_BYTES + 64));
    const rings: WorkerRings = {
      sync: createRing(ringBytes),
      async: createRing(ringBytes),
      syncReplies: createRing(ringBytes),
      asyncReplies: createRing(ringBytes),
    };
    this.#counters[index] ??= new Map();
    this.#gauges[index] ??= new Map();
    const part = this.options.queue.parts.length > 1 ? index : 0;
    this.workers[index] = new PluginWorker(
      index,
      part,
      setup,
      rings,
      permissions,
      this.#events,
      this.options.now,
    );
  }

  readonly #events: WorkerEvents = {
    reply: (worker, reply, bytes, segment, time) => {
      const { queue, events } = this.options;
      const offset = worker.inFlight.offset(reply.slot);
      const lane = worker.inFlight.lane(reply.slot);
      this.runTime.record(reply.runTime);
      this.waitTime.record((time - OperationRecord.acceptedAt(segment, offset)) * 1000 - reply.runTime);
      if (reply.code >= 1000) this.done++;
      else {
        this.failed++;
        if (reply.code === 18) this.unknown++;
        else if (reply.code === 23) this.badParam++;
      }
      if (lane === LaneId.Sync) events.answer(segment, offset, reply, bytes);
      queue.finish(worker.part, lane, segment, offset);
    },
    replied: () => {
      this.options.events.answered();
      this.dispatch();
      this.#checkIdle();
    },
    message: (worker, message) => this.#message(worker, message),
    odd: (worker, what) =>
      this.options.log.warn(`a worker ${what}`, { plugin: this.#name, worker: worker.index }),
    died: (worker, reason) => this.#died(worker, reason),
  };

  #checkIdle(): void {
    if (this.options.queue.ops > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #message(worker: PluginWorker, message: FromHost): void {
    const { log, events } = this.options;
    switch (message.kind) {
      case "ready":
        this.declaration ??= message.declaration;
        if (this.workers.every((other) => other.state === "running")) {
          this.#isReady = true;
          this.#ready.resolve();
        }
        return this.dispatch();
      case "log":
        return log.write(
          message.level,
          message.message,
          besides({ plugin: this.#name, worker: worker.index }, message.fields),
        );
      case "stats": {
        // A worker that was replaced counts from zero again: what its predecessor counted stays.
        const counters = this.#counters[worker.index]!;
        for (const [name, by] of message.counters) counters.set(name, (counters.get(name) ?? 0) + by);
        for (const [name, value] of message.gauges) this.#gauges[worker.index]!.set(name, value);
        return;
      }
      case "cache":
        return worker.post({ kind: "cache", id: message.id, result: events.cache(message.request) });
      case "stopped":
        worker.terminate();
        return this.#stopped();
      default:
        return;
    }
  }

  /** Gives up what a worker holds. */
  #failHeld({ inFlight, part }: PluginWorker, message: string): void {
    for (const slot of inFlight.slots()) {
      const segment = inFlight.segment(slot, inFlight.sequence(slot))!;
      this.#fail(part, inFlight.lane(slot), segment, inFlight.offset(slot), message);
      inFlight.close(slot);
    }
  }

  /** Gives up what no worker has taken. */
  #failWaiting(message: string): void {
    for (const [part, lanes] of this.options.queue.parts.entries()) {
      for (const laneId of [LaneId.Sync, LaneId.Async]) {
        const lane = lanes[laneId];
        while (lane.peek()) {
          const { segment, offset } = lane;
          lane.take();
          this.#fail(part, laneId, segment!, offset, message);
        }
      }
    }
  }

  #fail(part: number, lane: LaneId, segment: Segment, offset: number, message: string): void {
    this.failed++;
    if (lane === LaneId.Sync) this.options.events.fail(segment, offset, message);
    this.options.queue.finish(part, lane, segment, offset);
  }

  /** Answers what the worker held, and replaces it. */
  #died(worker: PluginWorker, reason: string): void {
    const { events, log, now } = this.options;
    const held = worker.inFlight.count;
    this.#failHeld(worker, `the worker of plugin ${this.#name} died: ${reason}`);
    events.answered();
    this.#checkIdle();
    if (this.#stopping) return this.#stopped();
    if (!this.#isReady) {
      return this.#ready.reject(new Error(`plugin ${this.#name} does not load: ${reason}`));
    }
    if (now() - this.#lastDeath > MAX_BACKOFF_MS) this.#backoff = FIRST_BACKOFF_MS;
    this.#lastDeath = now();
    this.restarts++;
    log.error("worker died and is replaced", {
      plugin: this.#name,
      worker: worker.index,
      reason,
      operations_failed: held,
      again_in_ms: this.#backoff,
    });
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#spawn(worker.index);
    }, this.#backoff);
    this.#timers.add(timer);
    this.#backoff = Math.min(this.#backoff * 2, MAX_BACKOFF_MS);
  }
}

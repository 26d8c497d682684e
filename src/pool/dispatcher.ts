import { clearImmediate, setImmediate } from "node:timers";
import { LaneId, type OperationQueue } from "../queue/operation_queue.ts";
import { OperationRecord } from "../queue/record.ts";
import type { Outcomes } from "./outcomes.ts";
import type { PluginWorker } from "./plugin_worker.ts";
import { PartOwners } from "./part_owners.ts";

/** While both lanes have work, one operation handed over in so many is an async one. */
const ASYNC_SHARE = 8;
/** A worker that has not replied for so long gives back what it has not begun, for others to run; in ms. */
const STALL_MS = 10;

/** Operations that are ended in one turn because they waited too long; the others wait for the next. */
const EXPIRE_BATCH = 1000;

/**
 * Decides which worker gets which operation: from a queue of one part the freest worker, from a part of its own the
 * worker that it belongs to, or who stands in for it; sync operations first, async ones at least their share.
 */
export class Dispatcher {
  /** Nothing is handed over. */
  paused = false;
  /** Async operations wait for the next start of the server. */
  keepsAsync = false;
  /** By part: sync operations handed over since the last async one, as far as async ones waited. */
  #syncAhead: number[] = [];
  #partOwners: PartOwners<PluginWorker>;
  #timer: number | undefined;
  #expiring: ReturnType<typeof setImmediate> | undefined;
  #stopped = false;
  #isHeld = false;
  /** Since when no worker is there to run anything, as far as was looked; monotonic, in ms. */
  #unservedSince: number | null = null;

  constructor(
    readonly queue: OperationQueue,
    private workers: readonly PluginWorker[],
    readonly now: () => number,
    /** So many ms since then nothing could get on. */
    readonly lostSince: (time: number) => number,
    /** An operation that waited longer is not run, in ms; 0 is for ever. */
    public ttl: number,
    readonly outcomes: Outcomes,
    /** How many workers there may be. */
    readonly most: () => number,
    /** Has {@link dispatch} called again, and callers told what came of it. */
    readonly again: () => void,
  ) {
    this.#partOwners = new PartOwners(workers);
    this.use(workers);
  }

  /** Operations are held back until it is said who gets them. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Holds operations back until {@link use}. */
  hold(): void {
    this.use([]);
    this.#isHeld = true;
  }

  /** Gives operations to these workers from now on. */
  use(workers: readonly PluginWorker[]): void {
    this.#isHeld = false;
    this.workers = workers;
    this.#partOwners = new PartOwners(workers);
    this.#syncAhead = this.queue.parts.map(() => 0);
  }

  /** Hands over what waits, as far as workers have room. */
  dispatch(): void {
    if (this.paused || this.queue.waiting === 0) return;
    if (this.ttl > 0 && this.#expire() === "more") return;
    for (let part = 0; part < this.queue.parts.length; part++) {
      this.#dispatchLane(part, LaneId.Sync);
      if (!this.keepsAsync) this.#dispatchLane(part, LaneId.Async);
    }
    for (const worker of this.workers) worker.assignments.publish();
    this.#watch();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#expiring);
  }

  /** Looks for stalled workers in a while, where others could run what they hold, or one could be started for that. */
  #watch(): void {
    const { length } = this.workers;
    if (this.#timer !== undefined || this.#stopped || length === 0) return;
    if (length >= this.most() && (this.queue.parts.length > 1 || length < 2)) return;
    this.#timer = setTimeout(() => this.#relieve(), STALL_MS);
  }

  /** Ends the operations at the head of each line that have waited too long; "more" where the rest comes next turn. */
  #expire(): "done" | "more" {
    const now = this.now();
    let count = 0;
    for (const [part, lanes] of this.queue.parts.entries()) {
      for (const laneId of [LaneId.Sync, LaneId.Async]) {
        const lane = lanes[laneId];
        while (lane.peek()) {
          const { offset } = lane;
          const segment = lane.segment!;
          // What its caller asked for is not held against it.
          const delay = laneId === LaneId.Async ? OperationRecord.delay(segment, offset) : 0;
          const acceptedAt = OperationRecord.acceptedAt(segment, offset);
          let waited = now - acceptedAt - delay;
          if (waited <= this.ttl) break;
          waited -= this.lostSince(acceptedAt + delay);
          if (waited <= this.ttl) break;
          if (count++ === EXPIRE_BATCH) {
            this.#expiring ??= setImmediate(() => {
              this.#expiring = undefined;
              this.again();
            });
            return "more";
          }
          lane.take();
          const message = `the operation waited ${
            Math.round(waited)
          } ms, longer than its ttl of ${this.ttl} ms`;
          this.outcomes.expire(part, laneId, segment, offset, message);
        }
      }
    }
    return "done";
  }

  /**
   * A look, once a second: while no worker runs and the next ones are still to be started, sync callers are told so when they
   * have waited for the plugin's time-out. How many there were.
   */
  endUnserved(timeout: number): number {
    const isServed = this.paused || this.#isHeld ||
      this.workers.some(({ state }) => state !== "gone" && state !== "starting");
    if (isServed) {
      this.#unservedSince = null;
      return 0;
    }
    const now = this.now();
    const since = this.#unservedSince ??= now;
    // One that starts may be there in a moment.
    if (this.workers.some(({ state }) => state === "starting")) return 0;
    let count = 0;
    for (const [part, lanes] of this.queue.parts.entries()) {
      const lane = lanes[LaneId.Sync];
      while (count < EXPIRE_BATCH && lane.peek()) {
        const { offset } = lane;
        const segment = lane.segment!;
        const acceptedAt = OperationRecord.acceptedAt(segment, offset);
        const from = Math.max(acceptedAt, since);
        if (now - from - this.lostSince(from) <= timeout) break;
        lane.take();
        const message =
          `no worker is there to run the operation: the plugin's are still to be started, or have died and the next ones ` +
          `are; it waited ${Math.round(now - acceptedAt)} ms`;
        this.outcomes.unserved(part, LaneId.Sync, segment, offset, message);
        count++;
      }
    }
    return count;
  }

  #dispatchLane(part: number, laneId: LaneId): void {
    const lane = this.queue.parts[part]![laneId];
    const isAsync = laneId === LaneId.Async;
    if (isAsync && lane.waiting === 0) this.#syncAhead[part] = 0;
    while (lane.peek()) {
      if (isAsync && !this.#isAsyncDue(part)) return;
      const worker = this.#freest(part, laneId);
      if (worker === null || !worker.give(part, laneId, lane.segment!, lane.offset)) return;
      lane.take();
      this.#syncAhead[part]! += isAsync ? 1 - ASYNC_SHARE : 1;
    }
  }

  /** While sync operations wait for a worker, async ones get no more than their share. */
  #isAsyncDue(part: number): boolean {
    const isDue = this.#syncAhead[part]! >= ASYNC_SHARE - 1;
    if (isDue || this.queue.parts[part]![LaneId.Sync].waiting > 0) return isDue;
    this.#syncAhead[part] = ASYNC_SHARE - 1;
    return true;
  }

  #freest(part: number, lane: LaneId): PluginWorker | null {
    if (this.queue.parts.length > 1) {
      const worker = this.#partOwners.of(part);
      return worker !== null && worker.hasCredit(lane) ? worker : null;
    }
    let best: PluginWorker | null = null;
    for (const worker of this.workers) {
      if (worker.hasCredit(lane) && (best === null || worker.inFlight.count < best.inFlight.count)) {
        best = worker;
      }
    }
    return best;
  }

  /** What was given ahead to a worker that hangs or is slow goes to the others. */
  #relieve(): void {
    this.#timer = undefined;
    const since = this.now() - STALL_MS;
    let returned = false;
    for (const worker of this.workers) {
      const { stalledSince } = worker;
      if (stalledSince !== null && stalledSince < since && worker.assignments.takeBack()) returned = true;
    }
    if (returned) this.again();
    if (this.workers.some((worker) => worker.inFlight.count > 0)) this.#watch();
  }
}

import { LaneId, type OperationQueue } from "../queue/operation_queue.ts";
import type { PluginWorker } from "./plugin_worker.ts";

/** While both lanes have work, one operation handed over in so many is an async one. */
const ASYNC_SHARE = 8;
/** A worker that has not replied for so long gives back what it has not begun, for others to run; in ms. */
const STALL_MS = 10;

/**
 * Decides which worker gets which operation: from a queue of one part the freest worker, from a part of its own the
 * worker that it belongs to; sync operations first, async ones at least their share.
 */
export class Dispatcher {
  /** By part: sync operations handed over since the last async one, as far as async ones waited. */
  readonly #syncAhead: number[];
  #timer: number | undefined;
  #stopped = false;

  constructor(
    readonly queue: OperationQueue,
    readonly workers: readonly PluginWorker[],
    readonly now: () => number,
  ) {
    this.#syncAhead = queue.parts.map(() => 0);
  }

  /** Hands over what waits, as far as workers have room. */
  dispatch(): void {
    if (this.queue.waiting === 0) return;
    for (let part = 0; part < this.queue.parts.length; part++) {
      this.#dispatchLane(part, LaneId.Sync);
      this.#dispatchLane(part, LaneId.Async);
    }
    for (const worker of this.workers) worker.publish();
    this.#watch();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Looks for stalled workers in a while, where others could run what they hold. */
  #watch(): void {
    if (
      this.#timer !== undefined || this.#stopped || this.queue.parts.length > 1 || this.workers.length < 2
    ) return;
    this.#timer = setTimeout(() => this.#relieve(), STALL_MS);
  }

  #dispatchLane(part: number, laneId: LaneId): void {
    const lane = this.queue.parts[part]![laneId];
    const isAsync = laneId === LaneId.Async;
    if (isAsync && lane.waiting === 0) this.#syncAhead[part] = 0;
    while (lane.peek()) {
      if (isAsync && !this.#isAsyncDue(part)) return;
      const worker = this.#freest(part, laneId);
      if (worker === null || !worker.give(laneId, lane.segment!, lane.offset)) return;
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
      const own = this.workers[part]!;
      return own.hasCredit(lane) ? own : null;
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
      if (worker.isStalled(since) && worker.takeBack()) returned = true;
    }
    if (returned) this.dispatch();
    if (this.workers.some((worker) => worker.inFlight.count > 0)) this.#watch();
  }
}

import type { OperationQueue } from "../queue/operation_queue.ts";
import type { PluginWorker } from "./plugin_worker.ts";
import { Staffing, type StaffingLimits } from "./staffing.ts";

/** Whether workers are without work is looked at some times while that may take, within bounds; in ms. */
const LOOKS = 4;
const LEAST_LOOK_MS = 5;
const MOST_LOOK_MS = 15_000;
/** While a worker cannot be started for now, it is tried again after so long; in ms. */
const TRY_AGAIN_MS = 100;

/** What is looked at of a worker. */
export type StaffWorker = Pick<PluginWorker, "state" | "answered"> & {
  readonly inFlight: Pick<PluginWorker["inFlight"], "count">;
};

/** What a plugin's number of workers is decided with. */
export interface StaffParts<W extends StaffWorker> {
  /** Those that have a place, in order; changes. */
  readonly workers: readonly W[];
  readonly queue: Pick<OperationQueue, "oldestSinceFrom">;
  /** Each place has a part of the queue of its own; those whose worker is not there others stand in for. */
  readonly isParted: boolean;
  /** Monotonic, in ms. */
  readonly now: () => number;
  /**
   * Whether another one may be started now.
   *
   * @param isNeeded none runs
   */
  readonly mayStart: (isNeeded: boolean) => boolean;
  /** Starts one more, in the next place. */
  readonly start: () => void;
  /** Whether the last one may go, as far as the others are concerned: it is not being replaced. */
  readonly mayGo: (worker: W) => boolean;
  /** Whether it may, as far as the system is concerned; it does then. */
  readonly mayEnd: (worker: W) => boolean;
  /** Ends the last one. */
  readonly dismiss: (worker: W) => void;
  /** It may be time for one more: {@link Staff.grow} is to be called where operations wait. */
  readonly again: () => void;
}

/** Lets the number of a plugin's workers follow its work, as {@link Staffing} decides. */
export class Staff<W extends StaffWorker> {
  readonly #staffing: Staffing;
  #growTimer: number | undefined;
  #idleTimer: number | undefined;
  /** The last worker at the last look, and what it had answered. */
  #seen: W | null = null;
  #seenAnswered = 0;
  #isOver = false;

  constructor(readonly limits: StaffingLimits, readonly parts: StaffParts<W>) {
    this.#staffing = new Staffing(limits, parts.now);
  }

  /** It is to be looked later whether one more is to be started. */
  get isPending(): boolean {
    return this.#growTimer !== undefined;
  }

  /** A worker has begun to run. */
  began(): void {
    this.#staffing.began();
    this.#watch();
  }

  /** Operations wait: starts one more worker, where it is time for that and the plugin may have it. */
  grow(): void {
    const { workers, now, mayStart, start, again } = this.parts;
    if (this.#isOver || workers.length >= this.limits.most) return;
    const { running } = this;
    const since = this.#oldestSinceFrom(workers.length);
    const verdict = this.#staffing.grows({
      running,
      coming: workers.length - running,
      isWaiting: since < Infinity,
      waited: now() - since,
    });
    if (verdict === true && mayStart(running === 0)) {
      this.#staffing.starts();
      return start();
    }
    if (verdict === null || this.#growTimer !== undefined) return;
    this.#growTimer = setTimeout(() => {
      this.#growTimer = undefined;
      again();
    }, verdict === true ? TRY_AGAIN_MS : Math.ceil(verdict));
  }

  /** Whether the place of one that has died is to stay empty: there is no work for it. */
  isLeft(index: number): boolean {
    const { workers } = this.parts;
    return index === workers.length - 1 && index >= this.limits.least &&
      this.#oldestSinceFrom(index) === Infinity;
  }

  /** How many run. */
  get running(): number {
    let running = 0;
    for (const { state } of this.parts.workers) if (state === "running") running++;
    return running;
  }

  /** Since when operations wait that a worker in that place could help; Infinity where none do. */
  #oldestSinceFrom(place: number): number {
    const { queue, isParted } = this.parts;
    return queue.oldestSinceFrom(isParted ? place : 0);
  }

  /** Their number stays what it is from now on. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#growTimer);
    clearTimeout(this.#idleTimer);
    this.#growTimer = this.#idleTimer = undefined;
  }

  /** Looks in a while whether the last worker has work, where it may go. */
  #watch(): void {
    const { least, idle } = this.limits;
    if (this.#isOver || this.#idleTimer !== undefined || this.parts.workers.length <= least) return;
    this.#idleTimer = setTimeout(() => {
      this.#idleTimer = undefined;
      this.#look();
      this.#watch();
    }, Math.min(Math.max(idle / LOOKS, LEAST_LOOK_MS), MOST_LOOK_MS));
  }

  #look(): void {
    const { workers, mayGo, mayEnd, dismiss } = this.parts;
    const last = workers.at(-1);
    // The place of one that has died may have gone since.
    if (last === undefined) return;
    const isIdle = last === this.#seen && last.answered === this.#seenAnswered && last.state === "running" &&
      last.inFlight.count === 0 && mayGo(last);
    this.#seen = last;
    this.#seenAnswered = last.answered;
    const { running } = this;
    if (!this.#staffing.shrinks({ running, coming: workers.length - running }, isIdle) || !mayEnd(last)) {
      return;
    }
    this.#staffing.ends();
    dismiss(last);
  }
}

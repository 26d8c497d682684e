import { LaneId } from "../queue/operation_queue.ts";
import type { PluginDeclaration } from "../ring/messages.ts";
import type { Isolation } from "./supervisor_options.ts";

/** How much work a worker is given ahead, in µs of its run time: it never waits for the main thread's turn. */
const LOOK_AHEAD_MICROSECONDS = 2000;
/** The most operations of a lane that a worker is given ahead; where it has batch commands, its largest batch. */
const MAX_AHEAD = 1024;
/** The most operations of a lane that a worker holds, whatever its plugin says. */
const MAX_HELD = 1_000_000;
/** The way to a child process and back is longer: so many times as much is on it. */
const PROCESS_AHEAD = 4;
/** How much the newest run time weighs in the average. */
const RUN_TIME_WEIGHT = 1 / 16;

/** How many operations a worker may hold: what it can run at once, and what keeps it busy meanwhile. */
export class Credit {
  /** What it can run at once; and the largest batch, 1 where there is none. */
  #atOnce = 0;
  #batch = 1;
  /** Average run time of an operation, in µs. */
  #runTime = LOOK_AHEAD_MICROSECONDS;
  /** By lane. */
  readonly #most: [number, number] = [0, 0];

  /** It has not replied since {@link cut}. */
  #isCut = false;

  constructor(readonly isolation: Isolation) {}

  /** The worker has said what it does. */
  begin({ concurrency, commands }: PluginDeclaration): void {
    this.#batch = commands.reduce((most, { batch }) => Math.max(most, batch?.max ?? 1), 1);
    this.#atOnce = Math.min(concurrency * this.#batch, MAX_HELD);
    this.renew();
  }

  /** Whether it may be given one more operation of that lane, of which it holds so many. */
  allows(lane: LaneId, held: number): boolean {
    return held < this.#most[lane];
  }

  /** An operation has run for so long, in µs. */
  ran(runTime: number): void {
    this.#runTime += (runTime - this.#runTime) * RUN_TIME_WEIGHT;
  }

  /** It has replied. */
  renew(): void {
    const ahead = Math.min(MAX_AHEAD, Math.floor(LOOK_AHEAD_MICROSECONDS / Math.max(this.#runTime, 1)));
    const next = this.#batch === 1 ? ahead : Math.max(ahead, this.#batch);
    const stretch = this.isolation === "process" ? PROCESS_AHEAD : 1;
    const most = Math.min(this.#atOnce + next * stretch, MAX_HELD);
    this.#isCut = false;
    this.#most[LaneId.Sync] = this.#most[LaneId.Async] = most;
  }

  /** Until it replies again it is given no more than it can run at once. */
  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#most[LaneId.Sync] = this.#most[LaneId.Async] = this.#atOnce;
  }

  /**
   * It has left operations of a lane where they were, and holds so many others: its places are taken, by fewer operations
   * than they could be where it has batches.
   */
  left(lane: LaneId, held: number): void {
    const least = this.#atOnce / this.#batch;
    this.#most[lane] = Math.min(this.#atOnce, Math.max(held, least));
  }
}

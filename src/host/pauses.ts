import type { RingReader } from "../ring/ring.ts";

/** How long a pause lasts at most, in ms: the next sync operation ends it. */
const PAUSE_MS = 0.05;
/** Async operations that are called one after another are interrupted so often where many sync operations come, in ms. */
const BUSY_EVERY_MS = 0.2;
/** So many sync operations within so many ms are many; one within that time is some. */
const MANY_SYNC = 200;
const RECENT_MS = 10;
/** Async operations that end together are interrupted after so many and so many ms where some sync operations come. */
const ENDED_EVERY = 8;
const ENDED_EVERY_MS = 0.05;

/**
 * When a worker leaves its core to others for a moment. With more threads than cores, the callers and the main thread wait
 * for the end of this thread's time slice (some ms) otherwise, and sync callers see that. Times are monotonic, in ms.
 */
export class Pauses {
  #syncAt = -Infinity;
  /** Sync operations since a moment, and whether many came before it. */
  #syncCount = 0;
  #countedSince = 0;
  #isSyncBusy = false;
  #ended = 0;
  #pausedAt = 0;

  constructor(
    /** Where sync operations come. */
    readonly ring: RingReader,
    /** Shows the main thread what is done. */
    readonly publish: () => void,
  ) {}

  /** A sync operation is called. */
  onSync(time: number): void {
    this.#syncAt = time;
    this.#syncCount++;
  }

  /** An async operation is to be called; returns the time after a pause, if there was one. */
  beforeAsync(time: number): number {
    if (time - this.#countedSince > RECENT_MS) {
      this.#isSyncBusy = this.#syncCount >= MANY_SYNC;
      this.#syncCount = 0;
      this.#countedSince = time;
    }
    return this.#isSyncBusy && time - this.#pausedAt > BUSY_EVERY_MS ? this.#pause() : time;
  }

  /** An async operation that went on after its call has ended. */
  afterAsync(time: number): void {
    if (++this.#ended < ENDED_EVERY || time - this.#pausedAt < ENDED_EVERY_MS) return;
    this.#ended = 0;
    if (time - this.#syncAt < RECENT_MS) this.#pause();
  }

  #pause(): number {
    this.publish();
    this.ring.block(PAUSE_MS);
    return this.#pausedAt = performance.now();
  }
}

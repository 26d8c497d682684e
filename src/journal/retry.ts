/** How long a journal that fails rests before it is tried again, in ms: the first time, and at most. */
const FIRST_MS = 1000;
const MOST_MS = 30_000;
/** One that fails again within so long after it went on rests twice as long as the last time, in ms. */
const STEADY_MS = 60_000;
/** A disk that was full is not tried before it has so much room beside what is to be written at once, in bytes. */
const ROOM_BYTES = 2 ** 20;

/**
 * When a journal that cannot be written is tried again. A disk that is nearly full takes the beginning of a file and not what
 * follows: without a rest the journal would stop and go on once a second, with a file each time.
 */
export class Retry {
  /** How often it has failed after it had gone on. */
  count = 0;
  /** Monotonic, in ms. */
  at = 0;
  #rest = FIRST_MS;
  #wentOnAt = -Infinity;
  #isFull = false;

  /** It has failed: for the first time, or again while it was tried. */
  failed(now: number, error: unknown, isFirst: boolean): void {
    if (isFirst) {
      this.count++;
      this.#rest = now < this.#wentOnAt + STEADY_MS ? Math.min(2 * this.#rest, MOST_MS) : FIRST_MS;
    }
    this.#isFull = error instanceof Error && "code" in error && error.code === "ENOSPC";
    this.at = now + this.#rest;
  }

  wentOn(now: number): void {
    this.#wentOnAt = now;
  }

  /** Whether it is time to try, with so many bytes to be written; `free` tells what is left, null where it cannot. */
  isTime(now: number, bytes: number, free: () => number | null): boolean {
    if (now < this.at) return false;
    if (!this.#isFull) return true;
    const left = free();
    if (left === null || left >= bytes + ROOM_BYTES) return true;
    this.at = now + FIRST_MS;
    return false;
  }
}

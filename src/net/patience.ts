/** To be woken takes some 50 µs and more: so long a thread with nothing to do looks around before it sleeps; in ms. */
const SPIN_MS = 0.05;
/** The same while something is about to be told that a fast disk tells within this time. */
const AWAITING_SPIN_MS = 0.4;
/** After vain looks so many times as long are not taken, at most: on a slow disk they would only take a core from others. */
const MOST_SKIPS = 256;

/** How long a thread looks around before it sleeps: longer where that has paid of late. */
export class Patience {
  /** Long looks that are still not taken, and that are not after the next vain one. */
  #skips = 0;
  #nextSkips = 1;

  /** Whether it is time to sleep, after so many ms without anything; `isAwaiting` while something is about to be told. */
  isOver(idle: number, isAwaiting: boolean): boolean {
    if (idle <= SPIN_MS) return false;
    if (!isAwaiting) return true;
    if (this.#skips > 0) {
      this.#skips--;
      return true;
    }
    if (idle <= AWAITING_SPIN_MS) return false;
    this.#skips = this.#nextSkips;
    this.#nextSkips = Math.min(2 * this.#nextSkips, MOST_SKIPS);
    return true;
  }

  /** Something came after so many ms without anything. */
  paid(idle: number): void {
    if (idle > SPIN_MS) this.#nextSkips = 1;
  }
}

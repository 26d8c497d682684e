/** Addresses that are counted apart; more share a count now and then. */
const SLOTS = 1 << 14;
const WINDOW_MS = 1000;

/**
 * Counts what is sent to each address within a second, in a room that does not grow, whoever forges how many senders. Which
 * addresses share a count is chance: the hashes come seeded.
 */
export class AddressBudget {
  readonly #counts = new Uint32Array(SLOTS);
  #since = -Infinity;

  /** @param now monotonic, in ms */
  constructor(readonly now: () => number) {}

  /** Counts one more for the address of that hash; false, and it is not counted, where that is over `most`. */
  takes(hash: number, most: number): boolean {
    const now = this.now();
    if (now - this.#since >= WINDOW_MS) {
      this.#since = now;
      this.#counts.fill(0);
    }
    const slot = (hash ^ hash >>> 16) & (SLOTS - 1);
    if (this.#counts[slot]! >= most) return false;
    this.#counts[slot]!++;
    return true;
  }
}

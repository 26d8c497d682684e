/** Of each window so much may go into handshakes, in ms: what they cost others is bounded, however many come. */
const WINDOW_MS = 4;
const SHARE_MS = 2;

/** The time that the thread spends on handshakes: one costs as much as hundreds of operations. */
export class HandshakeBudget {
  #windowStart = -Infinity;
  #spent = 0;

  /** @param now monotonic, in ms */
  constructor(readonly now: () => number) {}

  /** Takes a step of a handshake; null, and nothing is done, where others are to have their turn first. */
  spend<T>(step: () => T): T | null {
    const start = this.now();
    if (start - this.#windowStart >= WINDOW_MS) {
      this.#windowStart = start;
      this.#spent = 0;
    }
    if (this.#spent >= SHARE_MS) return null;
    const result = step();
    this.#spent += this.now() - start;
    return result;
  }
}

/** A worker that dies is replaced after this long, doubled each time until it has run for a minute; in ms. */
const FIRST_MS = 100;
const MOST_MS = 60_000;

/** How long to wait before a worker is started in the place of one that died. */
export class Backoff {
  #wait = FIRST_MS;
  #lastDeath = -Infinity;

  /** @param now monotonic, in ms */
  constructor(readonly now: () => number) {}

  /** The last death is not as long ago as the next one would have to wait. */
  get isOn(): boolean {
    return this.now() - this.#lastDeath < this.#wait;
  }

  /** One has died: how long to wait this time, in ms. */
  next(): number {
    const time = this.now();
    if (time - this.#lastDeath > MOST_MS) this.#wait = FIRST_MS;
    this.#lastDeath = time;
    const wait = this.#wait;
    this.#wait = Math.min(wait * 2, MOST_MS);
    return wait;
  }
}

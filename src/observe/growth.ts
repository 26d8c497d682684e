/** The last minute, a look a second. */
const LOOKS = 60;
/** A rate is not made of less, in s. */
const LEAST_S = 5;

/** How fast something has become fuller within the last minute. */
export class Growth {
  readonly #values = new Float64Array(LOOKS);
  readonly #times = new Float64Array(LOOKS);
  #count = 0;

  /** @param time monotonic, in ms */
  look(value: number, time: number): void {
    const at = this.#count++ % LOOKS;
    this.#values[at] = value;
    this.#times[at] = time;
  }

  /** When it reaches a bound at that rate, from the last look on, in ms; null where it gets no fuller, or that is not known yet. */
  untilFull(most: number): number | null {
    if (this.#count < 2) return null;
    const last = (this.#count - 1) % LOOKS;
    const first = this.#count <= LOOKS ? 0 : this.#count % LOOKS;
    const ms = this.#times[last]! - this.#times[first]!;
    const grown = this.#values[last]! - this.#values[first]!;
    if (ms < LEAST_S * 1000 || grown <= 0) return null;
    return Math.max(0, Math.round((most - this.#values[last]!) / (grown / ms)));
  }
}

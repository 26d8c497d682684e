/** A look that comes later than it should by more than this has lost time, in ms. */
const LATE_MS = 500;
/** What is remembered of the past. */
const MAX_GAPS = 16;

/**
 * The time in which a thread's event loop stood still, for its process was stopped or its machine slept. Nobody is judged by
 * it: what came meanwhile has not been read, and who was stopped, too, could do nothing.
 */
export class LostTime {
  #lookedAt: number;
  /** The newest last. */
  readonly #gaps: { readonly endedAt: number; readonly ms: number }[] = [];

  constructor(
    /** Monotonic, in ms. */
    readonly now: () => number,
    /** {@link look} is called this often, in ms. */
    readonly every: number,
  ) {
    this.#lookedAt = now();
  }

  /** The event loop turns. */
  look(): void {
    const time = this.now();
    const ms = time - this.#lookedAt - this.every;
    this.#lookedAt = time;
    if (ms <= LATE_MS) return;
    this.#gaps.push({ endedAt: time, ms });
    if (this.#gaps.length > MAX_GAPS) this.#gaps.shift();
  }

  /** Calls `then` when so many ms have passed, those that were lost not counted, unless the result is called before. */
  after(ms: number, then: () => void): () => void {
    const begun = this.now();
    const look = () => {
      const left = begun + ms + this.since(begun) - this.now();
      if (left <= 0) then();
      else timer = setTimeout(look, left);
    };
    let timer = setTimeout(look, ms);
    return () => clearTimeout(timer);
  }

  /** How much of the time since then was lost, in ms. */
  since(time: number): number {
    this.look();
    let sum = 0;
    for (const { endedAt, ms } of this.#gaps) if (endedAt > time) sum += Math.min(ms, endedAt - time);
    return sum;
  }
}

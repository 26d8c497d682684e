/** What may be caught up of a rate after a standstill, in ms: timers are no finer than that allows. */
const CATCH_UP_MS = 100;
/** The longest time that somebody is put off for. */
const LONGEST_MS = 60_000;
/** A request's time counts so much into the average. */
const WEIGHT = 0.2;
const FIRST_GUESS_MS = 100;

/** Who waits for a place. */
interface Waiting {
  readonly enter: () => void;
}

/**
 * Lets so many through at once and no more than so many in a time. As many as may be inside wait before it, in order; the
 * others are told when to come again, each a little later than the one before.
 */
export class Gate {
  readonly #waiting = new Set<Waiting>();
  #inside = 0;
  /** When the next may enter by the rate; monotonic, in ms. */
  #nextAt = -Infinity;
  #timer: number | undefined;
  /** When the last of those who were put off is to come again. */
  #horizon = -Infinity;
  /** What somebody spends inside, on the average; in ms. */
  #stay = FIRST_GUESS_MS;

  constructor(
    readonly places: number,
    /** The least time between two that enter, in ms; 0 is no bound. */
    readonly interval: number,
    /** Monotonic, in ms. */
    readonly now: () => number,
    /** From 0 up to 1. */
    readonly random: () => number,
  ) {}

  /** Nobody is inside or waits. */
  get isIdle(): boolean {
    return this.#inside === 0 && this.#waiting.size === 0;
  }

  /**
   * Resolves with null when inside, or with the time in ms after which to come again. Rejects with the signal's reason.
   * Whoever is inside is to {@link leave}.
   */
  async enter(signal: AbortSignal): Promise<number | null> {
    signal.throwIfAborted();
    if (this.#waiting.size === 0 && this.#wait() <= 0 && this.#inside < this.places) {
      this.#admit();
      return null;
    }
    if (this.#waiting.size >= this.places) return this.#putOff();
    await this.#queue(signal);
    return null;
  }

  /** @param stay how long it was inside, in ms; null where it did nothing there */
  leave(stay: number | null): void {
    this.#inside--;
    if (stay !== null) this.#stay += (stay - this.#stay) * WEIGHT;
    this.#next();
  }

  #queue(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.delete(waiting);
        reject(signal.reason);
      };
      const waiting = {
        enter: () => {
          signal.removeEventListener("abort", giveUp);
          resolve();
        },
      };
      signal.addEventListener("abort", giveUp, { once: true });
      this.#waiting.add(waiting);
      this.#next();
    });
  }

  /** Lets in who waits, as far as there is room and the rate allows it. */
  #next(): void {
    for (const waiting of this.#waiting) {
      if (this.#inside >= this.places) return;
      const wait = this.#wait();
      if (wait > 0) {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#next();
        }, wait);
        return;
      }
      this.#waiting.delete(waiting);
      this.#admit();
      waiting.enter();
    }
  }

  /** How long the rate still bars the next one, in ms. */
  #wait(): number {
    return this.#nextAt - this.now();
  }

  #admit(): void {
    this.#inside++;
    this.#nextAt = Math.max(this.#nextAt, this.now() - CATCH_UP_MS) + this.interval;
  }

  /** By what the gate lets through, the next comes after those who were put off before; far ones at random. */
  #putOff(): number {
    const now = this.now();
    const step = Math.max(this.interval, this.#stay / this.places);
    this.#horizon = Math.max(this.#horizon, now + step * this.places) + step;
    if (this.#horizon <= now + LONGEST_MS) return Math.ceil(this.#horizon - now);
    this.#horizon = now + LONGEST_MS;
    return Math.ceil(LONGEST_MS * (1 + this.random()) / 2);
  }
}

/** Failed calls in a row after which a server is dead, as in the C client. */
const DEADLY_FAILURES = 19;

/** The clock, in ms, and chance, 0 to below 1; tests bring their own. */
export interface Fortune {
  now(): number;
  random(): number;
}

/** How long a server is left alone. */
export interface Patience {
  /** One that cannot be reached, or has failed 19 times in a row, gets nothing for so long while others live; in ms. */
  readonly deadMs: number;
  /** The longest pause before the first try to connect again; it doubles with each further one, in ms. */
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
}

/** How one server does. */
export class ServerHealth {
  /** Failed calls in a row. */
  #failures = 0;
  #deadUntil = 0;
  /** Failed tries to connect in a row. */
  #tries = 0;
  /** When the next try may be. */
  #retryAt = 0;

  constructor(readonly patience: Patience, readonly fortune: Fortune) {}

  get isAlive(): boolean {
    return this.#deadUntil <= this.fortune.now();
  }

  /** How long to wait before the next try to connect, in ms. */
  get pauseMs(): number {
    return Math.max(0, this.#retryAt - this.fortune.now());
  }

  /** A call was answered by it. */
  succeeded(): void {
    this.#failures = 0;
    this.#deadUntil = 0;
  }

  /** A call got no answer from it, or 14. */
  failed(): void {
    if (++this.#failures >= DEADLY_FAILURES) this.#die();
  }

  connected(): void {
    this.#tries = 0;
    this.#retryAt = 0;
  }

  /** It cannot be reached. Half of the pause before the next try is chance, so that not all clients come back at once. */
  unreachable(): void {
    this.#die();
    this.refused();
  }

  /** It is there, and refuses the login or a further connection. */
  refused(): void {
    const { minBackoffMs, maxBackoffMs } = this.patience;
    const most = Math.min(maxBackoffMs, minBackoffMs * 2 ** this.#tries);
    this.#tries++;
    this.#retryAt = this.fortune.now() + most * (1 + this.fortune.random()) / 2;
  }

  #die(): void {
    this.#deadUntil = this.fortune.now() + this.patience.deadMs;
  }
}

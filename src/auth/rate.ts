const PERIODS_MS = new Map([["s", 1000], ["m", 60_000], ["h", 3_600_000]]);
const MOST = 1_000_000_000;

/** So many requests in so many ms. */
export interface Rate {
  readonly requests: number;
  readonly ms: number;
}

/** What one is written as. */
export const EXPECTED_RATE = 'a rate such as "500/s", "100/m" or "1000/h"';

/** `500/s`, `100/m` or `1000/h`; undefined where it is none. */
export function parseRate(text: string): Rate | undefined {
  const [, digits, unit = ""] = /^(\d{1,10})\/([smh])$/.exec(text) ?? [];
  const requests = Number(digits);
  const ms = PERIODS_MS.get(unit);
  return ms === undefined || requests < 1 || requests > MOST ? undefined : { requests, ms };
}

/** The rate as it is written. */
export function rateText({ requests, ms }: Rate): string {
  const [unit] = [...PERIODS_MS].find(([, each]) => each === ms)!;
  return `${requests}/${unit}`;
}

/**
 * Lets requests through at a rate: as many as one period has at once, and then as they come back, evenly. What is refused takes
 * nothing.
 */
export class RateMeter {
  /** Requests that may come now. */
  #left: number;
  /** When that was so, in ms. */
  #at: number;

  /** @param now monotonic, in ms */
  constructor(readonly rate: Rate, now: number) {
    this.#left = rate.requests;
    this.#at = now;
  }

  take(now: number): boolean {
    this.#refill(now);
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }

  /** Whether nothing was taken lately: a new one would be the same. */
  isFull(now: number): boolean {
    this.#refill(now);
    return this.#left >= this.rate.requests;
  }

  #refill(now: number): void {
    const { requests, ms } = this.rate;
    this.#left = Math.min(requests, this.#left + Math.max(0, now - this.#at) / ms * requests);
    this.#at = now;
  }
}

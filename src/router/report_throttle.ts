import type { Encoding } from "../protocol/body.ts";

/** Of the thread's time at most this share goes into making answers, and at once no more than has been saved; in ms. */
const SHARE = 0.1;
const SAVED_MS = 50;
/** Beyond that an answer may be so old, in ms. */
const MAX_AGE_MS = 100;

interface Made {
  readonly body: Uint8Array;
  /** Monotonic, in ms. */
  readonly at: number;
}

/**
 * What the server and its plugins tell of themselves. It is made on the main thread and asked for without a queue: who asks
 * now and then gets it fresh, who asks without end what was made a moment ago.
 */
export class ReportThrottle {
  readonly #made = new WeakMap<object, (Made | undefined)[]>();
  #saved = SAVED_MS;
  #lookedAt = 0;

  /** @param now monotonic, in ms */
  constructor(readonly now: () => number) {}

  /** The body about that subject; `make` may throw, and is asked again the next time then. */
  about(subject: object, encoding: Encoding, make: () => Uint8Array): Uint8Array {
    const now = this.now();
    this.#saved = Math.min(SAVED_MS, this.#saved + (now - this.#lookedAt) * SHARE);
    this.#lookedAt = now;
    let made = this.#made.get(subject);
    if (made === undefined) this.#made.set(subject, made = []);
    const before = made[encoding];
    if (before !== undefined && this.#saved <= 0 && now - before.at < MAX_AGE_MS) return before.body;
    try {
      const body = make();
      made[encoding] = { body, at: now };
      return body;
    } finally {
      this.#saved -= this.now() - now;
    }
  }
}

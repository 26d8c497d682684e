import { ApiError } from "./api_client.ts";

/** The longest pause after failures, in ms. */
const MAX_PAUSE_MS = 15_000;

/** What a poller asks for, and what it does with it. */
export interface Poll<T> {
  /** From the end of one to the begin of the next, in ms. */
  readonly everyMs: number;
  load(signal: AbortSignal): Promise<T>;
  /** It has come. */
  apply(value: T): void;
  /** It could not be had; what was there before stays. */
  failed?(error: Error): void;
}

/**
 * Asks again and again, one request at a time: slower after failures, and not while nobody looks at the page. What arrives after
 * its end is dropped.
 */
export class Poller<T> {
  /** When the last answer came, in ms since 1970; 0 before the first. */
  lastAt = 0;
  /** When it will be tried again after a failure; null while all is well. */
  nextAt: number | null = null;
  error: Error | null = null;
  readonly #poll: Poll<T>;
  #timer: number | undefined;
  #running: AbortController | null = null;
  #failures = 0;
  #stopped = false;

  constructor(poll: Poll<T>) {
    this.#poll = poll;
  }

  /** The last try has failed. */
  get isFailing(): boolean {
    return this.error !== null;
  }

  start(): this {
    document.addEventListener("visibilitychange", this.#onVisibility);
    if (!document.hidden) this.#ask();
    return this;
  }

  stop(): void {
    this.#stopped = true;
    document.removeEventListener("visibilitychange", this.#onVisibility);
    this.#pause();
  }

  /** Asks at once; what is under way is given up. */
  now(): void {
    if (this.#stopped) return;
    this.#pause();
    this.#ask();
  }

  readonly #onVisibility = () => {
    if (document.hidden) this.#pause();
    else this.now();
  };

  #pause(): void {
    clearTimeout(this.#timer);
    this.#running?.abort();
    this.#running = null;
  }

  async #ask(): Promise<void> {
    const controller = new AbortController();
    this.#running = controller;
    const { signal } = controller;
    let pause = this.#poll.everyMs;
    try {
      const value = await this.#poll.load(signal);
      if (signal.aborted) return;
      this.#failures = 0;
      this.error = null;
      this.nextAt = null;
      this.lastAt = Date.now();
      this.#poll.apply(value);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Error)) throw error;
      this.#failures++;
      pause = Math.min(MAX_PAUSE_MS, Math.max(1000, pause) * 2 ** Math.min(this.#failures - 1, 5));
      // Many pages do not come back to a server in the same moment.
      pause *= 0.8 + 0.4 * Math.random();
      this.error = error;
      this.nextAt = Date.now() + pause;
      this.#poll.failed?.(error);
      if (!(error instanceof ApiError)) console.error(error);
    }
    this.#running = null;
    this.#timer = setTimeout(() => this.#ask(), pause);
  }
}

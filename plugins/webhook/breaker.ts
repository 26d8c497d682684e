/**
 * Whether a host is down:
 *
 * ```
 * closed ──so many failures in a row──► open ──its time is over──► probing ──it fails──► open
 *    ▲                                                                └──it succeeds──► closed
 * ```
 */
export class Breaker {
  #failures = 0;
  /** Until then it is open; monotonic, in ms. */
  #openUntil = -Infinity;
  #isOpen = false;
  #isProbing = false;

  constructor(
    /** Failures in a row that open it; 0 is never. */
    readonly failures: number,
    /** For how long, in ms. */
    readonly pause: number,
    /** Monotonic, in ms. */
    readonly now: () => number,
  ) {}

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** How long the host is left alone, in ms; 0 where a request may be made. Once its time is over, one at a time may. */
  get left(): number {
    if (!this.#isOpen) return 0;
    return this.#isProbing ? this.pause : Math.max(this.#openUntil - this.now(), 0);
  }

  /** A request is made, as {@link left} allows. */
  begin(): void {
    this.#isProbing = this.#isOpen;
  }

  /** The host has answered; true where it was down. */
  succeeded(): boolean {
    const wasOpen = this.#isOpen;
    this.#failures = 0;
    this.#isOpen = false;
    this.#isProbing = false;
    return wasOpen;
  }

  /** It has not; true where it counts as down from now on. */
  failed(): boolean {
    this.#failures++;
    this.#isProbing = false;
    if (this.failures === 0 || (!this.#isOpen && this.#failures < this.failures)) return false;
    const wasOpen = this.#isOpen;
    this.#isOpen = true;
    this.#openUntil = this.now() + this.pause;
    return !wasOpen;
  }

  /** The request was given up before anything was known. */
  unknown(): void {
    this.#isProbing = false;
  }
}

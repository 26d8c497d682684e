/** How full a queue is: half, four fifths, and refusing. */
export const FILL_LEVELS = ["normal", "info", "warning", "full"] as const;
export type FillLevel = typeof FILL_LEVELS[number];

/** The share of a bound from which on each level holds; "full" is told by a refusal, not by a share. */
const SHARES = [0, 0.5, 0.8] as const;
const FULL = 3;
/** A level ends only this far below its share, so that a queue that hovers there does not tell it again and again. */
const HYSTERESIS = 0.1;

/**
 * Tells once each time a queue crosses a mark on its way up, and when it has gone down again. Two comparisons an
 * operation; the marks are worked out at a crossing.
 */
export class Watermarks {
  #level = 0;
  #upOps = Infinity;
  #upBytes = Infinity;
  #downOps = -1;
  #downBytes = -1;

  constructor(
    public maxOps: number,
    public maxBytes: number,
    readonly onCross: (level: FillLevel, before: FillLevel) => void,
  ) {
    this.#setMarks();
  }

  get level(): FillLevel {
    return FILL_LEVELS[this.#level]!;
  }

  /** Something was put in. */
  rise(ops: number, bytes: number): void {
    if (ops >= this.#upOps || bytes >= this.#upBytes) this.#move(this.#shareLevel(ops, bytes, 0));
  }

  /** Something was done. */
  fall(ops: number, bytes: number): void {
    if (ops < this.#downOps && bytes < this.#downBytes) {
      this.#move(this.#shareLevel(ops, bytes, HYSTERESIS));
    }
  }

  /** Something was refused. */
  refuse(): void {
    if (this.#level < FULL) this.#move(FULL);
  }

  /** Other bounds hold from now on, for a queue that is so full. */
  bound(maxOps: number, maxBytes: number, ops: number, bytes: number): void {
    this.maxOps = maxOps;
    this.maxBytes = maxBytes;
    this.#setMarks();
    this.#move(this.#shareLevel(ops, bytes, 0));
  }

  #shareLevel(ops: number, bytes: number, hysteresis: number): number {
    const share = Math.max(ops / this.maxOps, bytes / this.maxBytes) + hysteresis;
    return share >= SHARES[2] ? 2 : share >= SHARES[1] ? 1 : 0;
  }

  #move(level: number): void {
    if (level === this.#level) return;
    const before = this.level;
    this.#level = level;
    this.#setMarks();
    this.onCross(this.level, before);
  }

  #setMarks(): void {
    const up = SHARES[this.#level + 1] ?? Infinity;
    this.#upOps = up * this.maxOps;
    this.#upBytes = up * this.maxBytes;
    const down = this.#level === 0 ? -1 : SHARES[Math.min(this.#level, FULL - 1)]! - HYSTERESIS;
    this.#downOps = down * this.maxOps;
    this.#downBytes = down * this.maxBytes;
  }
}

const LF = 0x0a;
const FIRST_BYTES = 1024;

/** Cuts lines out of pieces; those that lie in one piece are not copied. */
export class LineBuffer {
  /** Where the line lies that {@link next} has found; valid until the next call. */
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  end = 0;
  #kept: Uint8Array = new Uint8Array(0);
  #used = 0;

  /** Bytes of a line that has begun and not ended. */
  get partial(): number {
    return this.#used;
  }

  /**
   * Finds the next line in a piece, and returns where the piece goes on behind it; -1 where the rest is the beginning of a
   * line, and kept, -2 where that has more than so many bytes.
   */
  next(piece: Uint8Array, at: number, end: number, most: number): number {
    const newline = at < end ? piece.indexOf(LF, at) : -1;
    if (newline < 0 || newline >= end) {
      if (this.#used + end - at > most) return -2;
      this.#keep(piece, at, end);
      return -1;
    }
    if (this.#used + newline - at > most) return -2;
    if (this.#used === 0) {
      this.bytes = piece;
      this.at = at;
      this.end = newline;
    } else {
      this.#keep(piece, at, newline);
      this.rest();
    }
    return newline + 1;
  }

  /** What is kept is a line: the last one, without its newline. False where there is nothing. */
  rest(): boolean {
    if (this.#used === 0) return false;
    this.bytes = this.#kept;
    this.at = 0;
    this.end = this.#used;
    this.#used = 0;
    return true;
  }

  #keep(piece: Uint8Array, at: number, end: number): void {
    const needed = this.#used + end - at;
    if (needed > this.#kept.length) {
      const grown = new Uint8Array(Math.max(needed, this.#kept.length * 2, FIRST_BYTES));
      grown.set(this.#kept.subarray(0, this.#used));
      this.#kept = grown;
    }
    this.#kept.set(piece.subarray(at, end), this.#used);
    this.#used = needed;
  }
}

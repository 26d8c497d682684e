/** A line that is longer than its reader takes, or no UTF-8. */
export class LineError extends Error {
  override readonly name = "LineError";
}

const NEWLINE = 10;
const FIRST_CAPACITY = 1024;

/** Puts lines together out of pieces as they come from a socket, byte by byte even; each line has at most so many bytes. */
export class LineReader {
  #line = new Uint8Array(0);
  #used = 0;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });

  constructor(readonly maxBytes: number) {}

  /** Whether a line has begun and not ended. */
  get isPartial(): boolean {
    return this.#used > 0;
  }

  /** The lines that the piece completes, without their newline; the piece is copied. Throws LineError. */
  push(piece: Uint8Array): string[] {
    const lines: string[] = [];
    for (let at = 0;;) {
      const end = piece.indexOf(NEWLINE, at);
      this.#add(piece.subarray(at, end < 0 ? piece.length : end));
      if (end < 0) return lines;
      lines.push(this.#take());
      at = end + 1;
    }
  }

  #add(bytes: Uint8Array): void {
    const needed = this.#used + bytes.length;
    if (needed > this.maxBytes) throw new LineError(`a line has more than ${this.maxBytes} bytes`);
    if (needed > this.#line.length) {
      const grown = new Uint8Array(
        Math.min(Math.max(needed, this.#line.length * 2, FIRST_CAPACITY), this.maxBytes),
      );
      grown.set(this.#line.subarray(0, this.#used));
      this.#line = grown;
    }
    this.#line.set(bytes, this.#used);
    this.#used = needed;
  }

  #take(): string {
    const bytes = this.#line.subarray(0, this.#used);
    this.#line = new Uint8Array(0);
    this.#used = 0;
    try {
      return this.#decoder.decode(bytes);
    } catch {
      throw new LineError("a line is no UTF-8");
    }
  }
}

/** A line that is longer than its reader takes, or no UTF-8. */
export class LineError extends Error {
  override readonly name = "LineError";
}

const NEWLINE = 10;

/** Puts lines together out of pieces as they come from a socket; each line has at most so many bytes. */
export class LineReader {
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });

  constructor(readonly maxBytes: number) {}

  /** Whether a line has begun and not ended. */
  get isPartial(): boolean {
    return this.#bytes > 0;
  }

  /** The lines that the piece completes, without their newline; the piece is copied. Throws LineError. */
  push(piece: Uint8Array): string[] {
    const lines: string[] = [];
    for (let at = 0;;) {
      const end = piece.indexOf(NEWLINE, at);
      this.#add(piece.slice(at, end < 0 ? piece.length : end));
      if (end < 0) return lines;
      lines.push(this.#take());
      at = end + 1;
    }
  }

  #add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#bytes += bytes.length;
    if (this.#bytes > this.maxBytes) throw new LineError(`a line has more than ${this.maxBytes} bytes`);
    this.#pieces.push(bytes);
  }

  #take(): string {
    const bytes = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [];
    this.#bytes = 0;
    try {
      return this.#decoder.decode(bytes);
    } catch {
      throw new LineError("a line is no UTF-8");
    }
  }
}

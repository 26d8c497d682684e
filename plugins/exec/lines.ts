const NEWLINE = 10;
const RETURN = 13;
const FIRST_CAPACITY = 4096;

/** What is told of lines; the bytes are good until the call returns. */
export interface LineEvents {
  /** A line without its end; never an empty one. */
  line(bytes: Uint8Array): void;
  /** The line is longer than allowed: what has come of it, and then what goes on coming. */
  excess?(bytes: Uint8Array): void;
  /** A line that was too long has ended; its beginning. */
  tooLong(beginning: Uint8Array): void;
}

/** Cuts a stream of bytes into lines, at LF, CR or both; a line may be so long and no longer, whatever comes. */
export class Lines {
  #buffer = new Uint8Array(FIRST_CAPACITY);
  #used = 0;
  #isTooLong = false;

  constructor(
    /** In bytes, without its end. */
    readonly longest: number,
    readonly events: LineEvents,
  ) {}

  push(chunk: Uint8Array): void {
    let from = 0;
    for (let end = endIn(chunk, from); end >= 0; end = endIn(chunk, from)) {
      this.#append(chunk.subarray(from, end));
      this.#complete();
      from = end + 1;
    }
    this.#append(chunk.subarray(from));
  }

  /** There is no more: what stands there without an end is a line, too. */
  end(): void {
    if (this.#used > 0) this.#complete();
  }

  #append(bytes: Uint8Array): void {
    const room = this.longest - this.#used;
    const part = bytes.length > room ? bytes.subarray(0, room) : bytes;
    if (part.length > 0) this.#keep(part);
    if (bytes.length <= room) return;
    if (!this.#isTooLong) this.events.excess?.(this.#buffer.subarray(0, this.#used));
    this.#isTooLong = true;
    this.events.excess?.(bytes.subarray(room));
  }

  #keep(part: Uint8Array): void {
    const needed = this.#used + part.length;
    if (needed > this.#buffer.length) this.#grow(needed);
    this.#buffer.set(part, this.#used);
    this.#used = needed;
  }

  #grow(needed: number): void {
    const buffer = new Uint8Array(Math.min(Math.max(needed, this.#buffer.length * 2), this.longest));
    buffer.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = buffer;
  }

  #complete(): void {
    const line = this.#buffer.subarray(0, this.#used);
    const isTooLong = this.#isTooLong;
    this.#used = 0;
    this.#isTooLong = false;
    if (this.#buffer.length > FIRST_CAPACITY * 16) this.#buffer = new Uint8Array(FIRST_CAPACITY);
    if (isTooLong) this.events.tooLong(line);
    else if (line.length > 0) this.events.line(line);
  }
}

/** The next end of a line; CRLF is one and an empty line. */
function endIn(chunk: Uint8Array, from: number): number {
  const newline = chunk.indexOf(NEWLINE, from);
  const before = newline < 0 ? chunk.subarray(from) : chunk.subarray(from, newline);
  const carriage = before.indexOf(RETURN);
  return carriage < 0 ? newline : from + carriage;
}

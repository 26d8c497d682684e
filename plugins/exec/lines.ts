const NEWLINE = 10;
const FIRST_CAPACITY = 4096;

/** Cuts a stream of bytes into lines; a line may be so long and no longer, whatever comes. */
export class Lines {
  #buffer = new Uint8Array(FIRST_CAPACITY);
  #used = 0;
  #isTooLong = false;
  readonly #decoder = new TextDecoder();

  constructor(
    /** In bytes, without its end. */
    readonly longest: number,
    readonly onLine: (line: string) => void,
    /** A line was longer; its beginning. */
    readonly onTooLong: (beginning: string) => void,
  ) {}

  push(chunk: Uint8Array): void {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
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
    if (bytes.length > room) this.#isTooLong = true;
    const part = bytes.length > room ? bytes.subarray(0, room) : bytes;
    if (part.length === 0) return;
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
    const line = this.#decoder.decode(this.#buffer.subarray(0, this.#used)).trimEnd();
    const isTooLong = this.#isTooLong;
    this.#used = 0;
    this.#isTooLong = false;
    if (this.#buffer.length > FIRST_CAPACITY * 16) this.#buffer = new Uint8Array(FIRST_CAPACITY);
    if (isTooLong) this.onTooLong(line);
    else if (line !== "") this.onLine(line);
  }
}

import { cut } from "../text_of.ts";

/** Longest line that is passed on, in UTF-16 units. */
const MAX_LINE = 4096;
/** Lines that are passed on in a second. */
const MAX_LINES_PER_SECOND = 100;
/** Of what a dying process says, this is why. */
const CAUSE = /fatal|out of memory|panic/i;

/** Reads what a plugin's process writes to stdout or stderr, by lines, and passes them on in bounds. */
export class ProcessOutput {
  /** The last line that tells why the process ended, or "". */
  cause = "";
  /** Resolves when there is no more. */
  readonly ended: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #line = "";
  #second = -1;
  #lines = 0;
  #leftOut = 0;

  constructor(
    stream: ReadableStream<Uint8Array>,
    readonly line: (text: string) => void,
    /** Monotonic, in ms. */
    readonly now: () => number,
  ) {
    this.#reader = stream.getReader();
    this.ended = this.#read();
  }

  /** Ends it although another process may still hold the other end. */
  async cancel(): Promise<void> {
    await this.#reader.cancel();
    await this.ended;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await this.#reader.read();
      const [first = "", ...others] = decoder.decode(value, { stream: !done }).split("\n");
      this.#append(first);
      for (const other of others) {
        this.#complete();
        this.#append(other);
      }
      if (done) break;
    }
    this.#complete();
    this.#tellLeftOut();
  }

  /** What comes after the most of a line is dropped, up to its end. */
  #append(text: string): void {
    if (this.#line.length <= MAX_LINE) this.#line += text.slice(0, MAX_LINE + 1);
  }

  #complete(): void {
    const line = cut(this.#line.trimEnd(), MAX_LINE);
    this.#line = "";
    if (line === "") return;
    if (CAUSE.test(line)) this.cause = line;
    const second = Math.floor(this.now() / 1000);
    if (second !== this.#second) {
      this.#tellLeftOut();
      this.#second = second;
      this.#lines = 0;
    }
    if (++this.#lines > MAX_LINES_PER_SECOND) this.#leftOut++;
    else this.line(line);
  }

  #tellLeftOut(): void {
    if (this.#leftOut > 0) {
      this.line(`… and ${this.#leftOut} lines more, more than ${MAX_LINES_PER_SECOND} in a second`);
    }
    this.#leftOut = 0;
  }
}

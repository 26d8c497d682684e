import { concat } from "../protocol/bytes.ts";

/** Lines that wait until stderr takes them, in bytes; what comes beyond is dropped and counted. */
const MAX_WAITING_BYTES = 1024 * 1024;

const encoder = new TextEncoder();

/**
 * Log lines on their way to stderr, one write at a time. A reader that is slow holds nobody up, and one that has gone
 * ends nothing: lines are dropped then, and how many is said as soon as a write succeeds again.
 */
export class LogOutput {
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #writing: Promise<void> | null = null;
  /** Lines since the start that were dropped, and how many of them have been told. */
  #dropped = 0;
  #told = 0;
  #isTelling = false;

  /**
   * @param sink writes some of the bytes and says how many
   * @param onDropped logs how many lines have been dropped since the start
   */
  constructor(
    readonly sink: (bytes: Uint8Array) => Promise<number>,
    readonly onDropped: (lines: number) => void,
  ) {}

  write(line: string): void {
    const bytes = encoder.encode(line);
    // The one line that tells of dropped ones is always taken.
    if (this.#bytes + bytes.length > MAX_WAITING_BYTES && !this.#isTelling) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    this.#writing ??= this.#drain();
  }

  /** Waits until all is written, for so many ms at most. */
  async flush(ms: number): Promise<void> {
    if (this.#writing === null) return;
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, ms);
    await Promise.race([this.#writing, timeout.promise]);
    clearTimeout(timer);
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      const bytes = concat(lines);
      const isWritten = await this.#put(bytes);
      this.#bytes -= bytes.length;
      if (!isWritten) this.#dropped += lines.length;
      else if (this.#dropped > this.#told) this.#tell();
    }
    this.#writing = null;
  }

  async #put(bytes: Uint8Array): Promise<boolean> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.sink(bytes.subarray(at));
      return true;
    } catch {
      // Nobody reads, or the disk is full: there is no other place to say it.
      return false;
    }
  }

  #tell(): void {
    this.#told = this.#dropped;
    this.#isTelling = true;
    this.onDropped(this.#dropped);
    this.#isTelling = false;
  }
}

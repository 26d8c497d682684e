import { badFraming } from "./http_error.ts";
import type { Input } from "./input.ts";

/** The longest line of a chunk's size, its extension included, and of a trailer; the bytes of all trailers. */
const MAX_LINE_BYTES = 1024;
const MAX_TRAILER_BYTES = 8 * 1024;
/** A chunk's size has so many hexadecimal digits at most: below 4 GiB. */
const MAX_SIZE_DIGITS = 8;

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;

/**
 * Finds a request's body in what comes, without copying it: of the length that was said, or in chunks.
 *
 * ```
 * size ──► data ──► data's end ──► size        size 0 ──► trailer lines ──► empty line: done
 * ```
 */
export class BodyReader {
  /** Where the piece lies that {@link next} has found in the input. */
  at = 0;
  length = 0;
  #state: "data" | "data end" | "size" | "trailers" | "done" = "done";
  #isChunked = false;
  /** Of the body, or of this chunk, in bytes. */
  #left = 0;
  #trailerBytes = 0;

  /** @param length of the body, -1 where it comes in chunks */
  begin(length: number): void {
    this.#isChunked = length < 0;
    this.#left = Math.max(0, length);
    this.#trailerBytes = 0;
    this.#state = length < 0 ? "size" : length === 0 ? "done" : "data";
  }

  /** The last so many bytes of the piece that was found last are to be found again. */
  giveBack(input: Input, count: number): void {
    input.at -= count;
    this.#left += count;
    this.#state = "data";
  }

  /** The next piece, "more" where none has come, "end" at the body's end. Throws HttpError. */
  next(input: Input): "piece" | "more" | "end" {
    for (;;) {
      switch (this.#state) {
        case "done":
          return "end";
        case "data": {
          const length = Math.min(this.#left, input.pending);
          if (length === 0) return "more";
          this.at = input.at;
          this.length = length;
          this.#left -= length;
          input.at += length;
          if (this.#left === 0) this.#state = this.#isChunked ? "data end" : "done";
          return "piece";
        }
        case "data end":
          if (input.pending < 2) return "more";
          if (input.bytes[input.at] !== CR || input.bytes[input.at + 1] !== LF) {
            throw badFraming("a chunk is longer than it says");
          }
          input.at += 2;
          this.#state = "size";
          break;
        case "size": {
          const end = lineEnd(input);
          if (end < 0) return "more";
          this.#left = sizeOf(input.bytes, input.at, end);
          input.at = end + 2;
          this.#state = this.#left === 0 ? "trailers" : "data";
          break;
        }
        case "trailers": {
          const end = lineEnd(input);
          if (end < 0) return "more";
          const length = end - input.at;
          this.#trailerBytes += length;
          if (this.#trailerBytes > MAX_TRAILER_BYTES) throw badFraming("the trailers are too long", 431);
          if (length === 0) this.#state = "done";
          input.at = end + 2;
        }
      }
    }
  }
}

/** Where the CR of the line's end is; -1 where it has not come. */
function lineEnd({ bytes, at, end }: Input): number {
  const most = Math.min(end, at + MAX_LINE_BYTES + 2);
  for (let i = at; i < most; i++) {
    if (bytes[i] === LF) throw badFraming("a line of a chunk ends in LF without CR");
    if (bytes[i] !== CR) continue;
    if (i + 1 >= end) return -1;
    if (bytes[i + 1] !== LF) throw badFraming("a line of a chunk holds a CR without LF");
    return i;
  }
  if (most - at > MAX_LINE_BYTES) throw badFraming(`a line of a chunk has more than ${MAX_LINE_BYTES} bytes`);
  return -1;
}

/** A chunk's size; an extension behind a semicolon is passed over. */
function sizeOf(bytes: Uint8Array, at: number, end: number): number {
  let size = 0;
  const start = at;
  for (; at < end && bytes[at] !== SEMICOLON; at++) {
    const digit = parseInt(String.fromCharCode(bytes[at]!), 16);
    if (Number.isNaN(digit) || at - start >= MAX_SIZE_DIGITS) {
      throw badFraming("a chunk's size is to be up to eight hexadecimal digits");
    }
    size = size * 16 + digit;
  }
  if (at === start) throw badFraming("a chunk has no size");
  return size;
}

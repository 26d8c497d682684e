import { readU32 } from "./bytes.ts";

/** Bytes of the length prefix; the length it gives includes them. */
export const PREFIX_BYTES = 4;
/** A stream message of this total length or less closes the connection without a reply. */
const TOO_SHORT_TOTAL = 8;

/** The most that a buffer keeps between reads once it has grown and emptied, in bytes. */
const KEPT_BYTES = 64 * 1024;
/** A message gets at most so many times the room of what has come of it: announcing a long one costs the caller its bytes. */
const ROOM_FACTOR = 4;

/**
 * Cuts a byte stream into messages without copying them: reads land in {@link space}, {@link next} walks over what
 * is complete. A message's bytes are valid until the next call of `space`.
 *
 * ```
 * 0       4             total
 * | total | message ... |        total is big-endian and counts its own four bytes
 * ```
 */
export class FrameReader {
  /** The buffer that {@link at} and {@link length} point into. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Where the message found by `next` starts, after its prefix. */
  at = 0;
  /** Its length without the prefix. */
  length = 0;
  /** The total length of a message that is illegal. */
  announced = 0;
  #start = 0;
  #end = 0;

  /**
   * @param maxFrame the longest total length, in bytes
   * @param firstBytes the buffer's first size; it doubles each time a read fills it
   */
  constructor(public maxFrame: number, readonly firstBytes = 2048) {
    this.bytes = new Uint8Array(firstBytes);
  }

  /** Bytes received that belong to no complete message yet. */
  get pending(): number {
    return this.#end - this.#start;
  }

  /** Room for the next read, at least one byte; invalidates the message found last. */
  space(): Uint8Array<ArrayBuffer> {
    const { bytes } = this;
    const pending = this.#end - this.#start;
    let wanted = bytes.length;
    if (pending >= PREFIX_BYTES) {
      const total = Math.min(readU32(bytes, this.#start), this.maxFrame);
      wanted = Math.max(wanted, Math.min(total, pending * ROOM_FACTOR));
    }
    if (this.#end === bytes.length && wanted < KEPT_BYTES) wanted = Math.max(wanted, bytes.length * 2);
    if (pending === wanted) wanted *= 2;
    if (pending === 0 && bytes.length > KEPT_BYTES) wanted = KEPT_BYTES;
    if (wanted !== bytes.length) this.bytes = new Uint8Array(wanted);
    if (this.#start > 0 || wanted !== bytes.length) {
      if (pending > 0) this.bytes.set(bytes.subarray(this.#start, this.#end));
      this.#start = 0;
      this.#end = pending;
    }
    return this.#end === 0 ? this.bytes : this.bytes.subarray(this.#end);
  }

  /** Says how many bytes the read put into `space`. */
  received(count: number): void {
    this.#end += count;
  }

  /** Copies bytes in; for tests and clients that are handed chunks. */
  push(chunk: Uint8Array): void {
    for (let done = 0; done < chunk.length;) {
      const room = this.space();
      const count = Math.min(room.length, chunk.length - done);
      room.set(chunk.subarray(done, done + count));
      this.received(count);
      done += count;
    }
  }

  /**
   * Moves to the next complete message: `"message"` (at `at`, `length` long), `"more"` where it needs more bytes,
   * `"illegal"` where the length is out of bounds and the connection must close: {@link announced} says which, and `at`
   * and `length` what has come of it.
   */
  next(): "message" | "more" | "illegal" {
    const pending = this.#end - this.#start;
    if (pending < PREFIX_BYTES) return "more";
    const total = readU32(this.bytes, this.#start);
    if (total <= TOO_SHORT_TOTAL || total > this.maxFrame) {
      this.announced = total;
      this.at = this.#start + PREFIX_BYTES;
      this.length = pending - PREFIX_BYTES;
      return "illegal";
    }
    if (pending < total) return "more";
    this.at = this.#start + PREFIX_BYTES;
    this.length = total - PREFIX_BYTES;
    this.#start += total;
    return "message";
  }
}

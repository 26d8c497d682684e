import { copyBytes } from "../protocol/copy_bytes.ts";

/** First size of a buffer for output, in bytes; it doubles as needed. */
const FIRST_BYTES = 1024;
/** The most that an emptied one keeps, in bytes. */
const KEPT_BYTES = 64 * 1024;

/** Up to here a loop is faster than a call into the engine, in bytes. */
const SHORT_BYTES = 64;

/** Bytes that are to be sent. */
export class Output {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  length = 0;

  /** Makes room for so many more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    let size = Math.max(this.bytes.length, FIRST_BYTES);
    while (size < needed) size *= 2;
    const grown = new Uint8Array(size);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  add(bytes: Uint8Array): void {
    const count = bytes.length;
    this.reserve(count);
    const { bytes: all, length } = this;
    if (count > SHORT_BYTES) all.set(bytes, length);
    else for (let i = 0; i < count; i++) all[length + i] = bytes[i]!;
    this.length += count;
  }

  /** Adds a part of an array. */
  addPart(bytes: Uint8Array, at: number, length: number): void {
    this.reserve(length);
    copyBytes(bytes, at, length, this.bytes, this.length);
    this.length += length;
  }

  /** Adds a text of ASCII. */
  addAscii(text: string): void {
    this.reserve(text.length);
    const { bytes, length } = this;
    // Four times as fast as what Buffer has for it.
    for (let i = 0; i < text.length; i++) bytes[length + i] = text.charCodeAt(i);
    this.length += text.length;
  }

  /** Hands all of it over, to be sent. */
  take(): { readonly bytes: Uint8Array<ArrayBuffer>; readonly length: number } {
    const { bytes, length } = this;
    this.bytes = new Uint8Array(0);
    this.length = 0;
    return { bytes, length };
  }

  /** All of it has been sent. */
  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = new Uint8Array(0);
  }
}

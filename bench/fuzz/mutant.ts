import { readU32, writeU32 } from "../../src/protocol/bytes.ts";
import { REQUEST_HEADER_BYTES } from "../../src/protocol/request.ts";

/** Where a request says how long the name is. */
const NAME_LENGTH_AT = 8;

/** A message while it is changed, in the buffer that it will be sent from. Offsets count from the message's start. */
export class Mutant {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  length = 0;
  /** What the message may grow to. */
  room = 0;

  begin(bytes: Uint8Array, at: number, room: number, original: Uint8Array): void {
    this.bytes = bytes;
    this.at = at;
    this.room = room;
    this.length = Math.min(original.length, room);
    this.bytes.set(this.length === original.length ? original : original.subarray(0, this.length), at);
  }

  /** Where the body begins by the name's length; the message's end where that leaves it. */
  get bodyAt(): number {
    if (this.length < REQUEST_HEADER_BYTES) return this.length;
    return Math.min(this.length, REQUEST_HEADER_BYTES + this.u32(NAME_LENGTH_AT));
  }

  u32(offset: number): number {
    return readU32(this.bytes, this.at + offset);
  }

  /** Writes a number where all its four bytes lie in the message. */
  setU32(offset: number, value: number): void {
    if (offset >= 0 && offset + 4 <= this.length) writeU32(this.bytes, this.at + offset, value);
  }

  setByte(offset: number, value: number): void {
    if (offset < this.length) this.bytes[this.at + offset] = value;
  }

  byte(offset: number): number {
    return offset < this.length ? this.bytes[this.at + offset]! : 0;
  }

  /** Opens a gap of at most so many bytes, which hold what they held, and returns how many there was room for. */
  insert(offset: number, count: number): number {
    const fits = Math.min(count, this.room - this.length);
    if (fits <= 0) return 0;
    const start = this.at + offset;
    this.bytes.copyWithin(start + fits, start, this.at + this.length);
    this.length += fits;
    return fits;
  }

  insertBytes(offset: number, piece: Uint8Array): void {
    const fits = this.insert(offset, piece.length);
    this.bytes.set(fits === piece.length ? piece : piece.subarray(0, fits), this.at + offset);
  }

  remove(offset: number, count: number): void {
    const end = Math.min(this.length, offset + count);
    this.bytes.copyWithin(this.at + offset, this.at + end, this.at + this.length);
    this.length -= end - offset;
  }

  cut(length: number): void {
    this.length = Math.min(this.length, length);
  }
}

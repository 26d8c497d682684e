import { Buffer } from "node:buffer";
import { Decimal, type Value } from "./database.ts";

/** Types of the protocol. */
const [DOUBLE, NULL, LONGLONG, VAR_STRING, NEWDECIMAL] = [5, 6, 8, 253, 246];

/** A text has no more characters where its length is one byte, and its bytes are written one by one. */
const SHORT_CHARS = 64;

/** What the driver writes of itself. */
interface Packet {
  offset: number;
  readonly buffer: Buffer;
}

/** A param as the driver writes it: its type, then so many bytes by `writer`. */
interface Param {
  readonly type: number;
  readonly length: number;
  readonly value: unknown;
  writer(this: Packet, value: never): void;
}

const NOTHING: Param = { type: NULL, length: 0, value: "", writer() {} };

/**
 * The values of an `execute`. The driver knows no type for whole numbers, nor for exact decimals, and sends all of them as doubles: it
 * makes each value a param by `map`, which is answered here.
 */
export class Params extends Array<Value> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  static fromValues(values: readonly Value[]): Params {
    const params = new Params();
    for (const value of values) params.push(value);
    return params;
  }

  override map<U>(): U[] {
    const params: Param[] = [];
    for (let at = 0; at < this.length; at++) params.push(paramOf(this[at]!));
    return params as U[];
  }
}

function paramOf(value: Value): Param {
  switch (typeof value) {
    case "number":
      return { type: DOUBLE, length: 8, value, writer: writeDouble };
    case "bigint":
      return { type: LONGLONG, length: 8, value, writer: writeWhole };
    case "string":
      return isShortAscii(value)
        ? { type: VAR_STRING, length: 1 + value.length, value, writer: writeShortAscii }
        : bytesParam(VAR_STRING, Buffer.from(value));
    default:
      if (value === null) return NOTHING;
      if (value instanceof Decimal) return bytesParam(NEWDECIMAL, Buffer.from(value.text));
      return bytesParam(VAR_STRING, Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  }
}

/** Whether it is a text whose bytes are its characters' codes, few enough to be written one by one faster than at once. */
function isShortAscii(text: string): boolean {
  if (text.length > SHORT_CHARS) return false;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

function writeShortAscii(this: Packet, text: string): void {
  const { buffer, offset } = this;
  buffer[offset] = text.length;
  for (let at = 0; at < text.length; at++) buffer[offset + 1 + at] = text.charCodeAt(at);
  this.offset = offset + 1 + text.length;
}

function bytesParam(type: number, value: Buffer): Param {
  return { type, length: lengthOfLength(value.length) + value.length, value, writer: writeBytes };
}

/** Bytes of a length: itself, or a mark and 2, 3 or 8 bytes. */
function lengthOfLength(length: number): number {
  return length < 251 ? 1 : length < 0x10000 ? 3 : length < 0x1000000 ? 4 : 9;
}

function writeDouble(this: Packet, value: number): void {
  this.offset = this.buffer.writeDoubleLE(value, this.offset);
}

function writeWhole(this: Packet, value: bigint): void {
  const { buffer, offset } = this;
  this.offset = offset + 8;
  const number = Number(value);
  if (!Number.isSafeInteger(number)) return void buffer.writeBigInt64LE(value, offset);
  // The same bytes in a fraction of the time.
  const high = Math.floor(number / 2 ** 32);
  for (let at = 0; at < 4; at++) {
    buffer[offset + at] = number >>> (8 * at);
    buffer[offset + 4 + at] = high >> (8 * at);
  }
}

/** Not by the driver's own method: that writes lengths from 16 MiB on wrong. */
function writeBytes(this: Packet, value: Buffer): void {
  const { buffer, offset } = this;
  const size = lengthOfLength(value.length);
  if (size === 1) buffer.writeUInt8(value.length, offset);
  else {
    buffer.writeUInt8(size === 3 ? 0xfc : size === 4 ? 0xfd : 0xfe, offset);
    buffer.writeUIntLE(value.length, offset + 1, size === 9 ? 6 : size - 1);
    if (size === 9) buffer.writeUInt16LE(0, offset + 7);
  }
  this.offset = offset + size + value.copy(buffer, offset + size);
}

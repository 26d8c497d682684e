import { Buffer } from "node:buffer";
import { Decimal, type Value } from "./database.ts";

/** Types of the protocol. */
const [DOUBLE, NULL, LONGLONG, VAR_STRING, NEWDECIMAL] = [5, 6, 8, 253, 246];

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
    for (const value of this) params.push(paramOf(value));
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
      return bytesParam(VAR_STRING, Buffer.from(value));
    default:
      if (value === null) return NOTHING;
      if (value instanceof Decimal) return bytesParam(NEWDECIMAL, Buffer.from(value.text));
      return bytesParam(VAR_STRING, Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  }
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
  this.offset = this.buffer.writeBigInt64LE(value, this.offset);
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

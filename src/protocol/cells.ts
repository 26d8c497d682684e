import { isExactNumber, withoutRaw } from "../exact_number.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";
import { concat, readU32, writeU32 } from "./bytes.ts";
import { ReplyCode } from "./codes.ts";
import { CONTENT_LIMITS, type ContentLimits } from "./content_limits.ts";
import { ProtocolError } from "./errors.ts";
import { utf8Text } from "./utf8_text.ts";

/** The types of a body's cells. */
export const CellType = { Eof: 0, U32: 1, Ulong: 2, String: 3, Array: 4 } as const;

/** Bytes of the shortest cell: type, name length, and a value, value length or element count of four. */
const MIN_CELL_BYTES = 12;

const encoder = new TextEncoder();

/**
 * Walks the cells from `at` on without decoding their values and returns where they end, the EOF cell not included.
 * Throws ProtocolError where a length leaves the message, a type is unknown, or it goes over a limit.
 *
 * ```
 * EOF     | 0 |
 * U32     | 1 | name length | name | value 4 |
 * ULONG   | 2 | name length | name | value 8 |
 * STRING  | 3 | name length | name | value length | value |
 * ARRAY   | 4 | name length | name | count | that many cells |      all lengths and counts: 4 bytes
 * ```
 */
export function checkCells(bytes: Uint8Array, at: number, end: number, limits = CONTENT_LIMITS): number {
  const cellsEnd = walk(bytes, at, end, limits.depth, 0, Infinity);
  // Most messages are too short to hold so many.
  if (cellsEnd - at > limits.keys * MIN_CELL_BYTES) checkCount(bytes, at, cellsEnd, limits);
  return cellsEnd;
}

/** Counts cells that were walked over; those of an ARRAY follow it like any others. */
function checkCount(bytes: Uint8Array, at: number, end: number, { keys }: ContentLimits): void {
  for (let count = 1; at < end; count++) {
    if (count > keys) throw new ProtocolError(`more than ${keys} cells`, ReplyCode.Broken, "keys");
    const type = readU32(bytes, at);
    at = nameEnd(bytes, at, end);
    if (type === CellType.String) at += 4 + readU32(bytes, at);
    else at += type === CellType.Ulong ? 8 : 4;
  }
}

function walk(
  bytes: Uint8Array,
  at: number,
  end: number,
  maxDepth: number,
  depth: number,
  count: number,
): number {
  if (depth > maxDepth) {
    throw new ProtocolError(`cells nest deeper than ${maxDepth} levels`, ReplyCode.Broken, "depth");
  }
  for (let i = 0; i < count; i++) {
    if (depth === 0 && at === end) return at;
    if (end - at < 4) throw new ProtocolError(`the cell at byte ${at} is cut off`);
    const type = readU32(bytes, at);
    if (type === CellType.Eof) {
      if (depth === 0) return at;
      throw new ProtocolError(`an array ends at byte ${at}, before its last element`);
    }
    if (type > CellType.Array) throw new ProtocolError(`the cell at byte ${at} has the unknown type ${type}`);
    const value = nameEnd(bytes, at, end);
    if (type === CellType.U32) at = within(value + 4, end, at);
    else if (type === CellType.Ulong) at = within(value + 8, end, at);
    else {
      within(value + 4, end, at);
      const size = readU32(bytes, value);
      at = type === CellType.String
        ? within(value + 4 + size, end, at)
        : walk(bytes, value + 4, end, maxDepth, depth + 1, size);
    }
  }
  return at;
}

function nameEnd(bytes: Uint8Array, at: number, end: number): number {
  within(at + 8, end, at);
  return within(at + 8 + readU32(bytes, at + 4), end, at);
}

function within(next: number, end: number, cell: number): number {
  if (next > end) throw new ProtocolError(`the cell at byte ${cell} is longer than its message`);
  return next;
}

/**
 * Decodes checked cells into an object: an ARRAY whose elements are named 0, 1, 2 … is an array, any other an
 * object; a ULONG over 2^53 is a bigint. Throws ProtocolError where a name or value is no UTF-8.
 */
export function decodeCells(
  bytes: Uint8Array,
  at: number,
  end: number,
  limits = CONTENT_LIMITS,
): JsonObject {
  const out: [string, JsonValue][] = [];
  decodeInto(bytes, at, checkCells(bytes, at, end, limits), Infinity, out);
  return toObject(out);
}

function decodeInto(
  bytes: Uint8Array,
  at: number,
  end: number,
  count: number,
  out: [string, JsonValue][],
): number {
  for (let i = 0; i < count && at < end; i++) {
    const type = readU32(bytes, at);
    const value = nameEnd(bytes, at, end);
    const name = text(bytes, at + 8, value);
    if (type === CellType.U32) {
      out.push([name, readU32(bytes, value)]);
      at = value + 4;
    } else if (type === CellType.Ulong) {
      const long = (BigInt(readU32(bytes, value)) << 32n) | BigInt(readU32(bytes, value + 4));
      out.push([name, long <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(long) : long]);
      at = value + 8;
    } else if (type === CellType.String) {
      at = value + 4 + readU32(bytes, value);
      out.push([name, text(bytes, value + 4, at)]);
    } else {
      const children: [string, JsonValue][] = [];
      at = decodeInto(bytes, value + 4, end, readU32(bytes, value), children);
      const isList = children.every(([child], index) => child === String(index));
      out.push([name, isList ? children.map(([, child]) => child) : toObject(children)]);
    }
  }
  return at;
}

/** `fromEntries` defines own properties, so that a cell named `__proto__` is a key like any other. */
function toObject(entries: [string, JsonValue][]): JsonObject {
  return Object.fromEntries(entries);
}

function text(bytes: Uint8Array, at: number, end: number): string {
  try {
    return utf8Text(bytes.subarray(at, end));
  } catch {
    throw new ProtocolError(`the text at byte ${at} is not UTF-8`);
  }
}

/**
 * Encodes an object as cells, without the EOF cell. Whole numbers from 0 to 2^32-1 are U32, larger ones up to 2^53 and
 * bigints up to 2^64-1 ULONG, booleans U32 1 and 0, other numbers their decimal text; arrays and objects are ARRAY.
 * Throws ProtocolError (22) on null, which no cell can say, on numbers that are not finite, and below so many ARRAYs.
 */
export function encodeCells(value: JsonObject, maxDepth = CONTENT_LIMITS.depth): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, child] of Object.entries(value)) encodeCell(name, child, parts, maxDepth);
  return concat(parts);
}

/** `depth` is how many ARRAYs may still be opened. */
function encodeCell(name: string, given: JsonValue, parts: Uint8Array[], depth: number): void {
  if (depth < 0) throw new ProtocolError(`"${name}" lies too deep for cells; nest less`, ReplyCode.Pack);
  const value = withoutRaw(given);
  if (typeof value === "boolean") return encodeCell(name, value ? 1 : 0, parts, depth);
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) {
    return encodeWhole(name, Math.floor(value / 2 ** 32), value % 2 ** 32, parts);
  }
  if (typeof value === "bigint" && BigInt.asUintN(64, value) === value) {
    return encodeWhole(name, Number(value >> 32n), Number(value & 0xffffffffn), parts);
  }
  if (typeof value === "bigint") return encodeCell(name, value.toString(), parts, depth);
  if (isExactNumber(value)) return encodeCell(name, value.rawJSON, parts, depth);
  if (typeof value === "number" && Number.isFinite(value)) {
    return encodeCell(name, Object.is(value, -0) ? "-0" : String(value), parts, depth);
  }
  if (typeof value === "string") {
    const bytes = encoder.encode(value);
    const at = pushHeader(CellType.String, name, 4 + bytes.length, parts);
    const cell = parts[parts.length - 1]!;
    writeU32(cell, at, bytes.length);
    return cell.set(bytes, at + 4);
  }
  if (value === null || typeof value !== "object") {
    throw new ProtocolError(`"${name}" is ${value}, which cells cannot carry; leave it out`, ReplyCode.Pack);
  }
  const children = Object.entries(value);
  const at = pushHeader(CellType.Array, name, 4, parts);
  writeU32(parts[parts.length - 1]!, at, children.length);
  for (const [key, child] of children) encodeCell(key, child, parts, depth - 1);
}

/** The high and the low 32 bits of a whole number: ULONG where it needs both. */
function encodeWhole(name: string, high: number, low: number, parts: Uint8Array[]): void {
  const at = pushHeader(high > 0 ? CellType.Ulong : CellType.U32, name, high > 0 ? 8 : 4, parts);
  const cell = parts[parts.length - 1]!;
  if (high > 0) writeU32(cell, at, high);
  writeU32(cell, high > 0 ? at + 4 : at, low);
}

/** Adds a cell with room for its value and returns where the value goes. */
function pushHeader(type: number, name: string, valueBytes: number, parts: Uint8Array[]): number {
  const key = encoder.encode(name);
  const cell = new Uint8Array(8 + key.length + valueBytes);
  writeU32(cell, 0, type);
  writeU32(cell, 4, key.length);
  cell.set(key, 8);
  parts.push(cell);
  return 8 + key.length;
}

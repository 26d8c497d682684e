import type { JsonValue } from "mevent/plugin";
import { Buffer } from "node:buffer";
import { type Answer, type Column, type Row, type Value, ValueError } from "./database.ts";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Bytes of a value for a column of bytes: base64. Throws ValueError. */
export function bytesOf(value: unknown, column: Column): Uint8Array {
  if (typeof value === "string" && BASE64.test(value)) return new Uint8Array(Buffer.from(value, "base64"));
  throw new ValueError(`column ${column.name} holds bytes: give them as base64`);
}

/** Texts, numbers, booleans and null as they are, anything else as JSON text; undefined is no value at all. */
export function scalarOf(value: unknown): null | string | number | boolean {
  if (value === null || value === undefined) return null;
  if (typeof value === "object") return JSON.stringify(value);
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  throw new ValueError(`a ${typeof value} cannot be written`);
}

/** What a driver has read, as JSON's values: whole numbers beyond ±2^53 as text, bytes as base64. */
export function jsonOf(value: unknown): JsonValue {
  switch (typeof value) {
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "string":
    case "boolean":
      return value;
    case "object":
      if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
      return value === null ? null : value as JsonValue;
    default:
      return null;
  }
}

/** The answer of a query that was asked for one row more than so many. */
export function answerOf<R>(
  rows: readonly R[],
  most: number,
  entriesOf: (row: R) => readonly (readonly [name: string, value: unknown])[],
): Answer {
  return {
    rows: rows.slice(0, most).map((row) =>
      Object.fromEntries(entriesOf(row).map(([name, value]) => [name, jsonOf(value)]))
    ),
    more: rows.length > most,
  };
}

/**
 * How n rows are put into statements that hold a power of two of them each, up to `most`: a few prepared statements do for
 * any number of rows.
 */
export function pieceSizes(rows: number, most: number): number[] {
  const sizes: number[] = [];
  for (let left = rows; left > 0;) {
    const size = 2 ** Math.floor(Math.log2(Math.min(left, most)));
    sizes.push(size);
    left -= size;
  }
  return sizes;
}

/** How many rows from there on go together: up to `most` of them and about so many bytes, but one at least. */
export function fitting(rows: readonly Row[], from: number, most: number, maxBytes: number): number {
  let [at, bytes] = [from, 0];
  while (at < rows.length && at - from < most) {
    bytes += weightOf(rows[at] ?? []);
    if (bytes > maxBytes && at > from) break;
    at++;
  }
  return at - from;
}

/** About how many bytes a row has on its way. */
function weightOf(row: readonly Value[]): number {
  let bytes = 0;
  for (const value of row) {
    bytes += typeof value === "string" || value instanceof Uint8Array ? value.length : 8;
  }
  return bytes;
}

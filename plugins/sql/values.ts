import type { ExactNumber, JsonValue } from "mevent/plugin";
import { Buffer } from "node:buffer";
import { stringifyJson } from "../../src/exact_json.ts";
import { doubleOf, isExactNumber, numberText, spelledNumber, wholeOf } from "../../src/exact_number.ts";
import { type Answer, type Column, NumberError, ValueError } from "./database.ts";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** What a caller may send for a column: an object or a list is its JSON text. */
export type Scalar = null | string | boolean | number | bigint | ExactNumber;

/** Bytes of a value for a column of bytes: base64. Throws ValueError. */
export function bytesOf(value: unknown): Uint8Array {
  if (typeof value === "string" && BASE64.test(value)) return new Uint8Array(Buffer.from(value, "base64"));
  throw new ValueError("holds bytes: give them as base64");
}

/** A caller's value; undefined is no value at all. Throws ValueError for a text that no database keeps as it is. */
export function scalarOf(value: unknown): Scalar {
  if (value === null || value === undefined) return null;
  switch (typeof value) {
    case "string":
      // Half of a surrogate pair is no character, and has no bytes in UTF-8.
      if (value.isWellFormed()) return value;
      throw new ValueError("cannot hold a text with half of a character in it (a lone surrogate)");
    case "number":
    case "bigint":
    case "boolean":
      return value;
    case "object":
      return isExactNumber(value) ? value : stringifyJson(value as JsonValue);
    default:
      throw new ValueError(`cannot hold a ${typeof value}`);
  }
}

/** A number that its column holds as it is. Throws NumberError for one that the column would round. */
export function held(scalar: Exclude<Scalar, string>, column: Column | undefined): Exclude<Scalar, string> {
  if (scalar === null || typeof scalar === "boolean") return scalar;
  if (typeof scalar === "number" && (column?.kind !== "whole" || Number.isInteger(scalar))) return scalar;
  if (column?.kind === "double" && doubleOf(scalar) === undefined) {
    throw new NumberError(`cannot hold ${numberText(scalar)}: it is a column of doubles`);
  }
  if (column?.kind === "whole" && wholeOf(scalar) === undefined) {
    throw new NumberError(`cannot hold ${numberText(scalar)}: it is a column of whole numbers`);
  }
  return scalar;
}

/**
 * The same for a text that spells a number, which the database would make of it; other texts, and fractions for a double, are for the
 * database to judge. Throws NumberError.
 */
export function heldText(text: string, column: Column | undefined): string {
  if (column?.kind !== "double" && column?.kind !== "whole") return text;
  const spelled = spelledNumber(text.trim());
  if (spelled === undefined) return text;
  const isFraction = wholeOf(spelled) === undefined && Number.isFinite(Number(numberText(spelled)));
  if (column.kind === "whole" || !isFraction) held(spelled, column);
  return text;
}

/**
 * What a driver has read, as JSON's values: whole numbers beyond ±(2^53-1) as text, which each JSON parser reads as it is; bytes as
 * base64.
 */
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
export function answerOf(
  rows: readonly (readonly unknown[])[],
  most: number,
  names: readonly string[],
): Answer {
  const keys = distinct(names);
  return {
    rows: rows.slice(0, most).map((row) =>
      Object.fromEntries(keys.map((key, index) => [key, jsonOf(row[index])]))
    ),
    more: rows.length > most,
  };
}

/** Names of columns, told apart: the second `id` is `id:1`. */
export function distinct(names: readonly string[]): string[] {
  const taken = new Set(names);
  if (taken.size === names.length) return [...names];
  const used = new Set<string>();
  return names.map((name) => {
    let own = name;
    for (let number = 1; used.has(own) || own !== name && taken.has(own); number++) own = `${name}:${number}`;
    used.add(own);
    return own;
  });
}

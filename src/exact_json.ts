import { isExactNumber, readNumber } from "./exact_number.ts";
import type { ExactNumber, JsonValue } from "./plugin.ts";

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** What TypeScript does not know of JSON yet. */
const { parse, rawJSON } = JSON as unknown as {
  parse(text: string, reviver: Reviver): JsonValue;
  rawJSON(text: string): ExactNumber;
};

/** Where there may be a number that no double holds; also a piece of a text that looks like one. */
const LONG_NUMBER = /(?:^|[\s:,[])-?\d(?:[\d.]{15}|[\d.]*[eE])/;

/**
 * Reads JSON text as `JSON.parse` does, and numbers as `readNumber` does, exact. Throws SyntaxError.
 */
export function parseJson(text: string): JsonValue {
  return LONG_NUMBER.test(text) ? parseExactly(text) : JSON.parse(text);
}

/** The same where there may be a number that no double holds: some five times slower. */
export function parseExactly(text: string): JsonValue {
  return parse(text, (_, value, { source }) => {
    return typeof value === "number" && source !== undefined ? readNumber(source) : value;
  });
}

/**
 * Writes JSON text as `JSON.stringify` does, and bigints as their digits; undefined where it is no value of JSON. Throws
 * TypeError.
 */
export function stringifyJson(value: JsonValue, indent?: number): string;
export function stringifyJson(value: unknown, indent?: number): string | undefined;
export function stringifyJson(value: unknown, indent = 0): string | undefined {
  try {
    return JSON.stringify(value, undefined, indent);
  } catch (error) {
    // A bigint was in it, or what cannot be written at all, which throws once more.
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(value, bigintAsDigits, indent);
  }
}

/** Of `JSON.stringify`, a replacer. */
export function bigintAsDigits(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? rawJSON(value.toString()) : value;
}

/** Of `JSON.stringify`, a replacer: what no double holds as a text of its digits, for those who read it by `JSON.parse`. */
export function exactAsText(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : isExactNumber(value) ? value.rawJSON : value;
}

/** From now on `JSON.stringify` writes bigints as their digits by itself, in place of throwing. */
export function writeBigints(): void {
  Object.defineProperty(BigInt.prototype, "toJSON", {
    value(this: bigint) {
      return rawJSON(this.toString());
    },
    writable: true,
    configurable: true,
  });
}

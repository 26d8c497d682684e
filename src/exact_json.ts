import { isExactNumber, JSON_NUMBER, PLAIN_CHARS, readNumber } from "./exact_number.ts";
import type { JsonValue } from "./plugin.ts";
import { rawJson, stringifyRaw } from "./raw_json.ts";

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** TypeScript does not know of the context yet. */
const parse = JSON.parse as unknown as (text: string, reviver: Reviver) => JsonValue;

const QUOTE = 0x22;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const BACKSLASH = 0x5c;
const E = 0x65;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** What is written nests no deeper: without an indent `JSON.stringify` knows no bound, but those who read it do. */
const MAX_LEVELS = 5000;
/** How JSON writes a NUL, in whatever it stands: raw it may not be there. */
const NUL_ESCAPE = "\\u0000";

/** Where there may be a number that no double holds; also a piece of a text that looks like one. */
const LONG_NUMBER = /(?:^|[\s:,[])-?\d(?:[\d.]{15}|[\d.]*[eE])/;

/**
 * Reads JSON text as `JSON.parse` does, and numbers as `readNumber` does, exact. Throws SyntaxError.
 */
export function parseJson(text: string): JsonValue {
  return LONG_NUMBER.test(text) ? parseExactly(text) : JSON.parse(text);
}

/**
 * The same where there is likely to be one. `JSON.parse` tells the texts of numbers only to a reviver, which makes it five
 * times slower; so they are put away first, each replaced by a text that begins with more NULs than the text has in a row, and put
 * back afterwards.
 */
export function parseExactly(text: string): JsonValue {
  let nuls = 1;
  while (text.includes(NUL_ESCAPE.repeat(nuls))) nuls *= 2;
  const { values, marked } = markNumbers(text, NUL_ESCAPE.repeat(nuls));
  if (values.length === 0) return JSON.parse(text);
  try {
    return restored(JSON.parse(marked), values, "\0".repeat(nuls));
  } catch (error) {
    // Of the text itself, with its own positions.
    JSON.parse(text);
    throw error;
  }
}

/** The text with numbers that are no doubles replaced, and what they are. */
function markNumbers(
  text: string,
  mark: string,
): { readonly values: readonly JsonValue[]; readonly marked: string } {
  const values: JsonValue[] = [];
  let marked = "";
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      at = endOfString(text, at + 1);
      continue;
    }
    if (unit !== MINUS && (unit < ZERO || unit > NINE)) continue;
    const start = at;
    while (isOfNumber(text.charCodeAt(at + 1))) at++;
    const token = text.slice(start, at + 1);
    if (token.length <= PLAIN_CHARS && !/[eE]/.test(token)) continue;
    const value = JSON_NUMBER.test(token) ? readNumber(token) : 0;
    if (typeof value === "number") continue;
    marked += `${text.slice(from, start)}"${mark}${values.length}"`;
    values.push(value);
    from = at + 1;
  }
  return { values, marked: marked + text.slice(from) };
}

/** Whether JSON text nests so deep that many a parser gives it up. */
function isTooDeep(text: string): boolean {
  // Each level has two characters of its own.
  if (text.length <= 2 * MAX_LEVELS) return false;
  let level = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) at = endOfString(text, at + 1);
    else if (unit === OPEN_ARRAY || unit === OPEN_OBJECT) {
      if (++level > MAX_LEVELS) return true;
    } else if (unit === CLOSE_ARRAY || unit === CLOSE_OBJECT) level--;
  }
  return false;
}

/** Puts the numbers back. Throws where one stands for a key, which makes a text of what was none of JSON. */
function restored(value: JsonValue, values: readonly JsonValue[], mark: string): JsonValue {
  if (typeof value === "string") {
    return value.charCodeAt(0) === 0 && value.startsWith(mark)
      ? values[Number(value.slice(mark.length))]!
      : value;
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) value[index] = restored(value[index]!, values, mark);
    return value;
  }
  for (const key of Object.keys(value)) {
    if (key.charCodeAt(0) === 0 && key.startsWith(mark)) throw new SyntaxError("a number stands for a key");
    const child = value[key]!;
    // An own property, whatever its name is: JSON.parse has made it.
    if (typeof child === "string" || typeof child === "object") value[key] = restored(child, values, mark);
  }
  return value;
}

/** Where the quote is that closes the string; the end of the text where none does. */
function endOfString(text: string, at: number): number {
  for (;;) {
    const end = text.indexOf('"', at);
    if (end < 0) return text.length;
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH && end - 1 - slashes >= at) slashes++;
    if (slashes % 2 === 0) return end;
    at = end + 1;
  }
}

function isOfNumber(unit: number): boolean {
  return unit >= ZERO && unit <= NINE || unit === DOT || unit === MINUS || unit === PLUS ||
    (unit | 0x20) === E;
}

/**
 * Writes JSON text as `JSON.stringify` does, and bigints as their digits; undefined where it is no value of JSON. Throws
 * TypeError, and RangeError where it nests deeper than 5000 levels.
 */
export function stringifyJson(value: JsonValue, indent?: number): string;
export function stringifyJson(value: unknown, indent?: number): string | undefined;
export function stringifyJson(value: unknown, indent?: number): string | undefined {
  try {
    // An indent of 0 would take it three times as long as none.
    const text: string | undefined = JSON.stringify(value, undefined, indent);
    if (text !== undefined && isTooDeep(text)) {
      throw new RangeError(`it nests deeper than ${MAX_LEVELS} levels`);
    }
    return text;
  } catch (error) {
    // A bigint was in it, or what cannot be written at all, which throws once more.
    if (!(error instanceof TypeError)) throw error;
    return stringifyRaw(value, indent);
  }
}

/** JSON text with its white space anew, its numbers as they stand. Throws SyntaxError. */
export function relaidJson(text: string, indent: number): string {
  const value = parse(text, (_, value, { source }) => {
    return typeof value === "number" && source !== undefined ? rawJson(source) : value;
  });
  return JSON.stringify(value, undefined, indent);
}

/** Of `JSON.stringify`, a replacer. */
export function bigintAsDigits(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? rawJson(value.toString()) : value;
}

/** Of `JSON.stringify`, a replacer: what no double holds as a text of its digits, for those who read it by `JSON.parse`. */
export function exactAsText(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : isExactNumber(value) ? value.rawJSON : value;
}

/** From now on `JSON.stringify` writes bigints as their digits by itself, in place of throwing. */
export function writeBigints(): void {
  Object.defineProperty(BigInt.prototype, "toJSON", {
    value(this: bigint) {
      return rawJson(this.toString());
    },
    writable: true,
    configurable: true,
  });
}

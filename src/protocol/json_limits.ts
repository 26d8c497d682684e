import { PLAIN_CHARS, spelledNumber } from "../exact_number.ts";
import type { ContentLimits } from "./content_limits.ts";
import { ReplyCode } from "./codes.ts";
import { ProtocolError } from "./errors.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const MINUS = 0x2d;
const DOT = 0x2e;
const PLUS = 0x2b;
const ZERO = 0x30;
const NINE = 0x39;
const E = 0x65;

/** The digits of 2^53-1. */
const SAFE_DIGITS = 16;
/** The longest that a double is written in: longer texts are not looked at. */
const DOUBLE_CHARS = 32;

/**
 * Looks over JSON text before anything is made of it. Throws ProtocolError where its objects and arrays nest too deep or
 * have too many members; an empty one counts as if it had one. What is no JSON at all is the parser's to tell. Returns
 * whether there is a number in it that is to be read exactly.
 */
export function checkJsonLimits(bytes: Uint8Array, { depth, keys }: ContentLimits): boolean {
  let level = 0;
  let count = 0;
  let isExact = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    switch (byte) {
      case QUOTE:
        at = endOfString(bytes, at + 1);
        break;
      case COMMA:
        count++;
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        count++;
        if (++level > depth) {
          throw new ProtocolError(`the JSON nests deeper than ${depth} levels`, ReplyCode.Broken, "depth");
        }
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        level--;
        break;
      default: {
        if (byte < ZERO || byte > NINE) break;
        const end = endOfNumber(bytes, at);
        if (end < 0 || end - at > PLAIN_CHARS) isExact ||= !isDouble(bytes, at, Math.abs(end));
        at = Math.abs(end) - 1;
      }
    }
  }
  if (count > keys) {
    throw new ProtocolError(`the JSON has more than ${keys} keys and elements`, ReplyCode.Broken, "keys");
  }
  return isExact;
}

/** Where the number ends, less than 0 where it has an exponent. */
function endOfNumber(bytes: Uint8Array, at: number): number {
  let sign = 1;
  for (;; at++) {
    const byte = bytes[at]!;
    if (byte >= ZERO && byte <= NINE || byte === DOT || byte === MINUS || byte === PLUS) continue;
    if ((byte | 0x20) !== E) return sign * at;
    sign = -1;
  }
}

/** Whether it is one that a double is written as, and within ±(2^53-1) where it is digits alone. */
function isDouble(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at > DOUBLE_CHARS) return false;
  let digits = 0;
  let isDigits = true;
  let hasExponent = false;
  for (let i = at; i < end; i++) {
    const byte = bytes[i]!;
    if (byte > ZERO && byte <= NINE || byte === ZERO && digits > 0) digits++;
    else if (byte !== ZERO) {
      isDigits = false;
      hasExponent ||= byte !== DOT;
    }
  }
  if (digits <= PLAIN_CHARS && !hasExponent) return true;
  if (isDigits && digits > SAFE_DIGITS) return false;
  const text = String.fromCharCode.apply(null, bytes.subarray(at, end) as unknown as number[]);
  if (!isDigits && String(Number(text)) === text) return true;
  return typeof spelledNumber(text) === "number";
}

/** Where the quote is that closes the string; the end of the text where none does. */
function endOfString(bytes: Uint8Array, at: number): number {
  for (; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  return at;
}

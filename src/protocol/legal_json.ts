import { isUtf8 } from "node:buffer";
import type { ContentLimits } from "./content_limits.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const E = 0x65;
const U = 0x75;

/** Texts that nest deeper are not looked at. */
const MOST_LEVELS = 64;
/** Of every level, the byte that closes it. */
const closing = new Uint8Array(MOST_LEVELS + 1);

/** What a byte is in a text: 1 stands for itself, 2 does so within UTF-8. */
const IN_TEXT = new Uint8Array(256).fill(2, 0x80).fill(1, 0x20, 0x80);
IN_TEXT[QUOTE] = IN_TEXT[BACKSLASH] = 0;
/** 1 for what may stand behind a backslash, beside `u`. */
const ESCAPED = tableOf('"\\/bfnrt');
const HEX = tableOf("0123456789abcdefABCDEF");
const SPACE = tableOf(" \t\n\r");
const WORDS = ["true", "false", "null"].map((word) => new TextEncoder().encode(word));

/** What was met beyond ASCII in the text that is looked at. */
let isBeyondAscii = false;

/**
 * Whether the bytes from `at` to `end` are JSON within the limits, found in one pass without making anything of them. False
 * also for what is legal and nests deeper than {@link MOST_LEVELS} or begins with a byte order mark.
 */
export function isLegalJson(
  bytes: Uint8Array,
  at: number,
  end: number,
  { depth, keys }: ContentLimits,
): boolean {
  const first = at;
  const deepest = Math.min(depth, MOST_LEVELS);
  let level = 0;
  let count = 0;
  isBeyondAscii = false;
  for (;;) {
    at = afterSpace(bytes, at, end);
    if (at >= end) return false;
    const byte = bytes[at]!;
    let isWhole = true;
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      count++;
      if (++level > deepest) return false;
      // Both brackets are closed by the byte after the next.
      const close = byte + 2;
      closing[level] = close;
      at = afterSpace(bytes, at + 1, end);
      if (at < end && bytes[at] === close) {
        level--;
        at++;
      } else {
        if (close === CLOSE_OBJECT) at = afterKey(bytes, at, end);
        isWhole = false;
      }
    } else if (byte === QUOTE) at = afterText(bytes, at, end);
    else if (byte === MINUS || byte >= ZERO && byte <= NINE) at = afterNumber(bytes, at, end);
    else at = afterWord(bytes, at, end);
    if (at < 0) return false;
    if (!isWhole) continue;
    // A value has ended: what holds it may end or go on.
    for (;;) {
      at = afterSpace(bytes, at, end);
      if (level === 0) return at === end && count <= keys && isUtf8Too(bytes, first, end);
      if (at >= end) return false;
      const next = bytes[at++]!;
      if (next === COMMA) {
        count++;
        if (closing[level] === CLOSE_OBJECT) at = afterKey(bytes, afterSpace(bytes, at, end), end);
        if (at < 0) return false;
        break;
      }
      if (next !== closing[level]) return false;
      level--;
    }
  }
}

function isUtf8Too(bytes: Uint8Array, at: number, end: number): boolean {
  return !isBeyondAscii || isUtf8(bytes.subarray(at, end));
}

function afterSpace(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && SPACE[bytes[at]!] === 1) at++;
  return at;
}

// Where the text goes on behind what begins at a place; -1 where it does not stand there.

/** A text and a colon. */
function afterKey(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || bytes[at] !== QUOTE) return -1;
  at = afterText(bytes, at, end);
  if (at < 0) return -1;
  at = afterSpace(bytes, at, end);
  return at < end && bytes[at] === COLON ? at + 1 : -1;
}

/** A text; its quote stands at `at`. */
function afterText(bytes: Uint8Array, at: number, end: number): number {
  let kinds = 0;
  for (at++; at < end; at++) {
    const byte = bytes[at]!;
    const kind = IN_TEXT[byte]!;
    kinds |= kind;
    if (kind !== 0) continue;
    if (byte === QUOTE) {
      if (kinds > 1) isBeyondAscii = true;
      return at + 1;
    }
    if (byte !== BACKSLASH || ++at >= end) return -1;
    if (ESCAPED[bytes[at]!] === 1) continue;
    if (bytes[at] !== U || end - at < 5) return -1;
    for (const last = at + 4; at < last;) if (HEX[bytes[++at]!] !== 1) return -1;
  }
  return -1;
}

/** A number; `-` or a digit stands at `at`. */
function afterNumber(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] === MINUS) at++;
  if (at < end && bytes[at] === ZERO) at++;
  else at = afterDigits(bytes, at, end);
  if (at > 0 && at < end && bytes[at] === DOT) at = afterDigits(bytes, at + 1, end);
  if (at > 0 && at < end && (bytes[at]! | 0x20) === E) {
    at++;
    if (at < end && (bytes[at] === PLUS || bytes[at] === MINUS)) at++;
    at = afterDigits(bytes, at, end);
  }
  return at;
}

/** Digits, at least one. */
function afterDigits(bytes: Uint8Array, at: number, end: number): number {
  const first = at;
  while (at < end && bytes[at]! >= ZERO && bytes[at]! <= NINE) at++;
  return at > first ? at : -1;
}

/** `true`, `false` or `null`. */
function afterWord(bytes: Uint8Array, at: number, end: number): number {
  for (const word of WORDS) {
    if (word[0] !== bytes[at]) continue;
    if (end - at < word.length) return -1;
    for (let each = 1; each < word.length; each++) if (bytes[at + each] !== word[each]) return -1;
    return at + word.length;
  }
  return -1;
}

/** 1 for each of the characters. */
function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

import { isUtf8 } from "node:buffer";
import { IN_NAME } from "./name.ts";
import { isSpaceCode } from "./space.ts";

const NEWLINE = 10;
const SPACE = 32;
const EQUALS = 61;
const ZERO = 48;
const NINE = 57;
const OPEN = 123;
const CLOSE = 125;
/** What stands before and behind the digits of a type. */
const TYPE_BEFORE = new TextEncoder().encode(' [type="');
const TYPE_AFTER = new TextEncoder().encode('"] ');

/** Texts with more names, or names in names on more levels, are not looked at. */
const MOST_NAMES = 64;
const MOST_LEVELS = 16;

/** Of every name so far: its hash, where it lies, and the name it lies below, as a number among these; -1 is the root. */
const hashes = new Int32Array(MOST_NAMES);
const starts = new Int32Array(MOST_NAMES);
const ends = new Int32Array(MOST_NAMES);
const parents = new Int32Array(MOST_NAMES);
/** Of every open brace: the number of its name. */
const open = new Int32Array(MOST_LEVELS);

/**
 * Whether the HDF text from `at` to `end` is what `writeHdf` writes of what `parseHdf` reads in it, found without making
 * either. False also where only those two can tell: lines of `<<`, names beyond ASCII, types that are no digits.
 */
export function isAsWritten(
  bytes: Uint8Array,
  at: number,
  end: number,
  maxDepth: number,
  maxNames: number,
): boolean {
  const first = at;
  const most = Math.min(maxNames, MOST_NAMES);
  const deepest = Math.min(maxDepth, MOST_LEVELS);
  let names = 0;
  let level = 0;
  let parent = -1;
  /** The name whose value was the line before; the brace just before; none of both is -1. */
  let valued = -1;
  let opened = -1;
  let seen = 0;
  while (at < end) {
    if (bytes[at] === CLOSE) {
      // What is in the braces is written, or the name has no braces.
      if (level === 0 || opened === parent || at + 1 >= end || bytes[at + 1] !== NEWLINE) return false;
      at += 2;
      valued = -1;
      opened = -1;
      parent = parents[open[--level]!]!;
      continue;
    }
    const start = at;
    let hash = 0;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte > 127 || IN_NAME[byte] !== 1) break;
      hash = Math.imul(hash, 31) + byte | 0;
    }
    const nameEnd = at;
    if (nameEnd === start || level >= deepest) return false;
    const found = find(bytes, names, parent, hash, start, nameEnd);
    let isTyped = false;
    // Behind the name: `{`, ` = ` or a type.
    if (at + 1 < end && bytes[at] === SPACE && bytes[at + 1] === TYPE_BEFORE[1]) {
      at = afterType(bytes, at, end);
      if (at < 0) return false;
      isTyped = true;
    }
    if (at + 1 >= end) return false;
    if (bytes[at] === OPEN) {
      if (bytes[at + 1] !== NEWLINE) return false;
      let name = found;
      // A value of its own stands just before, and has the type.
      if (found >= 0 ? found !== valued || isTyped : names >= most) return false;
      if (found < 0) name = add(names++, hash, start, nameEnd, parent);
      open[level++] = name;
      opened = parent = name;
      valued = -1;
      at += 2;
      continue;
    }
    if (found >= 0 || names >= most) return false;
    if (bytes[at] !== SPACE || bytes[at + 1] !== EQUALS || at + 2 >= end || bytes[at + 2] !== SPACE) {
      return false;
    }
    at += 3;
    const value = at;
    let byte = 0;
    for (; at < end; at++) {
      byte = bytes[at]!;
      if (byte === NEWLINE || byte === 0) break;
      seen |= byte;
    }
    if (at >= end || byte === 0) return false;
    if (at > value && (isSpaceCode(bytes[value]!) || isSpaceCode(bytes[at - 1]!))) return false;
    at++;
    valued = add(names++, hash, start, nameEnd, parent);
    opened = -1;
  }
  return level === 0 && (seen < 128 || isUtf8(bytes.subarray(first, end)));
}

/** The number of the name that lies below `parent`; -1 where there is none yet. */
function find(
  bytes: Uint8Array,
  names: number,
  parent: number,
  hash: number,
  start: number,
  end: number,
): number {
  for (let name = 0; name < names; name++) {
    if (hashes[name] === hash && parents[name] === parent && isSame(bytes, name, start, end)) return name;
  }
  return -1;
}

function isSame(bytes: Uint8Array, name: number, start: number, end: number): boolean {
  let other = starts[name]!;
  if (ends[name]! - other !== end - start) return false;
  for (let at = start; at < end; at++, other++) if (bytes[at] !== bytes[other]) return false;
  return true;
}

function add(name: number, hash: number, start: number, end: number, parent: number): number {
  hashes[name] = hash;
  starts[name] = start;
  ends[name] = end;
  parents[name] = parent;
  return name;
}

/** Where the text goes on behind ` [type="102"] `; -1 where that is not what stands there. */
function afterType(bytes: Uint8Array, at: number, end: number): number {
  if (!standsAt(TYPE_BEFORE, bytes, at, end)) return -1;
  at += TYPE_BEFORE.length;
  const digits = at;
  while (at < end && bytes[at]! >= ZERO && bytes[at]! <= NINE) at++;
  return at > digits && standsAt(TYPE_AFTER, bytes, at, end) ? at + TYPE_AFTER.length : -1;
}

function standsAt(text: Uint8Array, bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < text.length) return false;
  for (let each = 0; each < text.length; each++) if (bytes[at + each] !== text[each]) return false;
  return true;
}

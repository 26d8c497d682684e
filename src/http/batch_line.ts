import { ReplyCode } from "../protocol/codes.ts";
import type { ContentLimits } from "../protocol/content_limits.ts";
import { isLegalJson } from "../protocol/legal_json.ts";
import { NO_OBJECT } from "./params_in_json.ts";

/** What an id may have, in bytes of JSON. */
export const MAX_ID_BYTES = 64;
const MAX_COMMAND = 65_535;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const ID_LIMITS: ContentLimits = { depth: 1, keys: 1 };

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NAMES = ["id", "plugin", "command", "params", "async", "key"];
const REQUIRED = ["plugin", "command"];
const MEMBERS = NAMES.map((name) => encoder.encode(name));
const TRUE = encoder.encode("true");
const FALSE = encoder.encode("false");
const NULL = encoder.encode("null");
const NOTHING = new Uint8Array(0);

/** What is wrong with a line, as a sentence, and the code that its caller is told. */
export class LineProblem extends Error {
  override readonly name = "LineProblem";

  constructor(message: string, readonly code: number = ReplyCode.Broken) {
    super(message);
  }
}

/** A place in the bytes of a line. */
interface Span {
  at: number;
  /** 0 where it is not there. */
  length: number;
}

/**
 * A line of a batch, `{"id": 7, "plugin": "echo", "command": 1001, "params": {…}}`: where its members lie. What is inside of the
 * params is looked at by whoever gets them. One is reused for all lines.
 */
export class BatchLine {
  /** As it was written, a number or a text. */
  readonly id: Span = { at: 0, length: 0 };
  readonly params: Span = { at: 0, length: 0 };
  /** The plugin's name, or its number. */
  plugin: Uint8Array = NOTHING;
  command = 0;
  isAsync = false;
  /** `"mevent.key":"…"`; null where there is no key. */
  extra: Uint8Array | null = null;
  readonly #value: Span = { at: 0, length: 0 };
  /** A bit for each of NAMES that was read. */
  #seen = 0;
  /** The bytes that `plugin` was made of: the next line mostly names the same. */
  #named: Uint8Array = NOTHING;

  /** Reads the line at `at`..`end`. Throws LineProblem; `id` is known then where it came before what is wrong. */
  read(bytes: Uint8Array, at: number, end: number): void {
    this.id.length = this.params.length = 0;
    this.command = 0;
    this.#seen = 0;
    this.isAsync = false;
    this.extra = null;
    at = afterSpace(bytes, at, end);
    if (bytes[at] !== OPEN_OBJECT || at >= end) throw new LineProblem("the line is no JSON object");
    at = afterSpace(bytes, at + 1, end);
    if (bytes[at] === CLOSE_OBJECT) at++;
    else at = this.#readMembers(bytes, at, end);
    if (afterSpace(bytes, at, end) < end) throw new LineProblem("something stands behind the line's object");
    for (const name of REQUIRED) {
      if ((this.#seen & (1 << NAMES.indexOf(name))) === 0) throw new LineProblem(`the line names no ${name}`);
    }
  }

  #readMembers(bytes: Uint8Array, at: number, end: number): number {
    for (;;) {
      if (at >= end || bytes[at] !== QUOTE) throw notJson();
      const nameAt = at + 1;
      const nameEnd = endOfText(bytes, nameAt, end);
      at = afterSpace(bytes, nameEnd + 1, end);
      if (at >= end || bytes[at] !== COLON) throw notJson();
      at = afterSpace(bytes, at + 1, end);
      const valueEnd = endOfValue(bytes, at, end);
      this.#value.at = at;
      this.#value.length = valueEnd - at;
      this.#take(bytes, memberOf(bytes, nameAt, nameEnd), this.#value);
      at = afterSpace(bytes, valueEnd, end);
      if (at >= end || (bytes[at] !== COMMA && bytes[at] !== CLOSE_OBJECT)) throw notJson();
      if (bytes[at] === CLOSE_OBJECT) return at + 1;
      at = afterSpace(bytes, at + 1, end);
    }
  }

  #take(bytes: Uint8Array, member: number, { at, length }: Span): void {
    const bit = 1 << member;
    if ((this.#seen & bit) !== 0) throw new LineProblem(`the member "${NAMES[member]}" stands twice`);
    this.#seen |= bit;
    switch (NAMES[member]) {
      case "id":
        if (length > MAX_ID_BYTES) throw new LineProblem(`the id has more than ${MAX_ID_BYTES} bytes`);
        if (!isScalar(bytes[at]!) || !isLegalJson(bytes, at, at + length, ID_LIMITS)) {
          throw new LineProblem("the id is to be a number or a text");
        }
        this.id.at = at;
        this.id.length = length;
        return;
      case "plugin":
        if (isSame(this.#named, bytes, at, length)) return;
        this.plugin = nameOf(bytes, at, length);
        this.#named = bytes.slice(at, at + length);
        return;
      case "command":
        this.command = commandOf(bytes, at, length);
        return;
      case "params":
        if (isSame(NULL, bytes, at, length)) return;
        if (bytes[at] !== OPEN_OBJECT) throw new LineProblem(NO_OBJECT, ReplyCode.BadParam);
        this.params.at = at;
        this.params.length = length;
        return;
      case "async":
        if (isSame(TRUE, bytes, at, length)) this.isAsync = true;
        else if (!isSame(FALSE, bytes, at, length)) throw new LineProblem("async is to be true or false");
        return;
      case "key":
        if (isSame(NULL, bytes, at, length)) return;
        this.extra = encoder.encode(`"mevent.key":${JSON.stringify(textOf(bytes, at, length, "the key"))}`);
    }
  }
}

/** The index of the member's name. */
function memberOf(bytes: Uint8Array, at: number, end: number): number {
  for (let member = 0; member < MEMBERS.length; member++) {
    if (isSame(MEMBERS[member]!, bytes, at, end - at)) return member;
  }
  const name = decoder.decode(bytes.slice(at, Math.min(end, at + MAX_ID_BYTES)));
  throw new LineProblem(`unknown member ${JSON.stringify(name)}; there are ${NAMES.join(", ")}`);
}

function nameOf(bytes: Uint8Array, at: number, length: number): Uint8Array {
  if (bytes[at] !== QUOTE) {
    if (commandOf(bytes, at, length, "the plugin is to be its name or its number") > 0) {
      return bytes.slice(at, at + length);
    }
  }
  return encoder.encode(textOf(bytes, at, length, "the plugin"));
}

function textOf(bytes: Uint8Array, at: number, length: number, what: string): string {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes.slice(at, at + length)));
  } catch {
    throw notJson();
  }
  if (typeof value !== "string" || value === "") throw new LineProblem(`${what} is to be a text`);
  return value;
}

function commandOf(
  bytes: Uint8Array,
  at: number,
  length: number,
  problem = `the command is to be a number up to ${MAX_COMMAND}`,
): number {
  let command = length === 0 || (length > 1 && bytes[at] === 0x30) ? NaN : 0;
  for (let i = at; i < at + length; i++) {
    const digit = bytes[i]! - 0x30;
    command = digit >= 0 && digit <= 9 ? command * 10 + digit : NaN;
  }
  if (command <= MAX_COMMAND) return command;
  throw new LineProblem(problem);
}

function isScalar(byte: number): boolean {
  return byte === QUOTE || byte === 0x2d || (byte >= 0x30 && byte <= 0x39);
}

function isSame(wanted: Uint8Array, bytes: Uint8Array, at: number, length: number): boolean {
  if (wanted.length !== length) return false;
  for (let i = 0; i < length; i++) if (wanted[i] !== bytes[at + i]) return false;
  return true;
}

function afterSpace(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0d)) at++;
  return at;
}

/** Where the quote is that closes the text. */
function endOfText(bytes: Uint8Array, at: number, end: number): number {
  for (; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  throw notJson();
}

/** Where the value has ended; of an object or a list its brackets alone are looked at. */
function endOfValue(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) throw notJson();
  const first = bytes[at]!;
  if (first === QUOTE) return endOfText(bytes, at + 1, end) + 1;
  if (first !== OPEN_OBJECT && first !== OPEN_ARRAY) {
    const start = at;
    while (at < end && !isDelimiter(bytes[at]!)) at++;
    if (at === start) throw notJson();
    return at;
  }
  for (let level = 0; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) at = endOfText(bytes, at + 1, end);
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) level++;
    else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && --level === 0) return at + 1;
  }
  throw notJson();
}

function isDelimiter(byte: number): boolean {
  return byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY || byte === COLON || byte <= 0x20;
}

function notJson(): LineProblem {
  return new LineProblem("the line is no JSON, or ends in the middle");
}

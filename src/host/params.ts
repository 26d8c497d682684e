import { stringifyJson } from "../exact_json.ts";
import { doubleOf, isExactNumber, keyText, spelledNumber, wholeOf } from "../exact_number.ts";
import { isAsWritten } from "../hdf/as_written.ts";
import type { FlatText } from "../hdf/flat_text.ts";
import { writeHdf } from "../hdf/write.ts";
import type { ContentLimits } from "../protocol/content_limits.ts";
import type { ExactNumber, JsonObject, JsonValue, Params } from "../plugin.ts";
import {
  checkJson,
  decodeContent,
  decodeHdf,
  type DecodeNotes,
  Encoding,
  readFlatHdf,
} from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { requiredParamsOf } from "../protocol/params_of.ts";
import { isLegalJson } from "../protocol/legal_json.ts";
import { findParam } from "../protocol/find_param.ts";
import { copyBytes } from "../protocol/copy_bytes.ts";

const encoder = new TextEncoder();
const notes: DecodeNotes = { mayHoldExact: false };

/**
 * The params of one operation, decoded on first use from the bytes as they came. They lie in the ring while the command
 * is called; a command that goes on afterwards gets them copied out.
 */
export class OperationParams implements Params {
  /** Undefined before it is looked for, null where the content is none. */
  #flat: FlatText | null | undefined = undefined;
  /** With ExactNumbers. */
  #exact: JsonObject | null = null;
  /** Without. */
  #all: JsonObject | null = null;
  #bytes: Uint8Array | null;
  #at: number;
  #isOwn = false;

  constructor(
    readonly encoding: Encoding,
    bytes: Uint8Array,
    at: number,
    readonly length: number,
    readonly limits: ContentLimits,
  ) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Copies the content out of the ring. */
  keep(): void {
    if (this.#isOwn) return;
    this.#bytes = this.#content.slice();
    this.#at = 0;
    this.#isOwn = true;
  }

  /** Copies the content out of the ring, to where there is room for it. */
  keepIn(bytes: Uint8Array, at: number): void {
    if (this.#isOwn) return;
    copyBytes(this.#bytes!, this.#at, this.length, bytes, at);
    this.#bytes = bytes;
    this.#at = at;
  }

  /** The command has returned: what it did not read is gone. */
  drop(): void {
    this.#bytes = null;
  }

  has(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  string(key: string, otherwise?: string): string {
    const value = this.#find(key) ?? otherwise;
    const text = keyText(value);
    if (text !== undefined) return text;
    throw wrong(key, "a text", value);
  }

  int(key: string, otherwise?: number): number {
    const value = this.#find(key) ?? otherwise;
    const number = numberOf(value);
    const double = number === undefined ? undefined : doubleOf(number);
    if (double !== undefined && Number.isSafeInteger(double)) return double;
    throw wrong(key, "a whole number within ±2^53", value);
  }

  bigint(key: string, otherwise?: bigint): bigint {
    const value = this.#find(key) ?? otherwise;
    const number = numberOf(value);
    const whole = number === undefined ? undefined : wholeOf(number);
    if (whole !== undefined) return whole;
    throw wrong(key, "a whole number of at most 309 digits", value);
  }

  number(key: string, otherwise?: number): number {
    const value = this.#find(key) ?? otherwise;
    const number = numberOf(value);
    const double = number === undefined ? undefined : doubleOf(number);
    if (double !== undefined && Number.isFinite(double)) return double;
    throw wrong(key, number === undefined ? "a number" : HELD, value);
  }

  bool(key: string, otherwise?: boolean): boolean {
    const value = this.#find(key) ?? otherwise;
    if (value === true || value === 1 || value === "1" || value === "true") return true;
    if (value === false || value === 0 || value === "0" || value === "false") return false;
    throw wrong(key, "true or false", value);
  }

  value(key: string, otherwise?: JsonValue): JsonValue {
    const value = this.#find(key) ?? otherwise;
    if (value === undefined) throw wrong(key, "a value", value);
    return this.#all === this.#exact ? value : withoutExact(value, key);
  }

  all(): JsonObject {
    const exact = this.#decoded();
    return this.#all ??= withoutExact(exact, "");
  }

  exact(): JsonObject;
  exact(key: string, otherwise?: JsonValue): JsonValue;
  exact(key?: string, otherwise?: JsonValue): JsonValue {
    if (key === undefined) return this.#decoded();
    const value = this.#find(key) ?? otherwise;
    if (value === undefined) throw wrong(key, "a value", value);
    return value;
  }

  /** Whether the content as it lies at {@link at} in {@link bytes} is the result: it is legal, and as it would be written. */
  get isResult(): boolean {
    const { bytes, length } = this;
    const end = this.at + length;
    if (length === 0) return false;
    if (this.encoding === Encoding.Hdf) {
      return isAsWritten(bytes, this.at, end, this.limits.depth, this.limits.keys);
    }
    return this.encoding === Encoding.Cells || isLegalJson(bytes, this.at, end, this.limits);
  }

  /**
   * The params as the result: the same content where it is well formed, or null where there is nothing in it. Throws
   * ProtocolError where it is not.
   */
  asResult(): Uint8Array | null {
    if (this.length === 0) return null;
    if (this.encoding === Encoding.Hdf) {
      const text = writeHdf(decodeHdf(this.#content, this.limits), this.limits.depth);
      return text === "" ? null : encoder.encode(text);
    }
    const content = this.#content;
    if (this.encoding === Encoding.Json) checkJson(content, this.limits);
    return content;
  }

  /** Where the content lies. */
  get bytes(): Uint8Array {
    if (this.#bytes === null) {
      throw new Error("the operation has ended; read its params before its command returns");
    }
    return this.#bytes;
  }
  get at(): number {
    return this.#at;
  }

  get #content(): Uint8Array {
    const { bytes } = this;
    return this.#isOwn ? bytes : bytes.subarray(this.#at, this.#at + this.length);
  }

  #decoded(): JsonObject {
    if (this.#exact !== null) return this.#exact;
    if (this.#flat) {
      // Only what was read is here now, where the operation has ended.
      return this.#all = this.#exact = this.#flat.object();
    }
    this.#exact = requiredParamsOf(decodeContent(this.encoding, this.#content, this.limits, notes));
    if (!notes.mayHoldExact) this.#all = this.#exact;
    return this.#exact;
  }

  #find(key: string): JsonValue | undefined {
    if (this.encoding === Encoding.Hdf && this.#exact === null) {
      if (this.#flat === undefined) this.#flat = readFlatHdf(this.#content, this.limits) ?? null;
      if (this.#flat !== null) return this.#flat.find(key);
    }
    return findParam(this.#decoded(), key);
  }
}

const SHORT_DIGITS = 15;
const HELD = "a number that a double holds";

function isNumber(value: JsonValue | undefined): value is number | bigint | ExactNumber {
  return typeof value === "number" || typeof value === "bigint" || isExactNumber(value);
}

/** A short whole number that the text spells in digits alone, as most do; undefined for any other text. */
function wholeIn(text: string): number | undefined {
  const { length } = text;
  if (length === 0 || length > SHORT_DIGITS) return undefined;
  let number = 0;
  for (let at = 0; at < length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    number = number * 10 + digit;
  }
  return number;
}

/** The number that it is, or that its text spells. */
function numberOf(value: JsonValue | undefined): number | bigint | ExactNumber | undefined {
  return typeof value === "string"
    ? wholeIn(value) ?? spelledNumber(value)
    : isNumber(value)
    ? value
    : undefined;
}

/**
 * The value, or a copy, with doubles in the place of the ExactNumbers that name one. Throws ProtocolError (23) with the path
 * of one that does not.
 */
function withoutExact<T extends JsonValue>(value: T, path: string): T {
  if (typeof value !== "object" || value === null) return value;
  if (isExactNumber(value)) {
    const double = doubleOf(value);
    if (double !== undefined) return double as T;
    const nearest = Math.abs(Number(value.rawJSON));
    const remedy = nearest > 0 && nearest < Infinity ? "a text, or with at most 15 digits" : "a text";
    throw new ProtocolError(
      `param "${path}" is ${shorten(value.rawJSON)}, which no double holds: send it as ${remedy}`,
      ReplyCode.BadParam,
    );
  }
  let copy: [string, JsonValue][] | undefined;
  const entries = Object.entries(value);
  for (const [at, [key, child]] of entries.entries()) {
    const plain = withoutExact(child, path === "" ? key : `${path}.${key}`);
    if (plain !== child) (copy ??= [...entries])[at] = [key, plain];
  }
  if (copy === undefined) return value;
  return (Array.isArray(value) ? copy.map(([, child]) => child) : Object.fromEntries(copy)) as JsonValue as T;
}

function wrong(key: string, wanted: string, value: JsonValue | undefined): ProtocolError {
  const what = value === undefined
    ? `param "${key}" is missing; it is to be ${wanted}`
    : `param "${key}" is to be ${wanted}, not ${shorten(stringifyJson(value))}`;
  return new ProtocolError(what, ReplyCode.BadParam);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

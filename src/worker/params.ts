import type { HdfNode } from "../hdf/node.ts";
import { writeHdf } from "../hdf/write.ts";
import type { ContentLimits } from "../protocol/content_limits.ts";
import type { JsonObject, JsonValue, Params } from "../plugin.ts";
import { decodeContent, decodeHdf, decodeJson, Encoding, hdfAsJson } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { findParam } from "../protocol/find_param.ts";
import { copyBytes } from "../queue/record.ts";

const encoder = new TextEncoder();

/**
 * The params of one operation, decoded on first use from the bytes as they came. They lie in the ring while the command
 * is called; a command that goes on afterwards gets them copied out.
 */
export class OperationParams implements Params {
  #tree: HdfNode | null = null;
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
    if (typeof value === "string") return value;
    if (typeof value === "number") return String(value);
    throw wrong(key, "a text", value);
  }

  int(key: string, otherwise?: number): number {
    const value = this.#find(key) ?? otherwise;
    const number = spelledNumber(value);
    if (Number.isSafeInteger(number)) return number;
    throw wrong(key, "a whole number within ±2^53", value);
  }

  number(key: string, otherwise?: number): number {
    const value = this.#find(key) ?? otherwise;
    const number = spelledNumber(value);
    if (Number.isFinite(number)) return number;
    throw wrong(key, "a number", value);
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
    return value;
  }

  all(): JsonObject {
    if (this.#all !== null) return this.#all;
    const value = this.encoding === Encoding.Hdf
      ? hdfAsJson(this.#hdf(), this.limits.depth)
      : decodeContent(this.encoding, this.#content, this.limits);
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new ProtocolError("the params are not an object", ReplyCode.BadParam);
    }
    return this.#all = value;
  }

  /** The params as the result: the same content where it is well formed, or null where there is nothing in it. */
  asResult(): Uint8Array | null {
    if (this.length === 0) return null;
    if (this.encoding === Encoding.Hdf) {
      const text = writeHdf(this.#hdf(), this.limits.depth);
      return text === "" ? null : encoder.encode(text);
    }
    const content = this.#content;
    if (this.encoding === Encoding.Json) decodeJson(content, this.limits);
    return content;
  }

  get #content(): Uint8Array {
    const bytes = this.#bytes;
    if (bytes === null) {
      throw new Error("the operation has ended; read its params before its command returns");
    }
    return this.#isOwn ? bytes : bytes.subarray(this.#at, this.#at + this.length);
  }

  #hdf(): HdfNode {
    return this.#tree ??= decodeHdf(this.#content, this.limits);
  }

  #find(key: string): JsonValue | undefined {
    return findParam(this.all(), key);
  }
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

function spelledNumber(value: JsonValue | undefined): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && NUMBER.test(value) ? Number(value) : NaN;
}

function wrong(key: string, wanted: string, value: JsonValue | undefined): ProtocolError {
  const what = value === undefined
    ? `param "${key}" is missing; it is to be ${wanted}`
    : `param "${key}" is to be ${wanted}, not ${shorten(JSON.stringify(value))}`;
  return new ProtocolError(what, ReplyCode.BadParam);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

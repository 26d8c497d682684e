import { bigintAsDigits, parseExactly, stringifyJson } from "../exact_json.ts";
import { isRaw } from "../exact_number.ts";
import { HdfError, HdfValueError } from "../hdf/error.ts";
import { FlatText } from "../hdf/flat_text.ts";
import { hdfToJson, jsonToHdf } from "../hdf/json.ts";
import { parseHdf } from "../hdf/parse.ts";
import { writeHdf } from "../hdf/write.ts";
import type { HdfNode } from "../hdf/node.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";
import { copyBytes } from "./copy_bytes.ts";
import { readU32, writeU32 } from "./bytes.ts";
import { CellType, checkCells, decodeCells, encodeCells } from "./cells.ts";
import { ReplyCode } from "./codes.ts";
import { CONTENT_LIMITS, type ContentLimits, HIGHEST_CONTENT_LIMITS } from "./content_limits.ts";
import { ProtocolError } from "./errors.ts";
import { checkJsonLimits } from "./json_limits.ts";
import { utf8Text } from "./utf8_text.ts";

/** How the params of a request and the result of its reply are written. */
export const Encoding = { Hdf: 1, Json: 2, Cells: 3 } as const;
export type Encoding = typeof Encoding[keyof typeof Encoding];

/** The names of the cells that hold a text, as the number that their bytes are: `root` and `json`. */
const HDF_NAME = 0x726f6f74;
const JSON_NAME = 0x6a736f6e;
const TEXT_NAME_BYTES = 4;
/** Type, name length, name (four bytes in both) and value length. */
const TEXT_CELL_HEADER_BYTES = 16;
const EOF_BYTES = 4;
/** Texts that are no longer are encoded here. */
const SHORT_CHARS = 64;

const BYTE_ORDER_MARK = 0xfeff;
const encoder = new TextEncoder();

/** How the body that begins at `at` is written; cells where not enough of it has come to say so. */
export function encodingAt(bytes: Uint8Array, at: number, end: number): Encoding {
  const isText = end - at >= TEXT_CELL_HEADER_BYTES && readU32(bytes, at) === CellType.String &&
    readU32(bytes, at + 4) === TEXT_NAME_BYTES;
  if (!isText) return Encoding.Cells;
  const name = readU32(bytes, at + 8);
  return name === HDF_NAME ? Encoding.Hdf : name === JSON_NAME ? Encoding.Json : Encoding.Cells;
}

/** Where a body's content lies and how it is written; one is reused for many messages. */
export class BodyView {
  encoding: Encoding = Encoding.Cells;
  /** First byte of the text (HDF without its NUL, JSON), or of the cells. */
  at = 0;
  /** Content bytes. */
  length = 0;

  /** @param limits what cells are held to; text is, when it is decoded */
  constructor(readonly limits: ContentLimits = CONTENT_LIMITS) {}

  /**
   * Finds the content of the body at `at`..`end` and checks every length against the message; the text itself is
   * not read. Throws ProtocolError; `encoding` says then how the body began.
   *
   * ```
   * HDF    | 3 | 4 | root | n | text, NUL |       n counts the NUL; 0 is empty too
   * JSON   | 3 | 4 | json | n | text |
   * cells  | any others |
   * ```
   */
  locate(bytes: Uint8Array, at: number, end: number): void {
    this.encoding = encodingAt(bytes, at, end);
    const isHdf = this.encoding === Encoding.Hdf;
    if (this.encoding === Encoding.Cells) {
      this.at = at;
      this.length = checkCells(bytes, at, end, this.limits) - at;
      return;
    }
    const size = readU32(bytes, at + 12);
    this.at = at + TEXT_CELL_HEADER_BYTES;
    if (size > end - this.at) {
      throw new ProtocolError(`the value says ${size} bytes, the message has ${end - this.at} left for it`);
    }
    if (isHdf && size > 0 && bytes[this.at + size - 1] !== 0) {
      throw new ProtocolError("the HDF text does not end in a NUL byte within its length");
    }
    this.length = isHdf && size > 0 ? size - 1 : size;
  }
}

/** Decodes HDF content. Throws ProtocolError with the line that does not parse. */
export function decodeHdf(content: Uint8Array, limits = CONTENT_LIMITS): HdfNode {
  return treeOf(decodeText(content, "HDF"), limits);
}

function treeOf(text: string, { depth, keys }: ContentLimits): HdfNode {
  try {
    return parseHdf(text, { depth, nodes: keys });
  } catch (error) {
    if (!(error instanceof HdfError)) throw error;
    const { message, limit } = error;
    if (limit === undefined) throw new ProtocolError(message);
    throw new ProtocolError(message, ReplyCode.Broken, limit === "depth" ? "depth" : "keys");
  }
}

/**
 * Decodes content of any encoding to what JSON can say, numbers exact. Throws ProtocolError (17, or 23 for a value no JSON
 * has).
 */
export function decodeContent(
  encoding: Encoding,
  content: Uint8Array,
  limits = CONTENT_LIMITS,
  notes?: DecodeNotes,
): JsonValue {
  if (notes !== undefined) notes.mayHoldExact = false;
  if (encoding === Encoding.Cells) return decodeCells(content, 0, content.length, limits);
  return encoding === Encoding.Hdf
    ? decodeHdfObject(content, limits, notes)
    : decodeJson(content, limits, notes);
}

/** What is seen while content is decoded; one is reused. */
export interface DecodeNotes {
  /** There may be an ExactNumber in it. */
  mayHoldExact: boolean;
}

function decodeHdfObject(
  content: Uint8Array,
  limits: ContentLimits,
  notes: DecodeNotes | undefined,
): JsonObject {
  const text = decodeText(content, "HDF");
  const flat = FlatText.read(text, limits.keys);
  if (flat !== undefined) return flat.object();
  if (notes !== undefined) notes.mayHoldExact = true;
  return hdfAsJson(treeOf(text, limits), limits.depth);
}

/** HDF content of lines alone, whose values are cut out of it when they are asked for; undefined for any other. */
export function readFlatHdf(content: Uint8Array, limits: ContentLimits): FlatText | undefined {
  return FlatText.read(decodeText(content, "HDF"), limits.keys);
}

function decodeJson(content: Uint8Array, limits: ContentLimits, notes: DecodeNotes | undefined): JsonValue {
  if (content.length === 0) return {};
  const isExact = checkJsonLimits(content, limits);
  if (notes !== undefined) notes.mayHoldExact = isExact;
  const text = decodeText(content, "JSON");
  try {
    return isExact ? parseExactly(text) : JSON.parse(text);
  } catch (error) {
    throw notJson(error);
  }
}

/** Checks JSON content; an empty text is an empty object. Throws ProtocolError. */
export function checkJson(content: Uint8Array, limits = CONTENT_LIMITS): void {
  if (content.length === 0) return;
  checkJsonLimits(content, limits);
  const text = decodeText(content, "JSON");
  try {
    JSON.parse(text);
  } catch (error) {
    throw notJson(error);
  }
}

function notJson(error: unknown): ProtocolError {
  return new ProtocolError(`the params are not JSON: ${error instanceof Error ? error.message : error}`);
}

/** Converts a parsed HDF tree. Throws ProtocolError (23). */
export function hdfAsJson(root: HdfNode, depth = CONTENT_LIMITS.depth): JsonObject {
  try {
    return hdfToJson(root, depth);
  } catch (error) {
    if (error instanceof HdfValueError) throw new ProtocolError(error.message, ReplyCode.BadParam);
    throw error;
  }
}

/** Decodes a whole body, as a client gets it; undefined where there is none. Throws ProtocolError. */
export function decodeBody(body: Uint8Array | null): JsonValue | undefined {
  if (body === null) return undefined;
  const view = new BodyView(HIGHEST_CONTENT_LIMITS);
  view.locate(body, 0, body.length);
  const content = body.subarray(view.at, view.at + view.length);
  return decodeContent(view.encoding, content, HIGHEST_CONTENT_LIMITS);
}

/**
 * Encodes a value as content, without the cell around it; null for an empty object in HDF, which is a reply without a
 * body. Throws ProtocolError (22) where the encoding cannot say it.
 */
export function encodeContentOf(
  encoding: Encoding,
  value: JsonValue,
  maxDepth = CONTENT_LIMITS.depth,
): Uint8Array | null {
  if (encoding === Encoding.Json) return encodeJson(value);
  if (value === null || typeof value !== "object" || Array.isArray(value) || isRaw(value)) {
    throw new ProtocolError("only an object can be written as HDF or cells; return one", ReplyCode.Pack);
  }
  if (encoding === Encoding.Cells) return encodeCells(value, maxDepth);
  try {
    const text = writeHdf(jsonToHdf(value, maxDepth), maxDepth);
    return text === "" ? null : encoder.encode(text);
  } catch (error) {
    if (error instanceof HdfValueError) throw new ProtocolError(error.message, ReplyCode.Pack);
    throw error;
  }
}

function encodeJson(value: JsonValue): Uint8Array {
  const text = jsonText(value);
  return asciiOf(text) ?? encoder.encode(text);
}

/** The bytes of a short text of ASCII, as most results are: the encoder takes five times as long. Null for any other. */
function asciiOf(text: string): Uint8Array | null {
  if (text.length > SHORT_CHARS) return null;
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return null;
    bytes[at] = unit;
  }
  return bytes;
}

/**
 * Writes a value as JSON text, bigints as their digits. Throws ProtocolError (22) where there is something in it that JSON
 * has not.
 */
export function jsonText(value: JsonValue): string {
  let text: string | undefined;
  try {
    text = stringifyJson(value);
    // JSON writes NaN and Infinity as null and says nothing: what may have been one is looked at again.
    if (text?.includes("null")) JSON.stringify(value, checkNumber);
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    const isDeep = error instanceof RangeError && /call stack|nests deeper/.test(why);
    throw new ProtocolError(
      isDeep ? "the value nests too deep for JSON: nest less" : `the value is not JSON: ${why}`,
      ReplyCode.Pack,
    );
  }
  if (text === undefined) {
    throw new ProtocolError("the value is not JSON: a function or symbol", ReplyCode.Pack);
  }
  return text;
}

function checkNumber(name: string, value: unknown): unknown {
  if (typeof value !== "number" || Number.isFinite(value)) return bigintAsDigits(name, value);
  const what = name === "" ? "the value" : `"${name}"`;
  throw new ProtocolError(`${what} is ${value}, which JSON cannot carry; leave it out`, ReplyCode.Pack);
}

/** Encodes a value as a whole body. Throws ProtocolError (22) where the encoding cannot say it. */
export function encodeBody(encoding: Encoding, value: JsonValue): Uint8Array {
  return encodeContent(encoding, encodeContentOf(encoding, value) ?? new Uint8Array(0));
}

/** Bytes of the body around so much content. */
export function bodyBytes(encoding: Encoding, contentLength: number): number {
  if (encoding === Encoding.Cells) return contentLength + EOF_BYTES;
  return TEXT_CELL_HEADER_BYTES + contentLength + (encoding === Encoding.Hdf ? 1 : 0) + EOF_BYTES;
}

/** Writes the body around content that lies in `source`, the EOF cell last, and returns where it ends. */
export function writeBody(
  bytes: Uint8Array,
  at: number,
  encoding: Encoding,
  source: Uint8Array,
  sourceAt: number,
  length: number,
): number {
  if (encoding !== Encoding.Cells) {
    const isHdf = encoding === Encoding.Hdf;
    writeU32(bytes, at, CellType.String);
    writeU32(bytes, at + 4, TEXT_NAME_BYTES);
    writeU32(bytes, at + 8, isHdf ? HDF_NAME : JSON_NAME);
    writeU32(bytes, at + 12, length + (isHdf ? 1 : 0));
    at += TEXT_CELL_HEADER_BYTES;
  }
  copyBytes(source, sourceAt, length, bytes, at);
  at += length;
  if (encoding === Encoding.Hdf) bytes[at++] = 0;
  writeU32(bytes, at, CellType.Eof);
  return at + EOF_BYTES;
}

/** The body around content bytes of any encoding. */
export function encodeContent(encoding: Encoding, content: Uint8Array): Uint8Array {
  const body = new Uint8Array(bodyBytes(encoding, content.length));
  writeBody(body, 0, encoding, content, 0, content.length);
  return body;
}

/** Takes a byte order mark at the start off. */
function decodeText(content: Uint8Array, what: string): string {
  try {
    const text = utf8Text(content);
    return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
  } catch {
    throw new ProtocolError(`the ${what} text is not UTF-8`);
  }
}

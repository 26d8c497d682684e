import { BodyView, encodeContent, Encoding } from "./body.ts";
import { readU32, writeU32 } from "./bytes.ts";
import { mapCellTexts } from "./cell_texts.ts";
import { type Charset, isAscii, type Unsayable } from "./charset.ts";
import { ReplyCode } from "./codes.ts";
import { HIGHEST_CONTENT_LIMITS } from "./content_limits.ts";
import { ProtocolError } from "./errors.ts";
import { MIN_REQUEST_BYTES, REQUEST_HEADER_BYTES } from "./request.ts";

const NAME_LENGTH_AT = 8;
/** The byte order mark of UTF-8, which editors put at the start of a text. */
const MARK = [0xef, 0xbb, 0xbf];

/**
 * A request in UTF-8: the plugin's name, and HDF text or the names and texts of cells. JSON is UTF-8 wherever it comes
 * from. Null where it is so already, or is none that could be read. Throws ProtocolError where a text is none of the
 * charset's.
 */
export function requestToUtf8(
  charset: Charset,
  bytes: Uint8Array,
  at: number,
  length: number,
): Uint8Array | null {
  const end = at + length;
  const nameAt = at + REQUEST_HEADER_BYTES;
  if (length < MIN_REQUEST_BYTES || isAscii(bytes, nameAt, end)) return null;
  const nameLength = readU32(bytes, at + NAME_LENGTH_AT);
  if (nameLength > end - nameAt) return null;
  const bodyAt = nameAt + nameLength;
  const view = locate(bytes, bodyAt, end);
  if (view === null) return null;
  const name = charset.toUtf8(bytes.subarray(nameAt, bodyAt));
  const content = unmarked(charset, view.encoding, bytes.subarray(view.at, view.at + view.length));
  const body = encodeContent(
    view.encoding,
    mapContent(view.encoding, content, (text) => charset.toUtf8(text)),
  );
  const message = new Uint8Array(REQUEST_HEADER_BYTES + name.length + body.length);
  message.set(bytes.subarray(at, nameAt));
  writeU32(message, NAME_LENGTH_AT, name.length);
  message.set(name, REQUEST_HEADER_BYTES);
  message.set(body, REQUEST_HEADER_BYTES + name.length);
  return message;
}

/**
 * The content of a reply as the charset writes it: the same bytes where they are ASCII. In errors a character that it has
 * not is spelled `U+1F600`; a success with one throws ProtocolError (22).
 */
export function contentFromUtf8(
  charset: Charset,
  code: number,
  encoding: Encoding,
  content: Uint8Array,
): Uint8Array {
  if (isAscii(content, 0, content.length)) return content;
  const unsayable: Unsayable = code < ReplyCode.Ok ? "spell" : "refuse";
  return mapContent(encoding, content, (text) => charset.fromUtf8(text, unsayable));
}

/**
 * HDF text without a mark that says UTF-8. Throws ProtocolError where there is more in it than ASCII: it would be read as
 * other characters.
 */
function unmarked(charset: Charset, encoding: Encoding, content: Uint8Array): Uint8Array {
  if (encoding !== Encoding.Hdf || !MARK.every((byte, at) => content[at] === byte)) return content;
  const text = content.subarray(MARK.length);
  if (isAscii(text, 0, text.length)) return text;
  throw new ProtocolError(
    `the text begins with the byte order mark of UTF-8, and this listener reads ${charset.name}`,
  );
}

function mapContent(
  encoding: Encoding,
  content: Uint8Array,
  change: (text: Uint8Array) => Uint8Array,
): Uint8Array {
  if (encoding === Encoding.Json) return content;
  return encoding === Encoding.Hdf ? change(content) : mapCellTexts(content, change);
}

function locate(bytes: Uint8Array, at: number, end: number): BodyView | null {
  const view = new BodyView(HIGHEST_CONTENT_LIMITS);
  try {
    view.locate(bytes, at, end);
    return view;
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

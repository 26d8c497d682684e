import { bodyBytes, type Encoding, writeBody } from "./body.ts";
import { readU32, writeU32 } from "./bytes.ts";
import { ProtocolError } from "./errors.ts";
import { PREFIX_BYTES } from "./frame.ts";

/** A reply without a body, in bytes without a prefix. */
export const MINI_REPLY_BYTES = 8;
/** Bytes before a reply's body, without a prefix. */
export const REPLY_HEADER_BYTES = 12;

/** A reply as a client sees it; `body` holds its cells, or is null for a mini reply. */
export interface Reply {
  readonly id: number;
  readonly code: number;
  readonly body: Uint8Array | null;
}

/** How many bytes {@link writeReply} writes for a body of that length (0 for none). */
export function replyBytes(bodyLength: number, prefixed: boolean): number {
  return (prefixed ? PREFIX_BYTES : 0) +
    (bodyLength > 0 ? REPLY_HEADER_BYTES + bodyLength : MINI_REPLY_BYTES);
}

/**
 * Writes a reply at `at` and returns where it ends.
 *
 * ```
 * 0    4      8             12
 * | id | code | body length | cells ... |      a mini reply ends after the code
 * ```
 */
export function writeReply(
  bytes: Uint8Array,
  at: number,
  prefixed: boolean,
  id: number,
  code: number,
  body: Uint8Array | null,
): number {
  at = writeHeader(bytes, at, prefixed, id, code, body === null ? 0 : body.length);
  if (body === null) return at;
  bytes.set(body, at);
  return at + body.length;
}

/** How many bytes {@link writeContentReply} writes; encoding 0 is a bare code. */
export function contentReplyBytes(encoding: Encoding | 0, length: number, prefixed: boolean): number {
  return replyBytes(encoding === 0 ? 0 : bodyBytes(encoding, length), prefixed);
}

/** Writes a reply around content that has no body yet, and returns where it ends. */
export function writeContentReply(
  bytes: Uint8Array,
  at: number,
  prefixed: boolean,
  id: number,
  code: number,
  encoding: Encoding | 0,
  source: Uint8Array,
  sourceAt: number,
  length: number,
): number {
  const body = encoding === 0 ? 0 : bodyBytes(encoding, length);
  at = writeHeader(bytes, at, prefixed, id, code, body);
  return encoding === 0 ? at : writeBody(bytes, at, encoding, source, sourceAt, length);
}

function writeHeader(
  bytes: Uint8Array,
  at: number,
  prefixed: boolean,
  id: number,
  code: number,
  bodyLength: number,
): number {
  if (prefixed) {
    writeU32(bytes, at, replyBytes(bodyLength, true));
    at += PREFIX_BYTES;
  }
  writeU32(bytes, at, id);
  writeU32(bytes, at + 4, code);
  if (bodyLength === 0) return at + MINI_REPLY_BYTES;
  writeU32(bytes, at + 8, bodyLength);
  return at + REPLY_HEADER_BYTES;
}

/** Reads one reply (without its prefix); the body is a view into `message`. Throws ProtocolError. */
export function readReply(message: Uint8Array): Reply {
  if (message.length < MINI_REPLY_BYTES) {
    throw new ProtocolError(
      `the reply has ${message.length} bytes; the shortest one has ${MINI_REPLY_BYTES}`,
    );
  }
  const id = readU32(message, 0);
  const code = readU32(message, 4);
  if (message.length === MINI_REPLY_BYTES) return { id, code, body: null };
  const bodyLength = message.length >= REPLY_HEADER_BYTES ? readU32(message, 8) : -1;
  if (bodyLength !== message.length - REPLY_HEADER_BYTES) {
    throw new ProtocolError("the reply's body length does not match the message");
  }
  return { id, code, body: message.subarray(REPLY_HEADER_BYTES) };
}

import { writeU16, writeU32 } from "./bytes.ts";
import { PREFIX_BYTES } from "./frame.ts";

/** The one protocol version, in the top four bits of a message's first byte. */
export const VERSION = 1;
/** The shortest legal request, in bytes without a prefix. */
export const MIN_REQUEST_BYTES = 17;
/** Bytes before the plugin's name. */
export const REQUEST_HEADER_BYTES = 12;
/** Flag: the caller waits for the result. */
export const FLAG_SYNC = 2;
/** Flag: the caller of an async request is to be told the operation's id. */
export const FLAG_ID = 4;
/** The highest request id: 28 bits. */
export const MAX_REQUEST_ID = 0x0fffffff;

/** A request as a client writes it; `body` holds its cells, the EOF cell included. */
export interface OutgoingRequest {
  readonly id: number;
  readonly command: number;
  readonly sync: boolean;
  /** The answer to an async request is to tell the operation's id. */
  readonly wantsId?: boolean;
  /** The plugin's name, or its business number in decimal. */
  readonly plugin: string;
  readonly body: Uint8Array;
}

/**
 * Writes a request, with the prefix of a stream or without it for a datagram.
 *
 * ```
 * 0                 4         6       8             12       12+n
 * | version:4 id:28 | command | flags | name length | name n | cells ... |
 * ```
 */
export function writeRequest(request: OutgoingRequest, prefixed: boolean): Uint8Array {
  const name = new TextEncoder().encode(request.plugin);
  const start = prefixed ? PREFIX_BYTES : 0;
  const bytes = new Uint8Array(start + REQUEST_HEADER_BYTES + name.length + request.body.length);
  if (prefixed) writeU32(bytes, 0, bytes.length);
  writeU32(bytes, start, (VERSION << 28) | (request.id & MAX_REQUEST_ID));
  writeU16(bytes, start + 4, request.command);
  const id = request.wantsId === true ? FLAG_ID : 0;
  writeU16(bytes, start + 6, request.sync ? FLAG_SYNC : id);
  writeU32(bytes, start + 8, name.length);
  bytes.set(name, start + REQUEST_HEADER_BYTES);
  bytes.set(request.body, start + REQUEST_HEADER_BYTES + name.length);
  return bytes;
}

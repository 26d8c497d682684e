import { bodyBytes, Encoding, writeBody } from "../protocol/body.ts";
import { writeU16, writeU32 } from "../protocol/bytes.ts";
import { copyBytes } from "../protocol/copy_bytes.ts";
import { FLAG_ID, FLAG_SYNC, MAX_REQUEST_ID, REQUEST_HEADER_BYTES, VERSION } from "../protocol/request.ts";
import { afterSpace } from "./params_in_json.ts";

const FIRST_BYTES = 4096;
/** The most that it keeps between messages, in bytes. */
const KEPT_BYTES = 1024 * 1024;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const COMMA = 0x2c;
const NOTHING = new Uint8Array(0);

/** Makes messages for the router, as a socket would bring them, of JSON that stays as it was sent; in one buffer for all. */
export class RequestMessage {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_BYTES);
  length = 0;

  /**
   * Writes a request whose params are the JSON at `at`, an object or nothing.
   *
   * @param extra further members of the params, `"mevent.key":"a"`, or null
   */
  write(
    id: number,
    command: number,
    sync: boolean,
    plugin: Uint8Array,
    content: Uint8Array,
    at: number,
    length: number,
    extra: Uint8Array | null,
  ): void {
    if (extra === null) return this.#write(id, command, sync, plugin, content, at, length);
    const joined = withMembers(content, at, length, extra);
    this.#write(id, command, sync, plugin, joined, 0, joined.length);
  }

  #write(
    id: number,
    command: number,
    sync: boolean,
    plugin: Uint8Array,
    content: Uint8Array,
    at: number,
    length: number,
  ): void {
    const bodyAt = REQUEST_HEADER_BYTES + plugin.length;
    this.length = bodyAt + bodyBytes(Encoding.Json, length);
    this.#fit();
    const { bytes } = this;
    writeU32(bytes, 0, (VERSION << 28) | (id & MAX_REQUEST_ID));
    writeU16(bytes, 4, command);
    writeU16(bytes, 6, sync ? FLAG_SYNC : FLAG_ID);
    writeU32(bytes, 8, plugin.length);
    copyBytes(plugin, 0, plugin.length, bytes, REQUEST_HEADER_BYTES);
    writeBody(bytes, bodyAt, Encoding.Json, content, at, length);
  }

  #fit(): void {
    let size = this.bytes.length;
    if (size > KEPT_BYTES) size = FIRST_BYTES;
    while (size < this.length) size *= 2;
    if (size !== this.bytes.length) this.bytes = new Uint8Array(size);
  }
}

/** The same object with the members before its own: those that stand in it twice count as they stood. */
function withMembers(content: Uint8Array, at: number, length: number, extra: Uint8Array): Uint8Array {
  const end = at + length;
  const open = afterSpace(content, at, end);
  if (open === end) return joined(extra, CLOSE, NOTHING);
  const first = afterSpace(content, open + 1, end);
  const rest = content.subarray(first, end);
  const isEmpty = rest.length > 0 && rest[0] === CLOSE;
  return isEmpty ? joined(extra, CLOSE, rest.subarray(1)) : joined(extra, COMMA, rest);
}

function joined(extra: Uint8Array, next: number, rest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(extra.length + rest.length + 2);
  bytes[0] = OPEN;
  bytes.set(extra, 1);
  bytes[extra.length + 1] = next;
  bytes.set(rest, extra.length + 2);
  return bytes;
}

import type { JsonValue } from "../../src/plugin.ts";
import { decodeBody, encodeBody, Encoding } from "../../src/protocol/body.ts";
import type { Reply } from "../../src/protocol/reply.ts";
import { writeRequest } from "../../src/protocol/request.ts";

/** A request as tests write it: sync, to `echo`, command 1001, JSON, where nothing else is said. */
export interface RequestOptions {
  readonly id?: number;
  readonly plugin?: string;
  readonly command?: number;
  readonly sync?: boolean;
  /** Asks for the operation's id. */
  readonly wantsId?: boolean;
  readonly encoding?: Encoding;
  readonly params?: JsonValue;
  /** Instead of params: the body's bytes as they are. */
  readonly body?: Uint8Array;
}

/** The message with its prefix, for streams. */
export function streamRequest(options: RequestOptions = {}): Uint8Array {
  return build(options, true);
}

/** The message without a prefix, for datagrams. */
export function datagramRequest(options: RequestOptions = {}): Uint8Array {
  return build(options, false);
}

function build(options: RequestOptions, prefixed: boolean): Uint8Array {
  const { id = 1, plugin = "echo", command = 1001, sync = true, wantsId = false } = options;
  const { encoding = Encoding.Json, params = {} } = options;
  const body = options.body ?? encodeBody(encoding, params);
  return writeRequest({ id, plugin, command, sync, wantsId, body }, prefixed);
}

/** The result or error that a reply carries. */
export function valueOf(reply: Reply): JsonValue | undefined {
  return decodeBody(reply.body);
}

/** The sentence of an error reply. */
export function messageOf(reply: Reply): string {
  const value = valueOf(reply);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "";
  const output = value["Output"];
  if (typeof output !== "object" || output === null || Array.isArray(output)) return "";
  return String(output["errmsg"]);
}

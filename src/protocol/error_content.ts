import type { JsonObject } from "../plugin.ts";
import { encodeContent, encodeContentOf, type Encoding } from "./body.ts";
import { ProtocolError } from "./errors.ts";

/**
 * The content of an error reply: `Output.errcode`, `Output.errmsg` and, where one is given, `Output.errtrace`. What the
 * encoding cannot say (a NUL byte in HDF) is left out of the sentence.
 */
export function errorContent(encoding: Encoding, code: number, message: string, trace?: string): Uint8Array {
  const output: JsonObject = { errcode: code, errmsg: message };
  if (trace !== undefined) output.errtrace = trace;
  try {
    return encodeContentOf(encoding, { Output: output })!;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return encodeContentOf(encoding, { Output: { errcode: code, errmsg: plain(message) } })!;
  }
}

/** The same as a whole body. */
export function errorBody(encoding: Encoding, code: number, message: string): Uint8Array {
  return encodeContent(encoding, errorContent(encoding, code, message));
}

function plain(message: string): string {
  return message.toWellFormed().replaceAll("\0", "\ufffd");
}

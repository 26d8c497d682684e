import { decodeContent, encodeContentOf, type Encoding } from "./body.ts";

/**
 * The same content in another encoding, null where that is a reply without a body. Throws ProtocolError where the
 * encoding cannot say it.
 */
export function convertContent(from: Encoding, to: Encoding, content: Uint8Array): Uint8Array | null {
  return from === to ? content : encodeContentOf(to, decodeContent(from, content));
}

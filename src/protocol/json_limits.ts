import type { ContentLimits } from "./content_limits.ts";
import { ReplyCode } from "./codes.ts";
import { ProtocolError } from "./errors.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Looks over JSON text before anything is made of it. Throws ProtocolError where its objects and arrays nest too deep or
 * have too many members; an empty one counts as if it had one. What is no JSON at all is the parser's to tell.
 */
export function checkJsonLimits(bytes: Uint8Array, { depth, keys }: ContentLimits): void {
  let level = 0;
  let count = 0;
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case QUOTE:
        at = endOfString(bytes, at + 1);
        break;
      case COMMA:
        count++;
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        count++;
        if (++level > depth) {
          throw new ProtocolError(`the JSON nests deeper than ${depth} levels`, ReplyCode.Broken, "depth");
        }
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        level--;
        break;
    }
  }
  if (count > keys) {
    throw new ProtocolError(`the JSON has more than ${keys} keys and elements`, ReplyCode.Broken, "keys");
  }
}

/** Where the quote is that closes the string; the end of the text where none does. */
function endOfString(bytes: Uint8Array, at: number): number {
  for (; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  return at;
}

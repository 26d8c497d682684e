import type { Charset } from "../protocol/charset.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { requestToUtf8 } from "../protocol/transcode.ts";
import type { Caller } from "../router/caller.ts";
import type { Router } from "../router/router.ts";

/**
 * Gives the router a message as it came, in UTF-8; what is none of the charset's text is answered 17.
 *
 * @param most how long it may be in UTF-8, in bytes
 * @param now the time, read not long ago; monotonic, in ms
 */
export function passToRouter(
  router: Router,
  caller: Caller,
  charset: Charset | null,
  bytes: Uint8Array,
  at: number,
  length: number,
  most: number,
  now: number,
): "keep" | "close" {
  if (charset === null) return router.handleContained(caller, bytes, at, length, now);
  let message: Uint8Array | null;
  try {
    message = requestToUtf8(charset, bytes, at, length);
    if (message !== null && message.length > most) {
      throw new ProtocolError(
        `the message has ${message.length} bytes in UTF-8, max_frame allows ${most}: send less, or raise it`,
      );
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    router.refuseUnread(caller, bytes, at, length, error.message);
    return "keep";
  }
  return message === null
    ? router.handleContained(caller, bytes, at, length, now)
    : router.handleContained(caller, message, 0, message.length, now);
}

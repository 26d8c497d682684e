import type { HandledConnection, StreamHandler } from "./stream_handler.ts";

/** A caller that leaves so many times the bound unread, and at least so many bytes, is closed at once. */
const HARD_FACTOR = 8;
const HARD_BYTES = 64 * 1024 * 1024;

/** Notes since when a caller has left too many bytes unread; false where there are so many that it was closed. */
export function noteUnread(
  handler: StreamHandler,
  connection: HandledConnection & { slowSince: number },
  unread: number,
): boolean {
  const { maxUnreadReplyBytes } = handler.limits;
  if (unread < maxUnreadReplyBytes) connection.slowSince = 0;
  else if (unread >= Math.max(maxUnreadReplyBytes * HARD_FACTOR, HARD_BYTES)) {
    handler.closeSlow(connection);
    return false;
  } else if (connection.slowSince === 0) connection.slowSince = handler.time;
  return true;
}

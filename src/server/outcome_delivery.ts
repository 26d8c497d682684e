import type { Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { convertContent } from "../protocol/convert.ts";
import { errorContent } from "../protocol/error_content.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { type Addressee, OperationRecord } from "../queue/record.ts";
import type { ReplyRoutes } from "../router/reply_routes.ts";
import type { OutcomeEvents } from "../pool/outcomes.ts";

/**
 * Brings what has become of a plugin's operations to their callers.
 *
 * @param maxReplyBytes of content, as it is now
 */
export function outcomeDelivery(routes: ReplyRoutes, maxReplyBytes: () => number): OutcomeEvents {
  const deliver = (to: Addressee, code: number, content: Uint8Array | null) =>
    routes.deliver(
      to.routeSlot,
      to.routeGeneration,
      to.requestId,
      code,
      content === null ? 0 : to.encoding as Encoding,
      content ?? new Uint8Array(0),
      0,
      content === null ? 0 : content.length,
    );
  const fail = (to: Addressee, code: number, message: string) =>
    deliver(to, code, errorContent(to.encoding as Encoding, code, message));
  return {
    answer: (segment, offset, reply, bytes) =>
      routes.deliver(
        OperationRecord.routeSlot(segment, offset),
        OperationRecord.routeGeneration(segment, offset),
        OperationRecord.requestId(segment, offset),
        reply.code,
        reply.encoding as Encoding | 0,
        bytes,
        reply.at,
        reply.length,
      ),
    fail,
    share: (to, code, encoding, content) => {
      if (encoding === 0) return deliver(to, code, null);
      try {
        const own = convertContent(encoding as Encoding, to.encoding as Encoding, content);
        const most = maxReplyBytes();
        if (own === null || own.length <= most) return deliver(to, code, own);
        fail(to, ReplyCode.Pack, `the result has ${own.length} bytes; a reply carries ${most}`);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        fail(to, ReplyCode.Pack, error.message);
      }
    },
  };
}

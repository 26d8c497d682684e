import { encodeContent, type Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { convertContent } from "../protocol/convert.ts";
import { errorBody } from "../protocol/error_content.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { Dedup, Remembered } from "../queue/dedup.ts";
import type { Caller } from "./caller.ts";

/**
 * What becomes of a request with a key: it is the first, it has been answered as the first, it is to be told that the first is
 * queued, or has been done, or there is no room.
 */
export type KeyVerdict = "first" | "answered" | "promised" | "done" | "full";

/** Answers requests that come a second time with the same key as the first, instead of queueing them. */
export class Duplicates {
  constructor(readonly dedup: Dedup) {}

  /** The key among those of all commands: the same key with another command is another operation. */
  static keyOf(command: number, key: string): string {
    return `${command} ${key}`;
  }

  look(caller: Caller, sync: boolean, id: number, key: string, encoding: Encoding, now: number): KeyVerdict {
    const { dedup } = this;
    const reply = dedup.remembered(key, now);
    if (reply === null && !dedup.isPending(key)) return dedup.admits(key) ? "first" : "full";
    if (!sync) {
      if (reply === null) {
        dedup.promise(key);
        dedup.deduplicated++;
        return "promised";
      }
      dedup.deduplicated++;
      return caller.asyncReply ? "done" : "answered";
    } else if (reply !== null) answerRemembered(caller, id, encoding, reply);
    else {
      if (!dedup.admitsWaiter()) return "full";
      const routeSlot = caller.openRoute();
      const { routeGeneration } = caller;
      dedup.wait(key, { routeSlot, routeGeneration, requestId: id, encoding });
    }
    dedup.deduplicated++;
    return "answered";
  }
}

function answerRemembered(caller: Caller, id: number, encoding: Encoding, reply: Remembered): void {
  if (reply.encoding === 0) return caller.answer(id, reply.code, null, "result");
  let problem: string;
  try {
    const content = convertContent(reply.encoding as Encoding, encoding, reply.content);
    const body = content === null ? null : encodeContent(encoding, content);
    if (body === null || body.length <= caller.maxBodyBytes) {
      return caller.answer(id, reply.code, body, "result");
    }
    problem = `the result has ${body.length} bytes, a reply here carries ${caller.maxBodyBytes}`;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    problem = error.message;
  }
  caller.answer(id, ReplyCode.Pack, errorBody(encoding, ReplyCode.Pack, problem));
}

import { Histogram } from "../observe/histogram.ts";
import { LaneId, type OperationQueue } from "../queue/operation_queue.ts";
import { OperationRecord } from "../queue/record.ts";
import type { Segment } from "../queue/segment.ts";
import type { ReplyView } from "./handoff.ts";

/** What callers are told of their operations. */
export interface OutcomeEvents {
  /** A sync operation is done; the content lies in `bytes` until this returns. */
  answer(segment: Segment, offset: number, reply: ReplyView, bytes: Uint8Array): void;
  /** A sync operation was lost with its worker. */
  fail(segment: Segment, offset: number, message: string): void;
}

/** What becomes of a plugin's operations once they have left the queue: tells their callers, counts, frees their room. */
export class Outcomes {
  /** Operations by outcome. */
  done = 0;
  failed = 0;
  /** Replies with code 18 and 23. */
  unknown = 0;
  badParam = 0;
  /** How long operations ran, and what else passed between their acceptance and their reply; in µs. */
  readonly waitTime = new Histogram();
  readonly runTime = new Histogram();

  constructor(readonly queue: OperationQueue, readonly events: OutcomeEvents) {}

  /** A worker has answered; `time` is monotonic, in ms. */
  replied(
    part: number,
    lane: LaneId,
    segment: Segment,
    offset: number,
    reply: ReplyView,
    bytes: Uint8Array,
    time: number,
  ): void {
    this.runTime.record(reply.runTime);
    this.waitTime.record((time - OperationRecord.acceptedAt(segment, offset)) * 1000 - reply.runTime);
    if (reply.code >= 1000) this.done++;
    else {
      this.failed++;
      if (reply.code === 18) this.unknown++;
      else if (reply.code === 23) this.badParam++;
    }
    if (lane === LaneId.Sync) this.events.answer(segment, offset, reply, bytes);
    this.queue.finish(part, lane, segment, offset);
  }

  /** It ended without a reply: its worker died, or the server stops. */
  lost(part: number, lane: LaneId, segment: Segment, offset: number, message: string): void {
    this.failed++;
    if (lane === LaneId.Sync) this.events.fail(segment, offset, message);
    this.queue.finish(part, lane, segment, offset);
  }

  /** Gives up all that no worker has taken. */
  loseWaiting(message: string): void {
    for (const [part, lanes] of this.queue.parts.entries()) {
      for (const laneId of [LaneId.Sync, LaneId.Async]) {
        const lane = lanes[laneId];
        while (lane.peek()) {
          const { segment, offset } = lane;
          lane.take();
          this.lost(part, laneId, segment!, offset, message);
        }
      }
    }
  }
}

import type { LaneId } from "../queue/operation_queue.ts";
import type { Segment } from "../queue/segment.ts";
import type { ReplyView } from "./handoff.ts";
import type { FromHost } from "./messages.ts";

/** What a worker, a `W`, tells the pool. */
export interface WorkerEvents<W> {
  /** A reply that was found at `time` (monotonic, ms); its content lies in `bytes` until this returns. */
  reply(worker: W, reply: ReplyView, bytes: Uint8Array, segment: Segment, time: number): void;
  /** An operation that was cancelled came back unbegun; it is not in `inFlight` any more. */
  cancelled(worker: W, part: number, lane: LaneId, segment: Segment, offset: number): void;
  /** All replies that were there have been told, or operations went back to their lanes. */
  replied(worker: W): void;
  message(worker: W, message: FromHost): void;
  /** The plugin posted something that is no message of mevent's; it has no effect. */
  odd(worker: W, what: string): void;
  /**
   * The thread is gone or of no use. What it had not begun has gone back to its lanes; what is left in `inFlight` it
   * had begun, or, where a child process died without a word, may have.
   */
  died(worker: W, reason: string): void;
}

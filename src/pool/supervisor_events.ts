import type { LaneId } from "../queue/operation_queue.ts";
import type { Segment } from "../queue/segment.ts";
import type { ReplyView } from "../ring/handoff.ts";
import type { FigureReport, PluginDeclaration, ServiceRequest } from "../ring/messages.ts";
import type { PluginWorker } from "./plugin_worker.ts";

/** What the workers have to tell. */
export interface SupervisorEvents {
  /** A reply that was found at `time`; its content lies in `bytes` until this returns. */
  reply(worker: PluginWorker, reply: ReplyView, bytes: Uint8Array, segment: Segment, time: number): void;
  /** An operation that was cancelled came back to the queue: it is not to run. */
  cancelled(worker: PluginWorker, part: number, lane: LaneId, segment: Segment, offset: number): void;
  /** All replies that were there have been told, or operations came back to the queue. */
  replied(): void;
  /** The first worker declares something else than was known before: that counts from now on. */
  declared(declaration: PluginDeclaration): void;
  /** It may be time for one more worker: it is to be looked who waits. */
  again(): void;
  /** A worker ends, for there is no work for it: it has no place any more. */
  left(worker: PluginWorker): void;
  /** A worker has started and takes operations. */
  ready(): void;
  /**
   * A worker has ended, for that reason. What it had not begun is back in the queue; what is left in its `inFlight` is
   * lost: it had begun, or, where a child process died without a word, may have.
   */
  lost(worker: PluginWorker, reason: string): void;
  /** Figures that a worker reports, counters as what was added. */
  figures(worker: PluginWorker, report: FigureReport): void;
  /** A worker asks something of the server. */
  asked(worker: PluginWorker, request: ServiceRequest): void;
  /** None of the plugin's timers runs in that worker any more. */
  timersEnded(worker: PluginWorker): void;
  /** The plugin's `stop` has failed in a worker, or did not end in time. */
  unstopped(worker: PluginWorker): void;
  /** The last of a worker, however it ended: nothing comes of it any more. */
  gone(worker: PluginWorker): void;
}

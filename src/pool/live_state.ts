import type { Durability } from "../queue/durability.ts";
import type { OperationQueue } from "../queue/operation_queue.ts";
import { OperationRecord } from "../queue/record.ts";
import type { Progress } from "../ring/messages.ts";
import { type LiveRecord, liveRecord } from "./live_record.ts";
import type { PluginWorker } from "./plugin_worker.ts";

/** Where an operation is that has not ended. */
export interface LiveState {
  readonly state: "queued" | "running" | "delayed" | "retrying" | "unsynced";
  /** 0 where it is not in memory. */
  readonly command: number;
  /** Attempts that have ended. */
  readonly attempts: number;
  /** Monotonic, in ms; NaN where it is not in memory. */
  readonly acceptedAt: number;
  /** When it gets in line; monotonic, in ms. Null where it is not parked. */
  readonly due: number | null;
  /** What its command has told of it; null where it has told nothing, or does not run. */
  readonly progress: Progress | null;
}

/**
 * The state of one operation; null where it has ended, or never was. Those in line are looked for in the segments that may
 * hold the id: among a million that takes some 0.1 ms.
 */
export function liveState(
  queue: OperationQueue,
  workers: readonly PluginWorker[],
  id: number,
): LiveState | null {
  const record = liveRecord(queue, workers, id);
  if (record !== null) return stateOf(record);
  return queue.durability === null ? null : awayState(queue.durability, queue, workers, id);
}

/** Of one that is on disk, or on its way there, or of what stands there for a sync one. */
function awayState(
  durability: Durability,
  queue: OperationQueue,
  workers: readonly PluginWorker[],
  id: number,
): LiveState | null {
  const sync = durability.stoodFor(id);
  if (sync !== null) {
    const own = liveState(queue, workers, sync);
    return own === null ? null : { ...own, acceptedAt: durability.standIn(sync)?.acceptedAt ?? NaN };
  }
  const state = durability.awayState(id);
  if (state === null) return null;
  return { state, command: 0, attempts: 0, acceptedAt: NaN, due: null, progress: null };
}

function stateOf({ state, segment, offset, due, progress }: LiveRecord): LiveState {
  return {
    state,
    command: OperationRecord.command(segment, offset),
    attempts: OperationRecord.isCancelled(segment, offset) ? 0 : OperationRecord.attempts(segment, offset),
    acceptedAt: OperationRecord.acceptedAt(segment, offset),
    due,
    progress,
  };
}

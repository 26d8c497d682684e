import type { Durability } from "../queue/durability.ts";
import type { OperationQueue } from "../queue/operation_queue.ts";
import { OperationRecord } from "../queue/record.ts";
import type { Segment } from "../queue/segment.ts";
import type { Progress } from "../ring/messages.ts";
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
  const held = heldState(queue, workers, id);
  if (held !== null) return held;
  const waiting = queue.findWaiting(id);
  if (waiting !== null) return stateOf("queued", waiting.segment, waiting.offset);
  const entry = queue.findParked(id);
  if (entry >= 0) {
    const { segment, offset } = queue.parked.place(entry);
    return stateOf(queue.parked.state(entry), segment, offset, queue.parked.due(entry));
  }
  return queue.durability === null ? null : awayState(queue.durability, queue, workers, id);
}

function heldState(
  queue: OperationQueue,
  workers: readonly PluginWorker[],
  id: number,
): LiveState | null {
  for (const { inFlight, assignments } of workers) {
    if (inFlight.count === 0) continue;
    for (const slot of inFlight.slots()) {
      const segment = inFlight.segment(slot, inFlight.sequence(slot))!;
      const offset = inFlight.offset(slot);
      if (OperationRecord.idLow(segment, offset) !== id >>> 0) continue;
      if (queue.idOf(inFlight.lane(slot), segment, offset) !== id) continue;
      const state = assignments.hasBegun(slot) ? "running" : "queued";
      return stateOf(state, segment, offset, null, inFlight.progress(slot));
    }
  }
  return null;
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

function stateOf(
  state: LiveState["state"],
  segment: Segment,
  offset: number,
  due: number | null = null,
  progress: Progress | null = null,
): LiveState {
  return {
    state,
    command: OperationRecord.command(segment, offset),
    attempts: OperationRecord.isCancelled(segment, offset) ? 0 : OperationRecord.attempts(segment, offset),
    acceptedAt: OperationRecord.acceptedAt(segment, offset),
    due,
    progress,
  };
}

import type { LaneId, OperationQueue } from "../queue/operation_queue.ts";
import { OperationRecord } from "../queue/record.ts";
import type { Segment } from "../queue/segment.ts";
import type { Progress } from "../ring/messages.ts";
import type { PluginWorker } from "./plugin_worker.ts";

/** An operation that has not ended and is in memory: where its record lies until the thread's turn is over. */
export interface LiveRecord {
  readonly state: "queued" | "running" | "delayed" | "retrying" | "unsynced";
  readonly lane: LaneId;
  readonly segment: Segment;
  readonly offset: number;
  /** When it gets in line; monotonic, in ms. Null where it is not parked. */
  readonly due: number | null;
  /** What its command has told of it; null where it has told nothing, or does not run. */
  readonly progress: Progress | null;
  /** Who holds it; null where no worker does. */
  readonly worker: number | null;
}

/** The record of one operation; null where it has ended, or is not in memory, or not in line yet. */
export function liveRecord(
  queue: OperationQueue,
  workers: readonly PluginWorker[],
  id: number,
): LiveRecord | null {
  for (const worker of workers) {
    const { inFlight } = worker;
    if (inFlight.count === 0) continue;
    for (const slot of inFlight.slots()) {
      const segment = inFlight.segment(slot, inFlight.sequence(slot))!;
      const offset = inFlight.offset(slot);
      if (OperationRecord.idLow(segment, offset) !== id >>> 0) continue;
      if (queue.idOf(inFlight.lane(slot), segment, offset) === id) return heldRecord(worker, slot, segment);
    }
  }
  const waiting = queue.findWaiting(id);
  const rest = { due: null, progress: null, worker: null };
  if (waiting !== null) {
    const { lane, segment, offset } = waiting;
    return { state: "queued", lane, segment, offset, ...rest };
  }
  const entry = queue.findParked(id);
  return entry < 0 ? null : parkedRecord(queue, entry);
}

export function parkedRecord({ parked }: OperationQueue, entry: number): LiveRecord {
  return {
    state: parked.state(entry),
    lane: parked.lane(entry),
    ...parked.place(entry),
    due: parked.due(entry),
    progress: null,
    worker: null,
  };
}

/** What workers hold, oldest ids first. */
export function heldRecords(queue: OperationQueue, workers: readonly PluginWorker[]): LiveRecord[] {
  const held: { readonly id: number; readonly record: LiveRecord }[] = [];
  for (const worker of workers) {
    const { inFlight } = worker;
    if (inFlight.count === 0) continue;
    for (const slot of inFlight.slots()) {
      const record = heldRecord(worker, slot, inFlight.segment(slot, inFlight.sequence(slot))!);
      held.push({ id: queue.idOf(record.lane, record.segment, record.offset), record });
    }
  }
  return held.sort((a, b) => a.id - b.id).map(({ record }) => record);
}

function heldRecord(
  { index, inFlight, assignments }: PluginWorker,
  slot: number,
  segment: Segment,
): LiveRecord {
  return {
    state: assignments.hasBegun(slot) ? "running" : "queued",
    lane: inFlight.lane(slot),
    segment,
    offset: inFlight.offset(slot),
    due: null,
    progress: inFlight.progress(slot),
    worker: index,
  };
}

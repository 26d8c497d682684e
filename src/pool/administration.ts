import type { DeadLetter } from "../queue/dead_letters.ts";
import { LaneId, type OperationQueue } from "../queue/operation_queue.ts";
import { blankOperation, OperationRecord, recordBytes } from "../queue/record.ts";
import { heldRecords, type LiveRecord, parkedRecord } from "./live_record.ts";
import { type LiveState, liveState } from "./live_state.ts";
import type { Outcomes } from "./outcomes.ts";
import type { PluginWorker } from "./plugin_worker.ts";
import {
  type DeadSummary,
  deadSummary,
  encodingName,
  type OperationSummary,
  shownParams,
} from "./summaries.ts";

/** The most that one look shows. */
export const MAX_LISTED = 1000;

const LANES = [LaneId.Sync, LaneId.Async] as const;
const PURGED = "the operation was purged from the queue before it ran";
export const CANCELLED = "the operation was cancelled before it ran";

export interface AdministrationParts {
  readonly queue: OperationQueue;
  readonly outcomes: Outcomes;
  readonly workers: () => readonly PluginWorker[];
  /** The id that an operation has everywhere; accepted at a monotonic time, in ms. */
  readonly idOf: (id: number, acceptedAt: number) => string;
  /** Monotonic, in ms. */
  readonly now: () => number;
  /** The time of day. */
  readonly clock: () => Date;
}

/** The part of the queue for an operation with that content. */
type PartOf = (encoding: number, content: Uint8Array) => number;

/** What operators do with the operations of a plugin: look at them, drop them, try them again. */
export class Administration {
  constructor(readonly parts: AdministrationParts) {}

  /** Where the operation with that id is; null where it has ended, or never was. */
  state(id: number): LiveState | null {
    return liveState(this.parts.queue, this.parts.workers(), id);
  }

  /** What has not ended, at most so many: what runs, what is in line in its order, what is parked by its time. */
  peek(limit: number): OperationSummary[] {
    const most = Math.min(limit, MAX_LISTED);
    const found: LiveRecord[] = [];
    for (const each of this.#found()) {
      if (found.length >= most) break;
      found.push(each);
    }
    return found.map((each) => this.#summary(each));
  }

  /** The dead letters, the oldest first, at most so many. */
  peekDead(limit: number): DeadSummary[] {
    const { now, clock, outcomes, idOf } = this.parts;
    const zero = clock().getTime() - now();
    const timeOf = (ms: number) => new Date(zero + ms);
    const summaries: DeadSummary[] = [];
    for (const letter of outcomes.parts.dead.letters()) {
      if (summaries.length >= Math.min(limit, MAX_LISTED)) break;
      summaries.push(deadSummary(letter, timeOf, idOf));
    }
    return summaries;
  }

  /** Drops all that has not begun; returns how many. Their sync callers are told. */
  purge(): number {
    const { queue, outcomes } = this.parts;
    const before = outcomes.cancelled;
    // What child processes have and give back unbegun is not to run either.
    for (const worker of this.parts.workers()) {
      for (const slot of worker.inFlight.slots()) {
        if (worker.assignments.isAway(slot)) worker.inFlight.drop(slot);
      }
    }
    this.recall();
    for (const entry of [...queue.parked.entries()]) outcomes.cancelParked(entry, PURGED);
    for (const [part, lanes] of queue.parts.entries()) {
      for (const laneId of LANES) {
        const lane = lanes[laneId];
        while (lane.peek()) {
          const { segment, offset } = lane;
          lane.take();
          outcomes.cancelTaken(part, laneId, segment!, offset, PURGED);
        }
      }
    }
    const count = outcomes.cancelled - before;
    return count + (queue.durability?.purge(PURGED) ?? 0);
  }

  /** How many {@link purge} would drop now. */
  get purgeable(): number {
    const { queue, workers } = this.parts;
    let begun = 0;
    for (const worker of workers()) {
      for (const slot of worker.inFlight.slots()) if (worker.assignments.hasBegun(slot)) begun++;
    }
    return queue.ops - begun;
  }

  /** How many of so many dead letters {@link retryDead} would put back now, as far as the queue's own bounds tell. */
  retryableDead(limit: number): number {
    const { queue, outcomes } = this.parts;
    let count = 0;
    let bytes = 0;
    for (const { content } of outcomes.parts.dead.letters()) {
      bytes += recordBytes(content.length);
      if (count >= limit || !queue.hasRoom(count + 1, bytes)) break;
      count++;
    }
    return count;
  }

  /** Forgets the dead letters, or the one of that operation alone; returns how many. */
  purgeDead(id?: number): number {
    const { dead } = this.parts.outcomes.parts;
    return id === undefined ? dead.clear() : Number(dead.remove(id));
  }

  /**
   * Puts dead letters back in line, the oldest first, at most so many and as far as the queue has room; returns how
   * many. They are operations accepted anew, with a new id, a new age and all their attempts.
   */
  retryDead(limit: number, partOf: PartOf): number {
    const { dead } = this.parts.outcomes.parts;
    let count = 0;
    for (let letter = dead.oldest; letter !== null && count < limit; letter = dead.oldest) {
      if (!this.#putBack(letter, partOf)) break;
      dead.take(letter.id);
      count++;
    }
    return count;
  }

  /** The same with that of one operation; "full" where the queue has no room for it. */
  retryOne(id: number, partOf: PartOf): "retried" | "full" | "unknown" {
    const { dead } = this.parts.outcomes.parts;
    const letter = dead.find(id);
    if (letter === null) return "unknown";
    if (!this.#putBack(letter, partOf)) return "full";
    dead.take(id);
    return "retried";
  }

  /** False where the queue has no room. */
  #putBack(letter: DeadLetter, partOf: PartOf): boolean {
    const { content, encoding, command } = letter;
    const { queue, outcomes, now } = this.parts;
    const time = now();
    const { durability } = queue;
    if (!queue.admits(content.length)) return false;
    if (durability !== null) {
      if (durability.refusal(content.length) !== null) return false;
      durability.retry(letter, time);
      outcomes.endings.retried(letter.id, time);
      return true;
    }
    const operation = Object.assign(blankOperation(), { command, encoding, acceptedAt: time });
    queue.put(partOf(encoding, content), LaneId.Async, operation, content, 0, content.length);
    outcomes.endings.retried(letter.id, time);
    return true;
  }

  /** Takes an operation out of the queue, or aborts the signal of one that runs. */
  cancel(id: number): "cancelled" | "cancelling" | "unknown" {
    const { queue, outcomes } = this.parts;
    for (const worker of this.parts.workers()) {
      const { inFlight } = worker;
      for (const slot of inFlight.slots()) {
        const lane = inFlight.lane(slot);
        const part = inFlight.part(slot);
        const segment = inFlight.segment(slot, inFlight.sequence(slot))!;
        const offset = inFlight.offset(slot);
        if (queue.idOf(lane, segment, offset) !== id) continue;
        if (worker.assignments.recall(slot)) {
          outcomes.cancelTaken(part, lane, segment, offset, CANCELLED);
          return "cancelled";
        }
        OperationRecord.cancel(segment, offset);
        worker.abort(slot);
        // A child process may not have begun it: then it comes back, and does not run.
        if (worker.assignments.isAway(slot)) worker.assignments.takeBack();
        return "cancelling";
      }
    }
    const waiting = queue.findWaiting(id);
    if (waiting !== null) {
      const { part, lane, segment, offset } = waiting;
      outcomes.cancelWaiting(part, lane, segment, offset, CANCELLED);
      return "cancelled";
    }
    const entry = queue.findParked(id);
    if (entry < 0) return queue.durability?.cancel(id, CANCELLED) === true ? "cancelled" : "unknown";
    outcomes.cancelParked(entry, CANCELLED);
    return "cancelled";
  }

  /** Takes back what workers have been given and not begun. */
  recall(): void {
    for (const worker of this.parts.workers()) {
      if (worker.inFlight.count > 0) worker.assignments.takeBack();
    }
  }

  /** What has not ended, in the order in which it is looked at. */
  *#found(): Generator<LiveRecord> {
    const { queue } = this.parts;
    const held = heldRecords(queue, this.parts.workers());
    const rest = { due: null, progress: null, worker: null };
    yield* held.filter(({ state }) => state === "running");
    yield* held.filter(({ state }) => state === "queued");
    for (const lanes of queue.parts) {
      for (const lane of LANES) {
        for (const place of lanes[lane].records()) yield { state: "queued", lane, ...place, ...rest };
      }
    }
    for (const entry of queue.parked.inOrder()) yield parkedRecord(queue, entry);
    if (queue.durability === null) return;
    for (const place of queue.durability.unsyncedRecords()) {
      yield { state: "unsynced", lane: LaneId.Async, ...place, ...rest };
    }
  }

  #summary({ state, lane, segment, offset, due, progress }: LiveRecord): OperationSummary {
    const { now: time, idOf, queue } = this.parts;
    const now = time();
    const id = queue.idOf(lane, segment, offset);
    const at = OperationRecord.contentAt(offset);
    const encoding = OperationRecord.encoding(segment, offset);
    const content = segment.bytes.slice(at, at + OperationRecord.contentLength(segment, offset));
    return {
      id,
      operation: idOf(id, OperationRecord.acceptedAt(segment, offset)),
      state,
      command: OperationRecord.command(segment, offset),
      sync: lane === LaneId.Sync,
      attempts: OperationRecord.isCancelled(segment, offset) ? 0 : OperationRecord.attempts(segment, offset),
      age_ms: Math.round(now - OperationRecord.acceptedAt(segment, offset)),
      due_in_ms: due === null ? null : Math.max(0, Math.round(due - now)),
      progress: progress === null ? null : { ...progress },
      bytes: content.length,
      encoding: encodingName(encoding),
      params: shownParams(encoding, content),
    };
  }
}

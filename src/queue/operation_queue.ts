import type { Durability } from "./durability.ts";
import { Lane, type Place } from "./lane.ts";
import { Parked } from "./parked.ts";
import { type Operation, OperationRecord, recordBytes } from "./record.ts";
import type { Segment, SegmentPool } from "./segment.ts";
import { type FillLevel, Watermarks } from "./watermarks.ts";

/** The two parts of a plugin's queue. */
export const LaneId = { Sync: 0, Async: 1 } as const;
export type LaneId = typeof LaneId[keyof typeof LaneId];

/** What all queues together hold, and may hold, in bytes. */
export class QueueBudget {
  bytes = 0;
  readonly watermarks: Watermarks;

  constructor(public maxBytes: number, onCross: CrossListener = () => {}) {
    this.watermarks = new Watermarks(Infinity, maxBytes, onCross);
  }

  /** Changes the bound; what is over it stays, and nothing is taken until there is room again. */
  bound(maxBytes: number): void {
    this.maxBytes = maxBytes;
    this.watermarks.bound(Infinity, maxBytes, 0, this.bytes);
  }
}

type CrossListener = (level: FillLevel, before: FillLevel) => void;

/** Names the part of a queue for an operation with that content. */
type PartOf = (encoding: number, bytes: Uint8Array, at: number, length: number) => number;

export interface QueueLimits {
  /** Accepted operations that are not done yet: waiting, running and parked. */
  readonly maxOps: number;
  /** Bytes of their records. */
  readonly maxBytes: number;
}

/**
 * A plugin's queue: what it has accepted and not finished, at most so many operations and bytes, exactly. An operation
 * counts from {@link put} until {@link finish}, so what runs is part of the bound, and what is parked until its time comes.
 * It has one part that all workers take from, or, where operations with the same key go to the same worker, a part for
 * each worker.
 */
export class OperationQueue {
  /** Waiting, running and parked operations. */
  ops = 0;
  /** Bytes of their records. */
  bytes = 0;
  /** For each part of the queue its sync and its async lane. */
  parts: readonly (readonly [Lane, Lane])[];
  /** Operations that are to run at a later time. */
  readonly parked: Parked;
  /** The id of the operation that was put last. */
  lastId = 0;
  /** What keeps async operations beyond the life of the server; null where they are in memory alone. */
  durability: Durability | null = null;
  readonly watermarks: Watermarks;

  constructor(
    public limits: QueueLimits,
    readonly budget: QueueBudget,
    readonly pool: SegmentPool,
    onCross: CrossListener = () => {},
    parts = 1,
  ) {
    this.parts = emptyParts(parts, pool);
    this.parked = new Parked(pool);
    this.watermarks = new Watermarks(limits.maxOps, limits.maxBytes, onCross);
  }

  /** Changes the bounds; what is over them stays, and nothing is taken until there is room again. */
  bound(limits: QueueLimits): void {
    this.limits = limits;
    this.watermarks.bound(limits.maxOps, limits.maxBytes, this.ops, this.bytes);
  }

  /**
   * Divides the queue anew, into so many parts, while no worker holds an operation. What waits goes, the oldest first,
   * to the part that `partOf` names for its content; so does what is parked, when it is due.
   */
  divide(parts: number, partOf: PartOf): void {
    const before = this.parts;
    this.parts = emptyParts(parts, this.pool);
    const newPartOf = ({ segment, offset }: Place) =>
      partOf(
        OperationRecord.encoding(segment, offset),
        segment.bytes,
        OperationRecord.contentAt(offset),
        OperationRecord.contentLength(segment, offset),
      );
    for (const laneId of [LaneId.Sync, LaneId.Async]) {
      const lanes = before.map((lanes) => lanes[laneId]);
      for (let oldest = oldestOf(lanes); oldest !== null; oldest = oldestOf(lanes)) {
        const part = newPartOf({ segment: oldest.segment!, offset: oldest.offset });
        this.parts[part]![laneId].adopt(oldest);
      }
    }
    for (const entry of this.parked.entries()) {
      this.parked.setPart(entry, newPartOf(this.parked.place(entry)));
    }
  }

  /** Whether an operation with so much content is accepted now; the refusal of one is noted in the watermarks. */
  admits(contentLength: number): boolean {
    const size = recordBytes(contentLength);
    const { limits, budget } = this;
    if (budget.bytes + size > budget.maxBytes) {
      budget.watermarks.refuse();
      return false;
    }
    if (this.ops < limits.maxOps && this.bytes + size <= limits.maxBytes) return true;
    this.watermarks.refuse();
    return false;
  }

  /** Whether so many operations, whose records have so many bytes, would be accepted now; nothing is noted. */
  hasRoom(ops: number, bytes: number): boolean {
    const { limits, budget } = this;
    return budget.bytes + bytes <= budget.maxBytes && this.ops + ops <= limits.maxOps &&
      this.bytes + bytes <= limits.maxBytes;
  }

  /** Accepts an operation for which {@link admits} has said yes; the content is copied. */
  put(
    part: number,
    lane: LaneId,
    operation: Operation,
    source: Uint8Array,
    at: number,
    length: number,
  ): void {
    operation.id = ++this.lastId;
    this.parts[part]![lane].append(operation, source, at, length);
    this.count(recordBytes(length));
  }

  /** The same for one that is to wait until a time (monotonic, ms) before it gets in line. */
  putDelayed(
    part: number,
    lane: LaneId,
    operation: Operation,
    source: Uint8Array,
    at: number,
    length: number,
    due: number,
  ): void {
    operation.id = ++this.lastId;
    this.parked.put("delayed", part, lane, operation, source, at, length, due);
    this.count(recordBytes(length));
  }

  /** Counts an operation of so many bytes that is not in a lane yet. */
  count(size: number): void {
    this.ops++;
    this.bytes += size;
    this.budget.bytes += size;
    this.watermarks.rise(this.ops, this.bytes);
    this.budget.watermarks.rise(0, this.budget.bytes);
  }

  /** Operations that are counted were found on disk, or bytes of them: they take no memory. */
  countAway(ops: number, bytes: number): void {
    this.ops += ops;
    this.bytes += bytes;
    this.watermarks.rise(this.ops, this.bytes);
  }

  /** The same of those that are there no more. */
  uncountAway(ops: number, bytes: number): void {
    this.ops -= ops;
    this.bytes -= bytes;
    this.watermarks.fall(this.ops, this.bytes);
  }

  /** Takes an operation that was taken out of its lane until it is due. */
  park(
    part: number,
    lane: LaneId,
    segment: Segment,
    offset: number,
    due: number,
    why: "retrying" | "postponed",
  ): void {
    if (this.durability !== null && lane === LaneId.Async) {
      const id = OperationRecord.asyncId(segment, offset);
      const attempts = OperationRecord.attempts(segment, offset);
      this.durability.parked(id, attempts, due, why, OperationRecord.bytes(segment, offset));
    }
    this.parked.copy("retrying", part, lane, segment, offset, due);
    this.parts[part]![lane].done(segment);
  }

  /** Puts the parked operation that is due first at the end of its lane; false where none is due. */
  unpark(now: number): boolean {
    const { parked } = this;
    if (parked.count === 0 || parked.earliest > now) return false;
    const entry = parked.first;
    const { segment, offset } = parked.place(entry);
    const lane = parked.lane(entry);
    this.parts[parked.part(entry)]![lane].appendCopy(segment, offset);
    if (this.durability !== null && lane === LaneId.Async) {
      this.durability.unparked(OperationRecord.bytes(segment, offset));
    }
    parked.remove(entry);
    return true;
  }

  /** The id of a record in one of the lanes, or parked for one. */
  idOf(lane: LaneId, segment: Segment, offset: number): number {
    if (lane === LaneId.Async) return OperationRecord.asyncId(segment, offset);
    // Only the low half is kept: it is the newest id that ends so, for no caller waits for four thousand million others.
    return this.lastId - ((this.lastId - OperationRecord.idLow(segment, offset)) >>> 0);
  }

  /** The operation with that id where it is in line; null where it is not. */
  findWaiting(id: number): (Place & { readonly part: number; readonly lane: LaneId }) | null {
    for (const [part, lanes] of this.parts.entries()) {
      for (const lane of [LaneId.Sync, LaneId.Async]) {
        const place = lanes[lane].find(id >>> 0, (...found) => this.idOf(lane, ...found) === id);
        if (place !== null) return { ...place, part, lane };
      }
    }
    return null;
  }

  /** The entry of the operation with that id where it is parked; -1 where it is not. */
  findParked(id: number): number {
    const { parked } = this;
    return parked.find(id >>> 0, (entry) => {
      const { segment, offset } = parked.place(entry);
      return this.idOf(parked.lane(entry), segment, offset) === id;
    });
  }

  /** Operations that are in line and that no worker has taken yet. */
  get waiting(): number {
    let waiting = 0;
    for (const [sync, async] of this.parts) waiting += sync.waiting + async.waiting;
    return waiting;
  }

  /**
   * When the oldest of the operations was accepted that are the next of their lines, a delay that was asked for not counted;
   * Infinity where none waits. Monotonic, in ms.
   */
  get oldestSince(): number {
    return this.oldestSinceFrom(0);
  }

  /** The same of that part and those behind it. */
  oldestSinceFrom(part: number): number {
    let since = Infinity;
    for (; part < this.parts.length; part++) {
      for (const laneId of [LaneId.Sync, LaneId.Async]) {
        const lane = this.parts[part]![laneId];
        if (!lane.peek()) continue;
        const delay = laneId === LaneId.Async ? OperationRecord.delay(lane.segment!, lane.offset) : 0;
        since = Math.min(since, OperationRecord.acceptedAt(lane.segment!, lane.offset) + delay);
      }
    }
    return since;
  }

  /** Gives up an operation that was taken; its record may be overwritten from now on. */
  finish(part: number, lane: LaneId, segment: Segment, offset: number): void {
    const size = OperationRecord.bytes(segment, offset);
    if (this.durability !== null) this.#ended(this.durability, lane, segment, offset, size);
    this.parts[part]![lane].done(segment);
    this.uncount(size);
  }

  /** The same where it has not ended, and is kept on disk. */
  letGo(part: number, lane: LaneId, segment: Segment, offset: number): void {
    const size = OperationRecord.bytes(segment, offset);
    if (lane === LaneId.Async) this.durability?.leftMemory(size);
    this.parts[part]![lane].done(segment);
    this.uncount(size);
  }

  #ended(durability: Durability, lane: LaneId, segment: Segment, offset: number, held: number): void {
    const id = this.idOf(lane, segment, offset);
    if (lane === LaneId.Async) durability.finished(id, held);
    else durability.finishedSync(id);
  }

  /** Gives up an operation that waits in its lane. */
  finishWaiting(part: number, lane: LaneId, segment: Segment, offset: number): void {
    const size = OperationRecord.bytes(segment, offset);
    if (this.durability !== null) this.#ended(this.durability, lane, segment, offset, size);
    this.parts[part]![lane].remove(segment, offset);
    this.uncount(size);
  }

  /** Gives up a parked operation. */
  finishParked(entry: number): void {
    const { segment, offset } = this.parked.place(entry);
    const size = OperationRecord.bytes(segment, offset);
    if (this.durability !== null) {
      this.#ended(this.durability, this.parked.lane(entry), segment, offset, 0);
    }
    this.parked.remove(entry);
    this.uncount(size);
  }

  /** Counts an operation of so many bytes no more. */
  uncount(size: number): void {
    this.ops--;
    this.bytes -= size;
    this.budget.bytes -= size;
    this.watermarks.fall(this.ops, this.bytes);
    this.budget.watermarks.fall(0, this.budget.bytes);
  }
}

function emptyParts(count: number, pool: SegmentPool): [Lane, Lane][] {
  return Array.from({ length: count }, () => [new Lane(pool), new Lane(pool)]);
}

/** The lane whose first waiting operation was accepted first, with that operation found; null where none waits. */
function oldestOf(lanes: readonly Lane[]): Lane | null {
  let oldest: Lane | null = null;
  let since = Infinity;
  for (const lane of lanes) {
    if (!lane.peek()) continue;
    const acceptedAt = OperationRecord.acceptedAt(lane.segment!, lane.offset);
    if (oldest !== null && acceptedAt >= since) continue;
    oldest = lane;
    since = acceptedAt;
  }
  return oldest;
}

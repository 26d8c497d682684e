import { Lane } from "./lane.ts";
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

  constructor(readonly maxBytes: number, onCross: CrossListener = () => {}) {
    this.watermarks = new Watermarks(Infinity, maxBytes, onCross);
  }
}

type CrossListener = (level: FillLevel, before: FillLevel) => void;

export interface QueueLimits {
  /** Accepted operations that are not done yet, waiting and running. */
  readonly maxOps: number;
  /** Bytes of their records. */
  readonly maxBytes: number;
}

/**
 * A plugin's queue: what it has accepted and not finished, at most so many operations and bytes, exactly. An operation
 * counts from {@link put} until {@link finish}, so what runs is part of the bound. It has one part that all workers take
 * from, or, where operations with the same key go to the same worker, a part for each worker.
 */
export class OperationQueue {
  /** Waiting and running operations. */
  ops = 0;
  /** Bytes of their records. */
  bytes = 0;
  /** For each part of the queue its sync and its async lane. */
  readonly parts: readonly (readonly [Lane, Lane])[];
  readonly watermarks: Watermarks;

  constructor(
    readonly limits: QueueLimits,
    readonly budget: QueueBudget,
    pool: SegmentPool,
    onCross: CrossListener = () => {},
    parts = 1,
  ) {
    this.parts = Array.from({ length: parts }, () => [new Lane(pool), new Lane(pool)]);
    this.watermarks = new Watermarks(limits.maxOps, limits.maxBytes, onCross);
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

  /** Accepts an operation for which {@link admits} has said yes; the content is copied. */
  put(
    part: number,
    lane: LaneId,
    operation: Operation,
    source: Uint8Array,
    at: number,
    length: number,
  ): void {
    const size = recordBytes(length);
    this.parts[part]![lane].append(operation, source, at, length);
    this.ops++;
    this.bytes += size;
    this.budget.bytes += size;
    this.watermarks.rise(this.ops, this.bytes);
    this.budget.watermarks.rise(0, this.budget.bytes);
  }

  /** Operations that no worker has taken yet. */
  get waiting(): number {
    let waiting = 0;
    for (const [sync, async] of this.parts) waiting += sync.waiting + async.waiting;
    return waiting;
  }

  /** Gives up an operation that was taken; its record may be overwritten from now on. */
  finish(part: number, lane: LaneId, segment: Segment, offset: number): void {
    const size = OperationRecord.bytes(segment, offset);
    this.ops--;
    this.bytes -= size;
    this.budget.bytes -= size;
    this.parts[part]![lane].done(segment);
    this.watermarks.fall(this.ops, this.bytes);
    this.budget.watermarks.fall(0, this.budget.bytes);
  }
}

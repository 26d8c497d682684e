import { Lane } from "./lane.ts";
import { type Operation, OperationRecord, recordBytes } from "./record.ts";
import type { Segment, SegmentPool } from "./segment.ts";

/** The two parts of a plugin's queue. */
export const LaneId = { Sync: 0, Async: 1 } as const;
export type LaneId = typeof LaneId[keyof typeof LaneId];

/** Bytes that all queues together hold and may hold. */
export interface QueueBudget {
  bytes: number;
  readonly maxBytes: number;
}

export interface QueueLimits {
  /** Accepted operations that are not done yet, waiting and running. */
  readonly maxOps: number;
  /** Bytes of their records. */
  readonly maxBytes: number;
}

/**
 * A plugin's queue: what it has accepted and not finished, at most so many operations and bytes, exactly. An operation
 * counts from {@link put} until {@link finish}, so what runs is part of the bound.
 */
export class OperationQueue {
  /** Waiting and running operations. */
  ops = 0;
  /** Bytes of their records. */
  bytes = 0;
  readonly lanes: readonly [Lane, Lane];

  constructor(readonly limits: QueueLimits, readonly budget: QueueBudget, pool: SegmentPool) {
    this.lanes = [new Lane(pool), new Lane(pool)];
  }

  /** Whether an operation with so much content would be accepted now. */
  hasRoom(contentLength: number): boolean {
    const size = recordBytes(contentLength);
    return this.ops < this.limits.maxOps && this.bytes + size <= this.limits.maxBytes &&
      this.budget.bytes + size <= this.budget.maxBytes;
  }

  /** Accepts an operation for which {@link hasRoom} has said yes; the content is copied. */
  put(lane: LaneId, operation: Operation, source: Uint8Array, at: number, length: number): void {
    const size = recordBytes(length);
    this.lanes[lane].append(operation, source, at, length);
    this.ops++;
    this.bytes += size;
    this.budget.bytes += size;
  }

  /** Operations that no worker has taken yet. */
  get waiting(): number {
    return this.lanes[0].waiting + this.lanes[1].waiting;
  }

  /** Gives up an operation that was taken; its record may be overwritten from now on. */
  finish(lane: LaneId, segment: Segment, offset: number): void {
    const size = OperationRecord.bytes(segment, offset);
    this.ops--;
    this.bytes -= size;
    this.budget.bytes -= size;
    this.lanes[lane].done(segment);
  }
}

import { appendRecord, type Operation, OperationRecord, recordBytes } from "./record.ts";
import type { Segment, SegmentPool } from "./segment.ts";

interface Returned {
  readonly segment: Segment;
  readonly offset: number;
}

/**
 * One first-in-first-out log of operations. A record stays where it was written until it is done, also while a worker
 * has it; a segment goes back to the pool when all of it is done.
 *
 * ```
 *  head                        cursor                      tail
 *   │ done, running, done …      │ waiting …                 │ free
 *   └ segment ─ segment ─ … ─ segment ─ … ─ segment ─────────┘
 * ```
 */
export class Lane {
  /** Operations not yet taken. */
  waiting = 0;
  /** Where the record that {@link peek} found lies. */
  segment: Segment | null = null;
  offset = 0;
  #cursor: Segment | null = null;
  #cursorAt = 0;
  #tail: Segment | null = null;
  /** Taken and given back: older than all that waits behind the cursor. */
  readonly #returned: Returned[] = [];
  #nextOrder = 0;

  constructor(readonly pool: SegmentPool) {}

  append(operation: Operation, source: Uint8Array, at: number, length: number): void {
    appendRecord(this.#tailFor(recordBytes(length)), operation, source, at, length);
    this.waiting++;
  }

  /** Takes over, as its newest, the record that another lane has found with {@link peek}. */
  adopt(from: Lane): void {
    const segment = from.segment!;
    const size = OperationRecord.bytes(segment, from.offset);
    const tail = this.#tailFor(size);
    tail.bytes.set(segment.bytes.subarray(from.offset, from.offset + size), tail.used);
    tail.used += size;
    tail.live++;
    this.waiting++;
    from.take();
    from.done(segment);
  }

  /** The segment where a record of so many bytes can be appended. */
  #tailFor(size: number): Segment {
    const tail = this.#tail;
    if (tail !== null && tail.used + size <= tail.bytes.length) return tail;
    const fresh = this.pool.take(size, tail === null);
    fresh.order = this.#nextOrder++;
    if (tail === null) this.#cursor = fresh;
    else tail.next = fresh;
    this.#tail = fresh;
    if (tail !== null && tail.live === 0) this.#retire(tail);
    return fresh;
  }

  /** Finds the oldest waiting operation: `segment` and `offset` say where it lies. */
  peek(): boolean {
    if (this.waiting === 0) return false;
    const returned = this.#returned[0];
    if (returned !== undefined) {
      this.segment = returned.segment;
      this.offset = returned.offset;
      return true;
    }
    let segment = this.#cursor!;
    while (this.#cursorAt === segment.used) {
      segment = segment.next!;
      this.#cursor = segment;
      this.#cursorAt = 0;
    }
    this.segment = segment;
    this.offset = this.#cursorAt;
    return true;
  }

  /** Takes what {@link peek} found; it stays in place until it is {@link done}. */
  take(): void {
    this.waiting--;
    if (this.#returned.length > 0) {
      this.#returned.shift();
      return;
    }
    this.#cursorAt += OperationRecord.bytes(this.segment!, this.offset);
  }

  /** Puts back, at its old place in the line, what was taken and not begun. */
  giveBack(segment: Segment, offset: number): void {
    this.waiting++;
    const returned = this.#returned;
    let at = returned.length;
    while (at > 0 && isBefore(segment, offset, returned[at - 1]!)) at--;
    returned.splice(at, 0, { segment, offset });
  }

  /** Gives up a record that was taken. */
  done(segment: Segment): void {
    segment.live--;
    if (segment.live > 0) return;
    if (segment === this.#tail) {
      // Nothing of it is live, so nothing of it waits: it is written anew from its start.
      segment.used = 0;
      this.#cursor = segment;
      this.#cursorAt = 0;
    } else {
      this.#retire(segment);
    }
  }

  /** A segment with nothing live before the tail: all of it was taken, so the cursor may only stand at its end. */
  #retire(segment: Segment): void {
    if (this.#cursor === segment) {
      this.#cursor = segment.next;
      this.#cursorAt = 0;
    }
    this.pool.give(segment);
  }
}

function isBefore(segment: Segment, offset: number, other: Returned): boolean {
  return segment.order < other.segment.order || (segment === other.segment && offset < other.offset);
}

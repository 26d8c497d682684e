import type { Words } from "../protocol/copy_bytes.ts";
import {
  appendAligned,
  appendRecord,
  copyRecord,
  type Operation,
  OperationRecord,
  recordBytes,
} from "./record.ts";
import type { Segment, SegmentPool } from "./segment.ts";

/** Where a record lies. */
export interface Place {
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
  readonly #returned: Place[] = [];
  /** Removed records between the cursor and the tail. */
  #removed = 0;
  #nextOrder = 0;
  /** Segments that are not retired. */
  #held = 0;

  constructor(readonly pool: SegmentPool) {}

  append(operation: Operation, source: Uint8Array, at: number, length: number): void {
    appendRecord(this.#room(recordBytes(length)), operation, source, at, length);
    this.waiting++;
  }

  /** The same with content that begins at a multiple of 4. */
  appendAligned(operation: Operation, source: Words, at: number, length: number): void {
    appendAligned(this.#room(recordBytes(length)), operation, source, at, length);
    this.waiting++;
  }

  /** Takes over a record from elsewhere, as the newest. */
  appendCopy(segment: Segment, offset: number): void {
    copyRecord(segment, offset, this.#room(OperationRecord.bytes(segment, offset)));
    this.waiting++;
  }

  /** The last segment, with room for so many bytes. */
  #room(size: number): Segment {
    let tail = this.#tail;
    if (tail === null || tail.used + size > tail.bytes.length) {
      const fresh = this.pool.take(size, this.#held++);
      fresh.order = this.#nextOrder++;
      if (tail === null) this.#cursor = fresh;
      else tail.next = fresh;
      this.#tail = fresh;
      if (tail !== null && tail.live === 0) this.#retire(tail);
      tail = fresh;
    }
    return tail;
  }

  /** Takes over, as its newest, the record that another lane has found with {@link peek}. */
  adopt(from: Lane): void {
    const segment = from.segment!;
    this.appendCopy(segment, from.offset);
    from.take();
    from.done(segment);
  }

  /** Finds the oldest waiting operation: `segment` and `offset` say where it lies. */
  peek(): boolean {
    if (this.#removed > 0) this.#skipRemoved();
    if (this.waiting === 0) return false;
    const returned = this.#returned[0];
    if (returned !== undefined) {
      this.segment = returned.segment;
      this.offset = returned.offset;
      return true;
    }
    this.segment = this.#cursorSegment();
    this.offset = this.#cursorAt;
    return true;
  }

  /** Moves the cursor to a record; there is one. */
  #cursorSegment(): Segment {
    let segment = this.#cursor!;
    while (this.#cursorAt === segment.used) {
      segment = segment.next!;
      this.#cursor = segment;
      this.#cursorAt = 0;
    }
    return segment;
  }

  /** All that waits, the oldest first; the lane is not to be changed meanwhile. */
  *records(): Generator<Place> {
    for (const place of this.recordsFrom(0, 0)) {
      if (!OperationRecord.isRemoved(place.segment, place.offset)) yield place;
    }
  }

  /**
   * The same from a place on, which may be none any more, by the order of its segment; what was removed is among them. The lane is not
   * to be changed meanwhile, and may be before the next call.
   */
  *recordsFrom(order: number, from: number): Generator<Place> {
    const isBehind = (segment: Segment, offset: number) =>
      segment.order > order || (segment.order === order && offset >= from);
    for (const place of this.#returned) if (isBehind(place.segment, place.offset)) yield place;
    let offset = this.#cursorAt;
    for (let segment = this.#cursor; segment !== null; segment = segment.next, offset = 0) {
      if (segment.order < order) continue;
      for (; offset < segment.used; offset += OperationRecord.bytes(segment, offset)) {
        if (isBehind(segment, offset)) yield { segment, offset };
      }
    }
  }

  /** The first waiting record whose id has that lower half and that `is` the one; null where there is none. */
  find(idLow: number, is: (segment: Segment, offset: number) => boolean): Place | null {
    for (const place of this.#returned) if (is(place.segment, place.offset)) return place;
    let offset = this.#cursorAt;
    for (let segment = this.#cursor; segment !== null; segment = segment.next, offset = 0) {
      if (!segment.mayHold(idLow)) continue;
      for (; offset < segment.used; offset += OperationRecord.bytes(segment, offset)) {
        if (OperationRecord.idLow(segment, offset) !== idLow) continue;
        if (!OperationRecord.isRemoved(segment, offset) && is(segment, offset)) return { segment, offset };
      }
    }
    return null;
  }

  /** Takes a waiting operation out of the line; its room is free when those before it have been taken. */
  remove(segment: Segment, offset: number): void {
    this.waiting--;
    OperationRecord.remove(segment, offset);
    const at = this.#returned.findIndex((each) => each.segment === segment && each.offset === offset);
    if (at < 0) this.#removed++;
    else {
      this.#returned.splice(at, 1);
      this.done(segment);
    }
  }

  /** Passes over removed records at the cursor. */
  #skipRemoved(): void {
    while (this.#removed > 0) {
      const segment = this.#cursorSegment();
      if (!OperationRecord.isRemoved(segment, this.#cursorAt)) return;
      this.#cursorAt += OperationRecord.bytes(segment, this.#cursorAt);
      this.#removed--;
      this.done(segment);
    }
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
      segment.empty();
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
    this.#held--;
    this.pool.give(segment);
  }
}

function isBefore(segment: Segment, offset: number, other: Place): boolean {
  return segment.order < other.segment.order || (segment === other.segment && offset < other.offset);
}

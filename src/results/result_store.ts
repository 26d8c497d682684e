import type { Place } from "../queue/lane.ts";
import type { Segment, SegmentPool } from "../queue/segment.ts";
import {
  appendResult,
  type Ending,
  type KeptResult,
  resultBytes,
  ResultRecord,
  TOO_LARGE,
} from "./result_record.ts";

/** Results whose time is over that are forgotten with each that comes: more than one is added at a time. */
const SWEEP = 4;
const NOTHING = new Uint8Array(0);

export interface ResultLimits {
  /** How long a result is kept, in ms. */
  readonly keep: number;
  readonly maxOps: number;
  /** Bytes of their records. */
  readonly maxBytes: number;
}

/**
 * What operations came to, the newest of them: so many, so many bytes and for so long, exactly; then the oldest go. They lie
 * one behind the other in segments outside the JavaScript heap, as operations do in a lane, and are found by the ids
 * that segments note:
 *
 * ```
 *  first                                        last
 *   │ gone … │ oldest … │                        │ … newest │ free
 *   └ segment ────────── segment ─ … ─ segment ──┘
 * ```
 */
export class ResultStore {
  /** Results that are kept, and bytes of their records. */
  ops = 0;
  bytes = 0;
  /** Forgotten before their time, for want of room; or kept without what they came to, which was too large. */
  dropped = 0;
  #first: Segment | null = null;
  /** Where the oldest record lies in the first segment. */
  #at = 0;
  #last: Segment | null = null;
  #segments = 0;
  #nextOrder = 1;

  constructor(public limits: ResultLimits, readonly pool: SegmentPool) {}

  /** Changes the bounds; what is over them goes. */
  bound(limits: ResultLimits, now: number): void {
    this.limits = limits;
    this.#sweep(now, Infinity);
    this.#makeRoom(0, 0);
  }

  /** Keeps one as the newest; the content is copied. What is too large is left out of it. */
  keep(ending: Ending, encoding: number, source: Uint8Array, at: number, length: number): void {
    this.#sweep(ending.endedAt, SWEEP);
    const size = resultBytes(length);
    if (size > this.limits.maxBytes) {
      this.dropped++;
      return this.keep(ending, TOO_LARGE, NOTHING, 0, 0);
    }
    this.#makeRoom(1, size);
    appendResult(this.#room(size), ending, encoding, source, at, length);
    this.ops++;
    this.bytes += size;
  }

  /** What the operation with that id came to; null where that is not known, or not any more. */
  find(id: number, now: number): KeptResult | null {
    const place = this.#find(id);
    if (place === null || this.#isOver(place.segment, place.offset, now)) return null;
    return ResultRecord.read(place.segment, place.offset);
  }

  /**
   * Where results lie, the newest first, those that were kept before the place of that order and offset, which may be none any more;
   * nothing is to be kept meanwhile.
   */
  *placesBefore(order: number, before: number, now: number): Generator<Place> {
    const segments: Segment[] = [];
    for (let segment = this.#first; segment !== null && segment.order <= order; segment = segment.next) {
      segments.push(segment);
    }
    for (const segment of segments.reverse()) {
      const end = segment.order === order ? Math.min(before, segment.used) : segment.used;
      const offsets: number[] = [];
      for (
        let offset = segment === this.#first ? this.#at : 0;
        offset < end;
        offset += ResultRecord.bytes(segment, offset)
      ) offsets.push(offset);
      for (const offset of offsets.reverse()) {
        if (this.#isOver(segment, offset, now)) return;
        yield { segment, offset };
      }
    }
  }

  /** Notes that a dead letter has become another operation, accepted at that time. */
  retried(id: number, as: number, acceptedAt: number): void {
    const place = this.#find(id);
    if (place !== null) ResultRecord.retry(place.segment, place.offset, as, acceptedAt);
  }

  /** Forgets what is over, up to so many of it. */
  sweep(now: number, most: number): void {
    this.#sweep(now, most);
  }

  /** Forgets all. */
  clear(): void {
    while (this.ops > 0) this.#forget();
    for (let segment = this.#first; segment !== null;) {
      const { next } = segment;
      this.pool.give(segment);
      segment = next;
    }
    this.#first = this.#last = null;
    this.#segments = 0;
  }

  #find(id: number): Place | null {
    const idLow = id >>> 0;
    let offset = this.#at;
    for (let segment = this.#first; segment !== null; segment = segment.next, offset = 0) {
      if (!segment.mayHold(idLow)) continue;
      for (; offset < segment.used; offset += ResultRecord.bytes(segment, offset)) {
        if (ResultRecord.idLow(segment, offset) !== idLow) continue;
        if (ResultRecord.id(segment, offset) === id) return { segment, offset };
      }
    }
    return null;
  }

  #isOver(segment: Segment, offset: number, now: number): boolean {
    return ResultRecord.endedAt(segment, offset) + this.limits.keep <= now;
  }

  #sweep(now: number, most: number): void {
    for (let count = 0; count < most && this.ops > 0; count++) {
      if (!this.#isOver(this.#first!, this.#at, now)) return;
      this.#forget();
    }
  }

  #makeRoom(ops: number, bytes: number): void {
    const { maxOps, maxBytes } = this.limits;
    while (this.ops > 0 && (this.ops + ops > maxOps || this.bytes + bytes > maxBytes)) {
      this.#forget();
      this.dropped++;
    }
  }

  /** Forgets the oldest. */
  #forget(): void {
    const segment = this.#first!;
    const size = ResultRecord.bytes(segment, this.#at);
    this.ops--;
    this.bytes -= size;
    this.#at += size;
    if (this.#at < segment.used) return;
    this.#at = 0;
    if (segment === this.#last) return segment.empty();
    this.#first = segment.next;
    this.#segments--;
    this.pool.give(segment);
  }

  /** The last segment, with room for so many bytes. */
  #room(size: number): Segment {
    const last = this.#last;
    if (last !== null && last.used + size <= last.bytes.length) return last;
    const fresh = this.pool.take(size, this.#segments);
    fresh.order = this.#nextOrder++;
    this.#last = fresh;
    if (last === null || last.used === 0) {
      if (last !== null) this.pool.give(last);
      this.#first = fresh;
      this.#segments = 1;
    } else {
      last.next = fresh;
      this.#segments++;
    }
    return fresh;
  }
}

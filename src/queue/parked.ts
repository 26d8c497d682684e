import { DueHeap } from "./due_heap.ts";
import type { Place } from "./lane.ts";
import { appendRecord, copyRecord, type Operation, OperationRecord, recordBytes } from "./record.ts";
import { type Segment, SEGMENT_BYTES, type SegmentPool } from "./segment.ts";

/** The number of the entry, before each record; 8 bytes, so that the record begins at a multiple of 8. */
const ENTRY_BYTES = 8;
/** Room of records that are gone is got back when there is so much more of it than of those that are there. */
const SLACK_BYTES = 2 * SEGMENT_BYTES;
const FIRST_CAPACITY = 64;
const IS_RETRY = 1;

/** Why an operation is parked: its caller asked for it, or it has failed and is tried again. */
export type ParkedState = "delayed" | "retrying";

/**
 * Operations that wait for a time: their records in a log of their own, and a heap that tells which is due first. A
 * record that stays long while its neighbours go is moved to the end of the log, so that the log holds at most twice
 * what is parked, and two segments more.
 *
 * ```
 * log   | entry | record | entry | record | … one segment after the other
 * entry   segment, offset of the record; part and lane that it goes back to; its place in the heap
 * ```
 */
export class Parked {
  delayed = 0;
  retrying = 0;
  readonly #heap = new DueHeap();
  /** By entry; the offset is that of the record. */
  readonly #segments: (Segment | null)[] = [];
  #offsets = new Uint32Array(FIRST_CAPACITY);
  /** Part of the queue, its lane in a bit, and {@link IS_RETRY} in the lowest. */
  #kinds = new Uint32Array(FIRST_CAPACITY);
  readonly #free: number[] = [];
  /** The log, its oldest segment first. */
  readonly #log: Segment[] = [];
  #logBytes = 0;
  #liveBytes = 0;

  constructor(readonly pool: SegmentPool) {}

  /** Operations that are parked. */
  get count(): number {
    return this.#heap.size;
  }

  /** When the first is due, monotonic in ms; Infinity where there is none. */
  get earliest(): number {
    return this.#heap.earliest;
  }

  /** The entry that is due first; there is one. */
  get first(): number {
    return this.#heap.first;
  }

  /** Parks an operation whose caller wants it later, or that is to be tried again; the content is copied. */
  put(
    state: ParkedState,
    part: number,
    lane: number,
    operation: Operation,
    source: Uint8Array,
    at: number,
    length: number,
    due: number,
  ): void {
    const segment = this.#room(ENTRY_BYTES + recordBytes(length));
    const kind = state === "delayed" ? 0 : IS_RETRY;
    const entry = this.#open(segment, (part << 2) | (lane << 1) | kind, due);
    appendRecord(segment, operation, source, at, length);
    if (state === "delayed") this.delayed++;
    else this.retrying++;
    this.#added(entry);
  }

  /** Parks a copy of a record that is to be tried again, or that is delayed. */
  copy(state: ParkedState, part: number, lane: number, from: Segment, offset: number, due: number): void {
    const segment = this.#room(ENTRY_BYTES + OperationRecord.bytes(from, offset));
    const kind = state === "delayed" ? 0 : IS_RETRY;
    const entry = this.#open(segment, (part << 2) | (lane << 1) | kind, due);
    copyRecord(from, offset, segment);
    if (state === "delayed") this.delayed++;
    else this.retrying++;
    this.#added(entry);
  }

  /** Gives up an entry; its record may be overwritten when another is parked. */
  remove(entry: number): void {
    const segment = this.#segments[entry]!;
    if (this.state(entry) === "delayed") this.delayed--;
    else this.retrying--;
    this.#liveBytes -= ENTRY_BYTES + OperationRecord.bytes(segment, this.#offsets[entry]!);
    this.#heap.remove(entry);
    this.#segments[entry] = null;
    this.#free.push(entry);
    if (--segment.live === 0) this.#release(segment);
  }

  /** Where the record of an entry lies until another is parked. */
  place(entry: number): Place {
    return { segment: this.#segments[entry]!, offset: this.#offsets[entry]! };
  }

  part(entry: number): number {
    return this.#kinds[entry]! >>> 2;
  }

  /** Lets an entry go back to another part of the queue. */
  setPart(entry: number, part: number): void {
    this.#kinds[entry] = (part << 2) | (this.#kinds[entry]! & 3);
  }

  lane(entry: number): 0 | 1 {
    return (this.#kinds[entry]! & 2) === 0 ? 0 : 1;
  }

  state(entry: number): ParkedState {
    return (this.#kinds[entry]! & IS_RETRY) === 0 ? "delayed" : "retrying";
  }

  due(entry: number): number {
    return this.#heap.dueOf(entry);
  }

  /** The entries, those due first before the others; nothing is to be parked or removed meanwhile. */
  inOrder(): Generator<number> {
    return this.#heap.inOrder();
  }

  /** The entries in any order; nothing is to be parked or removed meanwhile. */
  *entries(): Generator<number> {
    for (const [entry, segment] of this.#segments.entries()) if (segment !== null) yield entry;
  }

  /** The same from a number on, by their numbers: an entry keeps its own while it is parked. */
  *entriesFrom(first: number): Generator<number> {
    for (let entry = first; entry < this.#segments.length; entry++) {
      if (this.#segments[entry] !== null) yield entry;
    }
  }

  /** The entry of the record whose id has that lower half and that `is` the one; -1 where there is none. */
  find(idLow: number, is: (entry: number) => boolean): number {
    for (const segment of this.#log) {
      if (!segment.mayHold(idLow)) continue;
      for (let at = 0; at < segment.used;) {
        const offset = at + ENTRY_BYTES;
        const entry = segment.words[at >>> 2]!;
        at = offset + OperationRecord.bytes(segment, offset);
        if (OperationRecord.idLow(segment, offset) !== idLow) continue;
        if (this.#isAt(entry, segment, offset) && is(entry)) return entry;
      }
    }
    return -1;
  }

  /** Whether that is the entry's record; the entry may be another record's by now. */
  #isAt(entry: number, segment: Segment, offset: number): boolean {
    return this.#segments[entry] === segment && this.#offsets[entry] === offset;
  }

  /** Takes an entry for the record that is written to the segment next, and writes its number. */
  #open(segment: Segment, kind: number, due: number): number {
    const entry = this.#free.pop() ?? this.#segments.length;
    if (entry === this.#offsets.length) {
      this.#offsets = doubled(this.#offsets);
      this.#kinds = doubled(this.#kinds);
    }
    this.#kinds[entry] = kind;
    this.#heap.add(entry, due);
    this.#place(entry, segment);
    return entry;
  }

  #place(entry: number, segment: Segment): void {
    segment.words[segment.used >>> 2] = entry;
    segment.used += ENTRY_BYTES;
    this.#segments[entry] = segment;
    this.#offsets[entry] = segment.used;
  }

  #added(entry: number): void {
    this.#liveBytes += ENTRY_BYTES + OperationRecord.bytes(this.#segments[entry]!, this.#offsets[entry]!);
    if (this.#logBytes > 2 * this.#liveBytes + SLACK_BYTES) this.#moveOldest();
  }

  /** The last segment of the log, with room for so many bytes. */
  #room(size: number): Segment {
    const tail = this.#log.at(-1);
    if (tail !== undefined && tail.used + size <= tail.bytes.length) return tail;
    const segment = this.pool.take(size, this.#log.length);
    this.#log.push(segment);
    this.#logBytes += segment.bytes.length;
    if (tail?.live === 0) this.#release(tail);
    return segment;
  }

  /** Moves what is left in the oldest segment to the end of the log; at most a segment's bytes. */
  #moveOldest(): void {
    const oldest = this.#log[0]!;
    if (this.#log.length === 1) return;
    for (let at = 0; at < oldest.used;) {
      const entry = oldest.words[at >>> 2]!;
      const offset = at + ENTRY_BYTES;
      const size = OperationRecord.bytes(oldest, offset);
      at = offset + size;
      if (!this.#isAt(entry, oldest, offset)) continue;
      const segment = this.#room(ENTRY_BYTES + size);
      this.#place(entry, segment);
      copyRecord(oldest, offset, segment);
      oldest.live--;
    }
    this.#release(oldest);
  }

  /** Nothing in it is live. The last one is written anew from its start. */
  #release(segment: Segment): void {
    if (segment === this.#log.at(-1)) {
      segment.empty();
      return;
    }
    this.#log.splice(this.#log.indexOf(segment), 1);
    this.#logBytes -= segment.bytes.length;
    this.pool.give(segment);
  }
}

function doubled(from: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const to = new Uint32Array(from.length * 2);
  to.set(from);
  return to;
}

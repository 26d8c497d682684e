/** Bytes of an ordinary segment. */
export const SEGMENT_BYTES = 1024 * 1024;
/** Bytes of a lane's first segment, so that an idle plugin costs little. */
export const FIRST_SEGMENT_BYTES = 16 * 1024;

/** An id is noted by so many of its lowest bits: a bit each, 16 KiB a segment. */
const NOTED_BITS = 17;
const NOTED_MASK = 2 ** NOTED_BITS - 1;
const NOTED_BYTES = 2 ** NOTED_BITS / 8;

/**
 * A piece of a lane's log. It lies outside the JavaScript heap, in shared memory: a million queued operations are a few
 * hundred objects for the garbage collector, which does not count their bytes as a reason to run.
 *
 * It notes which ids it holds, roughly, so that one that is looked for among a million is looked for in few segments: ids
 * are between the lowest and the highest one, and of ordinary segments a bit is set for the lowest bits of each.
 */
export class Segment {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly floats: Float64Array;
  /** Bytes written so far; records start at multiples of 8. */
  used = 0;
  /** Records in it that are not done. */
  live = 0;
  next: Segment | null = null;
  /** Its place among the segments of its lane. */
  order = 0;
  /** All of its memory. */
  readonly memory: Uint8Array;
  /** Bits; what is set stays set until it is taken from the pool anew. */
  readonly #noted: Uint32Array | null;
  #lowestId = 0xffffffff;
  #highestId = 0;

  constructor(size: number) {
    const noted = size === SEGMENT_BYTES ? NOTED_BYTES : 0;
    const buffer = new SharedArrayBuffer(size + noted);
    this.memory = new Uint8Array(buffer);
    this.bytes = new Uint8Array(buffer, 0, size);
    this.words = new Uint32Array(buffer, 0, size / 4);
    this.floats = new Float64Array(buffer, 0, size / 8);
    this.#noted = noted === 0 ? null : new Uint32Array(buffer, size);
  }

  /** Notes the lower half of a record's id. */
  note(id: number): void {
    if (id < this.#lowestId) this.#lowestId = id;
    if (id > this.#highestId) this.#highestId = id;
    if (this.#noted !== null) this.#noted[(id & NOTED_MASK) >>> 5]! |= 1 << (id & 31);
  }

  /** Whether a record with that lower half of an id may be in it. */
  mayHold(id: number): boolean {
    if (id < this.#lowestId || id > this.#highestId) return false;
    return this.#noted === null || (this.#noted[(id & NOTED_MASK) >>> 5]! & (1 << (id & 31))) !== 0;
  }

  /** Nothing is in it any more: it is written anew from its start. */
  empty(): void {
    this.used = 0;
    this.#lowestId = 0xffffffff;
    this.#highestId = 0;
  }

  /** Gets ready for another log. */
  renew(): this {
    this.#noted?.fill(0);
    return this;
  }
}

/**
 * Gives segments and takes them back. A few ordinary ones are kept as they are, so that a steady flow allocates none;
 * the others' memory goes back to the system.
 */
export class SegmentPool {
  readonly #free: Segment[] = [];
  /** Their memory was given back; written to, they have it again. */
  readonly #emptied: Segment[] = [];

  /**
   * @param maxFree segments that keep their memory
   * @param discard gives a segment's memory back to the system; without it the segment is left to the garbage collector
   */
  constructor(readonly maxFree = 8, readonly discard: ((bytes: Uint8Array) => void) | null = null) {}

  /** A segment with room for at least `size` bytes, a multiple of 8. */
  take(size: number, first: boolean): Segment {
    if (first && size <= FIRST_SEGMENT_BYTES) return new Segment(FIRST_SEGMENT_BYTES);
    if (size > SEGMENT_BYTES) return new Segment(size);
    return (this.#free.pop() ?? this.#emptied.pop())?.renew() ?? new Segment(SEGMENT_BYTES);
  }

  give(segment: Segment): void {
    segment.empty();
    segment.live = 0;
    segment.next = null;
    if (segment.bytes.length !== SEGMENT_BYTES) return;
    if (this.#free.length < this.maxFree) this.#free.push(segment);
    else if (this.discard !== null) {
      this.discard(segment.memory);
      this.#emptied.push(segment);
    }
  }
}

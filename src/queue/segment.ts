/** Bytes of an ordinary segment. */
export const SEGMENT_BYTES = 1024 * 1024;
/** Bytes of a log's first segment, so that an idle plugin costs little. */
const FIRST_SEGMENT_BYTES = 16 * 1024;
/**
 * Bytes of the next ones, for short records, while a log is short: what is written and read over and over again is to lie
 * in a processor's caches.
 */
const SMALL_SEGMENT_BYTES = 64 * 1024;
/** A log has so many of them at most, and records in them have at most so many bytes. */
const SMALL_SEGMENTS = 8;
const SMALL_RECORD_BYTES = SMALL_SEGMENT_BYTES / 8;

/** An id is noted by some of its lowest bits: there is a bit for each 8 bytes of the segment. */
const NOTED_SHARE = 8 * 8;

/**
 * A piece of a lane's log. It lies outside the JavaScript heap, in shared memory: a million queued operations are a few
 * hundred objects for the garbage collector, which does not count their bytes as a reason to run.
 *
 * It notes which ids it holds, roughly, so that one that is looked for among a million is looked for in few segments: ids
 * are between the lowest and the highest one, and of those that are used again a bit is set for the lowest bits of each.
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
  readonly #notedMask: number;
  #lowestId = 0xffffffff;
  #highestId = 0;

  /** @param size in bytes; a power of two where it `notes` ids */
  constructor(size: number, notes = false) {
    const noted = notes ? size / NOTED_SHARE : 0;
    const buffer = new SharedArrayBuffer(size + noted);
    this.memory = new Uint8Array(buffer);
    this.bytes = new Uint8Array(buffer, 0, size);
    this.words = new Uint32Array(buffer, 0, size / 4);
    this.floats = new Float64Array(buffer, 0, size / 8);
    this.#noted = noted === 0 ? null : new Uint32Array(buffer, size);
    this.#notedMask = noted * 8 - 1;
  }

  /** Notes the lower half of a record's id. */
  note(id: number): void {
    if (id < this.#lowestId) this.#lowestId = id;
    if (id > this.#highestId) this.#highestId = id;
    if (this.#noted !== null) this.#noted[(id & this.#notedMask) >>> 5]! |= 1 << (id & 31);
  }

  /** Whether a record with that lower half of an id may be in it. */
  mayHold(id: number): boolean {
    if (id < this.#lowestId || id > this.#highestId) return false;
    return this.#noted === null || (this.#noted[(id & this.#notedMask) >>> 5]! & (1 << (id & 31))) !== 0;
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
 * Gives segments and takes them back. A few are kept as they are, so that a steady flow allocates none; the others'
 * memory goes back to the system.
 */
export class SegmentPool {
  readonly #free: Segment[] = [];
  readonly #freeSmall: Segment[] = [];
  /** Their memory was given back; written to, they have it again. */
  readonly #emptied: Segment[] = [];
  /** Of segments that are taken, and of those that are kept. */
  #bytes = 0;

  /**
   * @param maxFree segments of each size that keep their memory
   * @param discard gives a segment's memory back to the system; without it the segment is left to the garbage collector
   */
  constructor(readonly maxFree = 8, readonly discard: ((bytes: Uint8Array) => void) | null = null) {}

  /** Memory of segments, in use or kept, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A segment with room for at least `size` bytes, a multiple of 8, for a log that has so many. */
  take(size: number, held: number): Segment {
    if (held === 0 && size <= FIRST_SEGMENT_BYTES) return this.#counted(new Segment(FIRST_SEGMENT_BYTES));
    if (held <= SMALL_SEGMENTS && size <= SMALL_RECORD_BYTES) {
      return this.#freeSmall.pop()?.renew() ?? this.#counted(new Segment(SMALL_SEGMENT_BYTES, true));
    }
    if (size > SEGMENT_BYTES) return this.#counted(new Segment(size));
    const free = this.#free.pop();
    if (free !== undefined) return free.renew();
    return this.#counted(this.#emptied.pop()?.renew() ?? new Segment(SEGMENT_BYTES, true));
  }

  #counted(segment: Segment): Segment {
    this.#bytes += segment.memory.length;
    return segment;
  }

  give(segment: Segment): void {
    segment.empty();
    segment.live = 0;
    segment.next = null;
    const size = segment.bytes.length;
    if (size === SMALL_SEGMENT_BYTES) {
      if (this.#freeSmall.length < this.maxFree) return void this.#freeSmall.push(segment);
    } else if (size === SEGMENT_BYTES) {
      if (this.#free.length < this.maxFree) return void this.#free.push(segment);
      if (this.discard !== null) {
        this.discard(segment.memory);
        this.#emptied.push(segment);
      }
    }
    this.#bytes -= segment.memory.length;
  }
}

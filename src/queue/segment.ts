/** Bytes of an ordinary segment. */
export const SEGMENT_BYTES = 1024 * 1024;
/** Bytes of a lane's first segment, so that an idle plugin costs little. */
export const FIRST_SEGMENT_BYTES = 16 * 1024;

/**
 * A piece of a lane's log. It lies outside the JavaScript heap, in shared memory: a million queued operations are a few
 * hundred objects for the garbage collector, which does not count their bytes as a reason to run.
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

  constructor(size: number) {
    const buffer = new SharedArrayBuffer(size);
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
    this.floats = new Float64Array(buffer);
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
    return this.#free.pop() ?? this.#emptied.pop() ?? new Segment(SEGMENT_BYTES);
  }

  give(segment: Segment): void {
    segment.used = 0;
    segment.live = 0;
    segment.next = null;
    if (segment.bytes.length !== SEGMENT_BYTES) return;
    if (this.#free.length < this.maxFree) this.#free.push(segment);
    else if (this.discard !== null) {
      this.discard(segment.bytes);
      this.#emptied.push(segment);
    }
  }
}

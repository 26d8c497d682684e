import { writeU32 } from "../protocol/bytes.ts";
import { PREFIX_BYTES } from "../protocol/frame.ts";
import { VERSION, writeRequest } from "../protocol/request.ts";
import { type LoadPlan, MAX_DEPTH, WRITE_BYTES } from "./plan.ts";

const SLOT_MASK = MAX_DEPTH - 1;
const SLOT_BITS = 12;
const LAST_GENERATION = 0xffff;
const FREE = -1;

/**
 * The requests that one connection has unanswered, in slots. An id names its slot and how often that was used, so a
 * reply that comes twice or to no request is told from the right one.
 *
 * ```
 * id, 28 bits:  | generation:16 (never 0) | slot:12 |
 * ```
 */
export class LoadWindow {
  /** Bytes of one request, its prefix included. */
  readonly frameBytes: number;
  /** The same request so many times one after the other; before they leave their ids are written in. */
  readonly #frames: Uint8Array<ArrayBuffer>;
  readonly #batch: number;
  readonly #generations: Uint16Array;
  /** When the slot's request left, on the caller's clock; {@link FREE} where there is none. */
  readonly #sentAt: Float64Array;
  readonly #free: Uint16Array;
  #freeCount: number;

  constructor(plan: LoadPlan) {
    const { depth } = plan;
    const frame = writeRequest({ ...plan, id: 0 }, true);
    this.frameBytes = frame.length;
    this.#batch = batchSize(frame.length, depth);
    this.#frames = new Uint8Array(frame.length * this.#batch);
    for (let i = 0; i < this.#batch; i++) this.#frames.set(frame, i * frame.length);
    this.#generations = new Uint16Array(depth);
    this.#sentAt = new Float64Array(depth).fill(FREE);
    this.#free = Uint16Array.from({ length: depth }, (_, slot) => depth - 1 - slot);
    this.#freeCount = depth;
  }

  /** Requests that may leave in the next write. */
  get room(): number {
    return Math.min(this.#freeCount, this.#batch);
  }

  /** So many requests (at most `room`), to be written before the next call. `now` is not negative. */
  take(count: number, now: number): Uint8Array<ArrayBuffer> {
    const frames = this.#frames;
    for (let i = 0; i < count; i++) {
      const slot = this.#free[--this.#freeCount]!;
      const used = this.#generations[slot]!;
      const generation = used === LAST_GENERATION ? 1 : used + 1;
      this.#generations[slot] = generation;
      this.#sentAt[slot] = now;
      writeU32(
        frames,
        i * this.frameBytes + PREFIX_BYTES,
        (VERSION << 28) | (generation << SLOT_BITS) | slot,
      );
    }
    return frames.subarray(0, count * this.frameBytes);
  }

  /** Ends the request of that id and returns when it left; a negative number where no such one is unanswered. */
  settle(id: number): number {
    const slot = id & SLOT_MASK;
    if (slot >= this.#sentAt.length || id >>> SLOT_BITS !== this.#generations[slot]!) return FREE;
    const sentAt = this.#sentAt[slot]!;
    if (sentAt === FREE) return FREE;
    this.#sentAt[slot] = FREE;
    this.#free[this.#freeCount++] = slot;
    return sentAt;
  }
}

/** How many requests of that size leave in one write. */
function batchSize(frameBytes: number, depth: number): number {
  return Math.max(1, Math.min(depth, Math.floor(WRITE_BYTES / frameBytes)));
}

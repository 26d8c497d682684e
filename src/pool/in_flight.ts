import type { LaneId } from "../queue/operation_queue.ts";
import type { Segment } from "../queue/segment.ts";
import type { Progress } from "../ring/messages.ts";

/**
 * What a worker holds: for each slot the record in the queue. A slot's sequence number changes each time it is given
 * out, so that a reply that comes twice, or too late, finds nothing.
 */
export class InFlight {
  /** Operations the worker holds, all and by lane. */
  count = 0;
  readonly byLane: [number, number] = [0, 0];
  /** By part of the queue. */
  readonly #byPart: number[] = [];
  readonly #segments: (Segment | null)[] = [];
  readonly #offsets: number[] = [];
  readonly #lanes: LaneId[] = [];
  readonly #parts: number[] = [];
  /** Where the operation lies in its ring: the position, and the index of its bytes. */
  readonly #positions: number[] = [];
  readonly #places: number[] = [];
  readonly #sequences: number[] = [];
  /** Of those that are not to run where the worker gives them back. */
  readonly #dropped = new Set<number>();
  /** What commands have told of those that run. */
  readonly #progress = new Map<number, Progress>();
  readonly #free: number[] = [];

  /** Takes a slot for a record. */
  open(segment: Segment, offset: number, part: number, lane: LaneId): number {
    const slot = this.#free.pop() ?? this.#segments.length;
    this.#segments[slot] = segment;
    this.#offsets[slot] = offset;
    this.#lanes[slot] = lane;
    this.#parts[slot] = part;
    this.#byPart[part] = (this.#byPart[part] ?? 0) + 1;
    this.#sequences[slot] = ((this.#sequences[slot] ?? 0) + 1) >>> 0;
    this.count++;
    this.byLane[lane]++;
    return slot;
  }

  sequence(slot: number): number {
    return this.#sequences[slot] ?? 0;
  }

  /** The record's segment, or null where no operation with that slot and sequence is out. */
  segment(slot: number, sequence: number): Segment | null {
    return this.#sequences[slot] === sequence ? this.#segments[slot] ?? null : null;
  }

  offset(slot: number): number {
    return this.#offsets[slot]!;
  }

  /** Notes where the operation was written. */
  place(slot: number, position: number, at: number): void {
    this.#positions[slot] = position;
    this.#places[slot] = at;
  }

  ringPosition(slot: number): number {
    return this.#positions[slot]!;
  }

  ringPlace(slot: number): number {
    return this.#places[slot]!;
  }

  /** The part of the queue that it was taken from. */
  part(slot: number): number {
    return this.#parts[slot]!;
  }

  /** Operations of that part. */
  ofPart(part: number): number {
    return this.#byPart[part] ?? 0;
  }

  lane(slot: number): LaneId {
    return this.#lanes[slot]!;
  }

  /** The operation is not to run where the worker gives it back; where it has begun, nothing changes. */
  drop(slot: number): void {
    this.#dropped.add(slot);
  }

  isDropped(slot: number): boolean {
    return this.#dropped.size > 0 && this.#dropped.has(slot);
  }

  /** Notes how far its command says that it is. */
  setProgress(slot: number, progress: Progress): void {
    this.#progress.set(slot, progress);
  }

  progress(slot: number): Progress | null {
    return this.#progress.get(slot) ?? null;
  }

  close(slot: number): void {
    this.count--;
    if (this.#dropped.size > 0) this.#dropped.delete(slot);
    if (this.#progress.size > 0) this.#progress.delete(slot);
    this.byLane[this.#lanes[slot]!]--;
    this.#byPart[this.#parts[slot]!]!--;
    this.#segments[slot] = null;
    this.#free.push(slot);
  }

  /** The slots in use, oldest numbers first. */
  *slots(): Generator<number> {
    for (let slot = 0; slot < this.#segments.length; slot++) if (this.#segments[slot] !== null) yield slot;
  }
}

import type { Words } from "../protocol/copy_bytes.ts";
import type { DeadLetter } from "../queue/dead_letters.ts";
import type { Place } from "../queue/lane.ts";
import { type Addressee, type Operation, OperationRecord, recordBytes } from "../queue/record.ts";
import type { Segment } from "../queue/segment.ts";
import type { JournalQueueParts } from "./journal_parts.ts";
import { Staging } from "./staging.ts";

/** What becomes of an operation that is committed; its record is taken out of where it lies. */
export interface CommittedPlaces {
  /** A dead letter has been accepted anew. */
  replaced(letter: DeadLetter): void;
  /** It was cancelled meanwhile. */
  cancelled(id: number, message: string, segment: Segment, offset: number): void;
  /** It gets in line, or waits until it is due (monotonic, ms). */
  entered(id: number, due: number, staging: Staging, segment: Segment, offset: number): void;
}

/** Operations of a plugin that were written to its journal and are not committed: who is to be told, and what else has been asked for. */
export class Unsynced {
  /** Refused after they were written. */
  refused = 0;
  readonly #staging: Staging;
  /** By the ids of the operations that stand for them: dead letters that are tried again. */
  readonly #retried = new Map<number, DeadLetter>();
  /** Further callers who are to be told of an operation. */
  readonly #shares = new Map<number, Addressee[]>();
  /** Cancelled before they were committed, and why. */
  readonly #dropped = new Map<number, string>();

  constructor(readonly parts: Pick<JournalQueueParts, "plugin" | "queue" | "dead" | "events">) {
    this.#staging = new Staging(parts.queue.pool);
  }

  get ops(): number {
    return this.#staging.ops;
  }

  get bytes(): number {
    return this.#staging.bytes;
  }

  /** Adds an operation that was written with so many bytes; the content, from a multiple of 4 on, is copied. */
  add(
    operation: Operation,
    source: Words,
    at: number,
    length: number,
    bytes: number,
    due: number,
    to: Addressee | null,
  ): void {
    this.#staging.lane.appendAligned(operation, source, at, length);
    this.#staging.add(operation.id, bytes, due, false, to);
    this.parts.queue.count(recordBytes(length));
  }

  /** What was added last stands for a dead letter. */
  replaces(id: number, letter: DeadLetter): void {
    this.#retried.set(id, letter);
  }

  /** Adds what stands beside a sync operation. */
  addShared(id: number, bytes: number, acceptedAt: number, to: Addressee | null): void {
    this.#staging.add(id, bytes, acceptedAt, true, to);
  }

  /** Of ids that async operations have. */
  has(id: number): boolean {
    return this.#staging.has(id);
  }

  /** Another caller is to be told, too. */
  share(id: number, { routeSlot, routeGeneration, requestId, encoding, wantsId = false }: Addressee): void {
    const copy = { routeSlot, routeGeneration, requestId, encoding, wantsId };
    const shares = this.#shares.get(id);
    if (shares === undefined) this.#shares.set(id, [copy]);
    else shares.push(copy);
  }

  /** False where there is none with that id. */
  cancel(id: number, message: string): boolean {
    if (!this.#staging.hasOperation(id) || this.#dropped.has(id)) return false;
    this.#dropped.set(id, message);
    return true;
  }

  /** Returns how many. */
  purge(message: string): number {
    const before = this.#dropped.size;
    for (const id of this.#staging.operations()) if (!this.#dropped.has(id)) this.#dropped.set(id, message);
    return this.#dropped.size - before;
  }

  *records(): Generator<Place> {
    for (const place of this.#staging.lane.records()) {
      if (!this.#dropped.has(OperationRecord.asyncId(place.segment, place.offset))) yield place;
    }
  }

  /** So many of the oldest are committed; returns how many of them are the queue's. */
  commit(count: number, places: CommittedPlaces): number {
    let ops = 0;
    for (let left = Math.min(count, this.#staging.count); left > 0; left--) {
      if (this.#commitOldest(places)) ops++;
    }
    return ops;
  }

  #commitOldest(places: CommittedPlaces): boolean {
    const staging = this.#staging;
    const { id, isShared, lane, due } = staging;
    const { events } = this.parts;
    if (!isShared) lane.peek();
    const acceptedAt = isShared ? due : OperationRecord.acceptedAt(lane.segment!, lane.offset);
    if (staging.hasCaller) events.acknowledged(staging, id, acceptedAt);
    if (this.#shares.size > 0) {
      for (const to of this.#shares.get(id) ?? []) events.acknowledged(to, id, acceptedAt);
      this.#shares.delete(id);
    }
    if (isShared) {
      staging.shift();
      return false;
    }
    const segment = lane.segment!;
    const { offset } = lane;
    const letter = this.#retried.size === 0 ? undefined : this.#retried.get(id);
    if (letter !== undefined) {
      this.#retried.delete(id);
      places.replaced(letter);
    }
    const message = this.#dropped.size === 0 ? undefined : this.#dropped.get(id);
    if (message === undefined) places.entered(id, due, staging, segment, offset);
    else {
      this.#dropped.delete(id);
      lane.take();
      places.cancelled(id, message, segment, offset);
      lane.done(segment);
    }
    staging.shift();
    return true;
  }

  /** So many of the oldest, or all of them, are not taken. Returns the ids of those that stand beside a sync operation. */
  refuse(problem: string, count = this.#staging.count): number[] {
    const shared: number[] = [];
    const most = Math.min(count, this.#staging.count);
    for (let left = most; left > 0; left--) {
      const { id, isShared } = this.#staging;
      this.#refuseOldest(problem);
      if (isShared) shared.push(id);
    }
    this.refused += most;
    this.parts.events.dropped(most);
    return shared;
  }

  #refuseOldest(problem: string): void {
    const staging = this.#staging;
    const { id, isShared, lane } = staging;
    const { events, queue, plugin, dead } = this.parts;
    const message = `the journal of plugin ${plugin} did not take it: ${problem}`;
    if (staging.hasCaller) events.refused(staging, message);
    for (const to of this.#shares.get(id) ?? []) events.refused(to, message);
    this.#shares.delete(id);
    staging.shift();
    if (isShared) return;
    lane.peek();
    const segment = lane.segment!;
    const bytes = OperationRecord.bytes(segment, lane.offset);
    lane.take();
    lane.done(segment);
    queue.uncount(bytes);
    this.#dropped.delete(id);
    events.refusedAway(id, message);
    const letter = this.#retried.get(id);
    if (letter === undefined) return;
    this.#retried.delete(id);
    dead.restore(letter);
  }
}

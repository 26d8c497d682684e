import type { Lane } from "../queue/lane.ts";
import { LaneId } from "../queue/operation_queue.ts";
import { OperationRecord } from "../queue/record.ts";
import type { Segment } from "../queue/segment.ts";
import { Credit } from "./credit.ts";
import { isClaimed, takeBack, writeOperation } from "../ring/handoff.ts";
import { InFlight } from "./in_flight.ts";
import type { WorkerRings } from "../ring/messages.ts";
import { RingWriter } from "../ring/ring.ts";
import type { Isolation } from "./supervisor_options.ts";
import type { Thread } from "../thread/thread.ts";

const LANES = [LaneId.Sync, LaneId.Async] as const;

export interface AssignmentsOptions {
  readonly rings: Pick<WorkerRings, "sync" | "async">;
  readonly isolation: Isolation;
  /** The lanes of a part, for what goes back. */
  readonly lanes: (part: number) => readonly [Lane, Lane];
  /** What times of acceptance count from, in ms of those that tell operations apart over restarts; 0 where none do. */
  readonly zero: number;
  readonly thread: Pick<Thread, "isAway" | "askBack" | "published">;
  /** An operation that was cancelled came back unbegun. */
  readonly cancelled: (part: number, lane: LaneId, segment: Segment, offset: number) => void;
}

/** The operations that one worker holds: how it is given them, and how those that it has not begun are taken back. */
export class Assignments {
  readonly inFlight = new InFlight();
  readonly credit: Credit;
  /** What it is given them by. */
  readonly #lanes: readonly [RingWriter, RingWriter];
  /** A child process was asked and has not answered yet. */
  #asked = false;
  /** It was given something since it was last asked to give back; or a child process may not have begun what it has. */
  #isGiven = false;
  /** There was no room in a ring for what it was to be given. */
  #isFull = false;

  constructor(readonly options: AssignmentsOptions) {
    const { rings, isolation } = options;
    this.credit = new Credit(isolation);
    this.#lanes = [new RingWriter(rings.sync), new RingWriter(rings.async, rings.sync)];
  }

  /** Whether it may hold one more operation of that lane. */
  hasCredit(lane: LaneId): boolean {
    return this.credit.allows(lane, this.inFlight.byLane[lane]);
  }

  /** Hands over a record; false where the ring is full. */
  give(part: number, lane: LaneId, segment: Segment, offset: number): boolean {
    this.#isGiven = true;
    const slot = this.inFlight.open(segment, offset, part, lane);
    const sequence = this.inFlight.sequence(slot);
    const isSync = lane === LaneId.Sync;
    const { zero } = this.options;
    const written = writeOperation(this.#lanes[lane], slot, sequence, isSync, segment, offset, zero);
    this.#isFull ||= !written;
    if (written) this.inFlight.place(slot, this.#lanes[lane].position, this.#lanes[lane].at);
    else this.inFlight.close(slot);
    return written;
  }

  /** Shows the worker what it was given. */
  publish(): void {
    this.#lanes[LaneId.Sync].publish();
    this.#lanes[LaneId.Async].publish();
    this.options.thread.published();
  }

  /** Wakes the worker where it blocks, as it does while it has nothing to do. */
  wake(): void {
    this.#lanes[LaneId.Sync].wake();
  }

  /** Whether there was no room for something, and is again; told once. */
  hasRoomAgain(): boolean {
    if (!this.#isFull || !this.isRead) return false;
    this.#isFull = false;
    return true;
  }

  /** It has read all that it was given. */
  get isRead(): boolean {
    return this.#lanes.every((ring) => ring.isRead);
  }

  /** A child process was asked for what it has not begun, and has not answered yet. */
  get isAsked(): boolean {
    return this.#asked;
  }

  /**
   * Takes back what the worker has not begun, into the lanes that it came from; false where there was nothing yet. A child
   * process is asked, and what it gives back comes later. Until it replies again it is given no more than it can run
   * at once.
   */
  takeBack(): boolean {
    this.credit.cut();
    // What it had begun when it was last asked it still has; and what it has read it has begun.
    if (!this.#isGiven || this.isRead) return false;
    const { inFlight } = this;
    const left: [boolean, boolean] = [false, false];
    let isAway = false;
    for (const slot of this.#newestFirst()) {
      if (this.isAway(slot)) isAway = true;
      else if (this.#isTakenBack(slot)) {
        left[inFlight.lane(slot)] = true;
        this.#giveBack(slot);
      }
    }
    this.#isGiven = isAway;
    if (isAway && !this.#asked) this.#asked = this.options.thread.askBack();
    this.#left(left);
    return left[LaneId.Sync] || left[LaneId.Async];
  }

  /**
   * What it holds, lane by lane. The worker goes on beginning the oldest meanwhile: taken back from the newest on, nothing comes back
   * that is older than what it begins.
   */
  #newestFirst(): number[] {
    const { inFlight } = this;
    // Positions wrap at 2^32.
    const byAge = (a: number, b: number) => (inFlight.ringPosition(b) - inFlight.ringPosition(a)) | 0;
    return [...inFlight.slots()].sort((a, b) => inFlight.lane(a) - inFlight.lane(b) || byAge(a, b));
  }

  /** A child process will not begin these: pairs of slot and sequence. */
  returned(pairs: readonly number[]): void {
    this.#asked = false;
    const left: [boolean, boolean] = [false, false];
    for (let at = 0; at + 1 < pairs.length; at += 2) {
      if (this.inFlight.segment(pairs[at]!, pairs[at + 1]!) === null) continue;
      left[this.inFlight.lane(pairs[at]!)] = true;
      this.#giveBack(pairs[at]!);
    }
    this.#left(left);
  }

  /** Takes back one operation, whose place in its lane the caller still knows; false where it has begun, or may have. */
  recall(slot: number): boolean {
    if (this.isAway(slot) || !this.#isTakenBack(slot)) return false;
    this.inFlight.close(slot);
    return true;
  }

  /** A child process has it: whether it has begun is known there alone. */
  isAway(slot: number): boolean {
    return this.options.thread.isAway(this.inFlight.lane(slot), this.inFlight.ringPosition(slot));
  }

  hasBegun(slot: number): boolean {
    const { inFlight } = this;
    const ring = this.#lanes[inFlight.lane(slot)];
    return this.isAway(slot) || isClaimed(ring, inFlight.ringPosition(slot), inFlight.ringPlace(slot));
  }

  #isTakenBack(slot: number): boolean {
    const { inFlight } = this;
    return takeBack(this.#lanes[inFlight.lane(slot)], inFlight.ringPosition(slot), inFlight.ringPlace(slot));
  }

  #giveBack(slot: number): void {
    const { inFlight } = this;
    const { cancelled, lanes } = this.options;
    const segment = inFlight.segment(slot, inFlight.sequence(slot))!;
    const lane = inFlight.lane(slot);
    const offset = inFlight.offset(slot);
    const part = inFlight.part(slot);
    const isDropped = inFlight.isDropped(slot);
    inFlight.close(slot);
    if (isDropped || OperationRecord.isCancelled(segment, offset)) cancelled(part, lane, segment, offset);
    else lanes(part)[lane].giveBack(segment, offset);
  }

  #left(lanes: readonly [boolean, boolean]): void {
    for (const lane of LANES) if (lanes[lane]) this.credit.left(lane, this.inFlight.byLane[lane]);
  }
}

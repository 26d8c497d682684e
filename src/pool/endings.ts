import type { DeadLetter } from "../queue/dead_letters.ts";
import type { Dedup } from "../queue/dedup.ts";
import { LaneId, type OperationQueue } from "../queue/operation_queue.ts";
import { OperationRecord } from "../queue/record.ts";
import type { Segment } from "../queue/segment.ts";
import { KeptResults } from "../results/kept_results.ts";
import type { ResultLimits } from "../results/result_store.ts";
import { type EndState, SENTENCE } from "../results/result_record.ts";
import type { ReplyView } from "../ring/handoff.ts";

const encoder = new TextEncoder();

/** What a plugin's async operations came to, where that is kept; and what sync ones did, of which async callers were told. */
export class Endings {
  /** Null where it is not kept. */
  results: KeptResults | null = null;

  constructor(readonly queue: OperationQueue, readonly dedup: Dedup) {}

  /** Whether an async caller was told that it is queued: it is async, or has an async duplicate, which ends as it does. */
  isPromised(lane: LaneId, segment: Segment, offset: number): boolean {
    if (lane === LaneId.Async) return true;
    const { dedup, queue } = this;
    return dedup.pending > 0 && OperationRecord.isKeyed(segment, offset) &&
      dedup.isPromised(queue.idOf(LaneId.Sync, segment, offset));
  }

  /** An operation has succeeded; the content lies in `bytes` until this returns. */
  done(
    lane: LaneId,
    segment: Segment,
    offset: number,
    { code, encoding, at, length }: ReplyView,
    bytes: Uint8Array,
    time: number,
  ): void {
    this.#keep(lane, segment, offset, "done", code, 1, time, encoding, bytes, at, length);
  }

  /**
   * An operation has ended without success.
   *
   * @param code of its last reply; 0 where there was none
   */
  failed(
    lane: LaneId,
    segment: Segment,
    offset: number,
    state: EndState,
    code: number,
    error: () => DeadLetter["error"],
    time: number,
  ): void {
    if (this.results === null) return;
    const thrown = error();
    if (typeof thrown === "string") {
      const text = encoder.encode(thrown);
      return this.#keep(lane, segment, offset, state, code, 0, time, SENTENCE, text, 0, text.length);
    }
    const { encoding, content } = thrown;
    this.#keep(lane, segment, offset, state, code, 0, time, encoding, content, 0, content.length);
  }

  /** An operation that is not in memory, or not committed yet, was cancelled. */
  cancelledAway(id: number, message: string, time: number): void {
    const text = encoder.encode(message);
    this.results?.ended(id, 0, "cancelled", 0, NaN, time, 0, SENTENCE, text, 0, text.length);
  }

  /** A dead letter has become the operation that was accepted last, at that time. */
  retried(id: number, acceptedAt: number): void {
    this.results?.store.retried(id, this.queue.lastId, acceptedAt);
  }

  /** What has not ended does so no more, or only after the next start: who waits for it is told. */
  letGo(): void {
    this.results?.letGo();
  }

  /** Keeps it from now on, within those bounds; null for not at all. */
  bound(limits: ResultLimits | null, now: number): void {
    const { results } = this;
    if (limits === null) {
      this.results = null;
      results?.close();
    } else if (results === null) this.results = new KeptResults(limits, this.queue.pool);
    else results.store.bound(limits, now);
  }

  #keep(
    lane: LaneId,
    segment: Segment,
    offset: number,
    state: EndState,
    code: number,
    ended: number,
    time: number,
    encoding: number,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    const { results, queue } = this;
    if (results === null || !this.isPromised(lane, segment, offset)) return;
    let id = queue.idOf(lane, segment, offset);
    let acceptedAt = OperationRecord.acceptedAt(segment, offset);
    // What async callers know is the one that stands for it on disk.
    const standIn = lane === LaneId.Sync ? queue.durability?.standIn(id) ?? null : null;
    if (standIn !== null) ({ id, acceptedAt } = standIn);
    const command = OperationRecord.command(segment, offset);
    const isCancelled = OperationRecord.isCancelled(segment, offset);
    const attempts = isCancelled ? 0 : OperationRecord.attempts(segment, offset) + ended;
    results.ended(id, command, state, code, acceptedAt, time, attempts, encoding, bytes, at, length);
  }
}

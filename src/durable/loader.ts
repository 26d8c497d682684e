import { News } from "../journal/news.ts";
import { JournalRecord } from "../journal/record.ts";
import { type AcceptedRecord, DueState, RecordKind } from "../journal/record_layout.ts";
import { acceptedBytes } from "../journal/write_record.ts";
import type { IdSet } from "../queue/id_set.ts";
import { LaneId } from "../queue/operation_queue.ts";
import { blankOperation, type Operation, recordBytes } from "../queue/record.ts";
import type { JournalQueueParts } from "./journal_parts.ts";

export interface LoaderParts extends Omit<JournalQueueParts, "events"> {
  readonly events: Pick<JournalQueueParts["events"], "parked">;
  /** Operations that are only on disk; those that are read back are taken out. */
  readonly spilled: IdSet;
  /** Their bytes on disk. */
  readonly bytes: number;
  /** An operation of so many bytes is in its lane. */
  readonly entered: (bytes: number) => void;
}

/** Brings back into memory what is on disk: at the start all but what waits behind the window, later that, piece by piece. */
export class Loader {
  readonly ready: Promise<void>;
  readonly #ready = Promise.withResolvers<void>();
  #isFirst = true;
  #isAsked = true;
  /** Nothing came when it was asked for: not before something was spilled is it asked for again. */
  #isVain = false;
  #loaded = 0;
  /** Of operations that are only on disk, as far as is known. */
  #bytes: number;
  readonly #accepted: AcceptedRecord = { ...blankOperation(), due: 0, state: DueState.Delayed };
  readonly #operation: Operation = blankOperation();

  constructor(readonly parts: LoaderParts) {
    this.ready = this.#ready.promise;
    this.ready.catch(() => {});
    this.#bytes = parts.bytes;
  }

  /** Nothing more comes. */
  fail(problem: string): void {
    this.#ready.reject(new Error(`what its journal holds cannot be read: ${problem}`));
  }

  /** Asks for about so many bytes. */
  ask(bytes: number): void {
    if (this.#isAsked || this.#isVain) return;
    this.#isAsked = true;
    this.#loaded = 0;
    this.parts.journal.load(this.parts.spilled.lowest, bytes);
  }

  /** An operation that was committed stays on disk alone: so many bytes of memory, and of disk. */
  spilled(memoryBytes: number, diskBytes: number): void {
    const { queue } = this.parts;
    queue.uncount(memoryBytes);
    queue.countAway(1, diskBytes);
    this.#bytes += diskBytes;
    this.#isVain = false;
  }

  /** Where nothing is spilled any more, nor are bytes of it. */
  forgetIfNone(): void {
    if (this.parts.spilled.size > 0) return;
    this.parts.queue.uncountAway(0, this.#bytes);
    this.#bytes = 0;
  }

  /** A record has come. */
  loaded(): void {
    const { news } = this.parts.journal;
    const { records } = news;
    const at = News.loadedAt(news);
    switch (JournalRecord.kind(records, at)) {
      case RecordKind.Accepted:
        return this.#operationLoaded(at, News.isSpilled(news), News.isParked(news));
      case RecordKind.Buried: {
        const letter = JournalRecord.buried(records, at);
        const { zero, dead } = this.parts;
        return dead.restore({
          ...letter,
          acceptedAt: letter.acceptedAt - zero,
          failedAt: letter.failedAt - zero,
        });
      }
      case RecordKind.Remembered: {
        const reply = JournalRecord.remembered(records, at);
        return this.parts.dedup.restore({ ...reply, acceptedAt: NaN, until: reply.until - this.parts.zero });
      }
    }
  }

  #operationLoaded(at: number, staysSpilled: boolean, isParked: boolean): void {
    const { journal: { news: { records } }, queue, spilled, dedup, zero } = this.parts;
    const accepted = JournalRecord.accepted(records, at, this.#accepted);
    const { id, command, encoding, due } = accepted;
    const contentAt = JournalRecord.contentAt(at);
    const length = JournalRecord.contentLength(records, at);
    const isWaiting = spilled.has(id);
    // It was cancelled on the way here, or has ended: its key is free.
    if (!isWaiting && !isParked) return staysSpilled ? undefined : this.#passedOver(acceptedBytes(length));
    let { keyed } = accepted;
    if (keyed && !dedup.hasPending(id)) {
      const key = this.parts.keyOf(command, encoding, records.bytes.slice(contentAt, contentAt + length));
      keyed = key !== null && !dedup.isPending(key);
      if (key !== null && keyed) dedup.begin(key, id, accepted.acceptedAt - zero, false);
    }
    if (staysSpilled) return;
    spilled.delete(id);
    const operation = Object.assign(this.#operation, accepted, {
      keyed,
      acceptedAt: accepted.acceptedAt - zero,
      sync: false,
    });
    const part = this.parts.partOf(encoding, records.bytes, contentAt, length);
    queue.uncountAway(1, 0);
    queue.count(recordBytes(length));
    if (isWaiting) {
      this.#passedOver(acceptedBytes(length));
      queue.parts[part]![LaneId.Async].append(operation, records.bytes, contentAt, length);
      this.parts.entered(recordBytes(length));
      this.#loaded++;
    } else {
      const isDelayed = accepted.state === DueState.Delayed;
      const state = isDelayed ? "delayed" : "retrying";
      // Where the clock was set back meanwhile, it waits for as long as was asked for, and not for the difference, too.
      const latest = isDelayed ? this.parts.now() + accepted.delay : Infinity;
      queue.parked.put(
        state,
        part,
        LaneId.Async,
        operation,
        records.bytes,
        contentAt,
        length,
        Math.min(due - zero, latest),
      );
      this.parts.events.parked();
    }
  }

  #passedOver(bytes: number): void {
    const passed = Math.min(bytes, this.#bytes);
    this.#bytes -= passed;
    this.parts.queue.uncountAway(0, passed);
  }

  /** What was asked for has come. */
  loadedEnd(): void {
    const { journal: { news } } = this.parts;
    const { passedOverBytes, isAll } = News.loadedEnd(news);
    this.#isAsked = false;
    this.#isVain = isAll && this.#loaded === 0;
    this.#passedOver(passedOverBytes);
    this.forgetIfNone();
    if (!this.#isFirst) return;
    this.#isFirst = false;
    this.#ready.resolve();
  }
}

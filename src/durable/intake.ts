import { type AcceptedRecord, DueState, type IdRun } from "../journal/record_layout.ts";
import { JournalRecord } from "../journal/record.ts";
import {
  acceptedBytes,
  attemptBytes,
  bareBytes,
  buriedBytes,
  endedBytes,
  errorBytes,
  keyBytes,
  rememberedBytes,
  writeAccepted,
  writeAttempt,
  writeBuried,
  writeEnded,
  writeRemembered,
  writeReserved,
} from "../journal/write_record.ts";
import type { Words } from "../protocol/copy_bytes.ts";
import type { DeadLetter } from "../queue/dead_letters.ts";
import type { Remembered } from "../queue/dedup.ts";
import { blankOperation, type Operation } from "../queue/record.ts";
import type { RingWriter } from "../ring/ring.ts";

/** Runs of ids that are gathered before they are written. */
const MAX_RUNS = 256;

/**
 * What the main thread has to say to a plugin's journal, in its order. Where the ring is full, what has become of operations is
 * kept until there is room; operations are not taken meanwhile. Times are monotonic, in ms.
 */
export class Intake {
  /** Ids that ended and are not written yet. */
  #runs: { first: number; count: number }[] = [];
  /** Records that found no room, the oldest first. */
  #kept: Words[] = [];

  #isGone = false;

  readonly #record: AcceptedRecord = { ...blankOperation(), due: 0, state: DueState.Delayed };

  /** @param zero the epoch's time in ms when the monotonic one was 0 */
  constructor(readonly ring: RingWriter, readonly zero: number) {}

  /** Whether there is room for an operation with so much content. */
  admits(contentLength: number): boolean {
    return this.#kept.length === 0 && this.ring.reserve(acceptedBytes(contentLength));
  }

  /**
   * Writes an operation for which {@link admits} was true; `due` is 0 for at once. Returns where in the ring's records the content
   * lies until it is published: a multiple of 4.
   */
  accepted(operation: Operation, due: number, source: Uint8Array, at: number, length: number): number {
    const record = this.#record;
    record.id = operation.id;
    record.command = operation.command;
    record.encoding = operation.encoding;
    record.hops = operation.hops;
    record.keyed = operation.keyed;
    record.attempts = operation.attempts;
    record.acceptedAt = operation.acceptedAt + this.zero;
    record.delay = operation.delay;
    record.due = due === 0 ? 0 : due + this.zero;
    const { ring } = this;
    const bytes = acceptedBytes(length);
    ring.reserve(bytes);
    writeAccepted(ring.records, ring.at, record, source, at, length);
    ring.commit(bytes);
    return JournalRecord.contentAt(ring.at);
  }

  attempt(id: number, attempts: number, due: number, state: DueState): void {
    this.#write(attemptBytes(), (to, at) => writeAttempt(to, at, id, attempts, due + this.zero, state));
  }

  buried(letter: DeadLetter): void {
    const { zero } = this;
    const own = { ...letter, acceptedAt: letter.acceptedAt + zero, failedAt: letter.failedAt + zero };
    const error = errorBytes(own);
    this.#write(buriedBytes(own, error), (to, at) => writeBuried(to, at, own, error));
  }

  remembered(reply: Omit<Remembered, "acceptedAt">): void {
    const own = { ...reply, until: reply.until + this.zero };
    const key = keyBytes(own);
    this.#write(rememberedBytes(own, key), (to, at) => writeRemembered(to, at, own, key));
  }

  reserved(upTo: number): void {
    this.#write(bareBytes(), (to, at) => writeReserved(to, at, upTo));
  }

  /** Notes an id that has ended; it is written with others. */
  ended(id: number): void {
    if (this.#isGone) return;
    const last = this.#runs.at(-1);
    if (last !== undefined && last.first + last.count === id) {
      last.count++;
      return;
    }
    if (this.#runs.length === MAX_RUNS) this.#writeRuns();
    this.#runs.push({ first: id, count: 1 });
  }

  /** Shows the thread what there is. */
  publish(): void {
    this.#writeKept();
    if (this.#runs.length > 0) this.#writeRuns();
    this.ring.publish();
  }

  /** Nobody reads the ring any more: what there is to say is not kept. */
  abandon(): void {
    this.#isGone = true;
    this.#runs = [];
    this.#kept = [];
  }

  /** All was written to the ring. */
  get isEmpty(): boolean {
    return this.#kept.length === 0 && this.#runs.length === 0;
  }

  #writeRuns(): void {
    const runs: readonly IdRun[] = this.#runs;
    this.#runs = [];
    this.#write(endedBytes(runs.length), (to, at) => writeEnded(to, at, runs));
  }

  #write(bytes: number, write: (to: Words, at: number) => void): void {
    if (this.#isGone) return;
    this.#writeKept();
    const { ring } = this;
    if (this.#kept.length === 0 && ring.reserve(bytes)) {
      write(ring.records, ring.at);
      ring.commit(bytes);
      return;
    }
    const record = { bytes: new Uint8Array(bytes), words: new Uint32Array(0) };
    record.words = new Uint32Array(record.bytes.buffer);
    write(record, 0);
    this.#kept.push(record);
  }

  #writeKept(): void {
    let count = 0;
    for (const { bytes } of this.#kept) {
      if (!this.ring.reserve(bytes.length)) break;
      this.ring.bytes.set(bytes, this.ring.at);
      this.ring.commit(bytes.length);
      count++;
    }
    if (count > 0) this.#kept.splice(0, count);
  }
}

import type { Addressee } from "./reply_writer.ts";
import type { Batch } from "./batch.ts";
import type { OperationParams } from "./params.ts";

/** Contents of gathered operations are copied together, so many bytes at a time. */
const CHUNK_BYTES = 64 * 1024;

/** The batches that are being gathered, one a command at most. */
export class OpenBatches {
  /** By command, the oldest first. */
  readonly #open = new Map<number, Batch>();
  #chunk = new Uint8Array(0);
  #used = 0;
  #timer: number | undefined;
  /** When it is to ring; monotonic, in ms. */
  #timerAt = Infinity;
  #isHurried = false;

  get size(): number {
    return this.#open.size;
  }

  of(command: number): Batch | undefined {
    return this.#open.get(command);
  }

  add(batch: Batch): void {
    this.#open.set(batch.command, batch);
  }

  delete(batch: Batch): void {
    this.#open.delete(batch.command);
  }

  /** Copies an operation's params out of the ring. */
  keep(params: OperationParams): void {
    const { length } = params;
    if (this.#used + length > this.#chunk.length) {
      this.#chunk = new Uint8Array(Math.max(CHUNK_BYTES, length));
      this.#used = 0;
    }
    params.keepIn(this.#chunk, this.#used);
    this.#used += length;
  }

  /** Nothing is waited for from now on. */
  hurry(): void {
    this.#isHurried = true;
  }

  get oldest(): Batch | undefined {
    for (const batch of this.#open.values()) return batch;
    return undefined;
  }

  /** One that is to go off at that time at the latest; monotonic, in ms. */
  due(time: number): Batch | undefined {
    for (const batch of this.#open.values()) if (batch.dueAt <= time) return batch;
    return undefined;
  }

  /** One that waits for nothing, or not any more, when nothing is there that could be part of it. */
  ready(time: number): Batch | undefined {
    for (const batch of this.#open.values()) {
      if (this.#isHurried || batch.bounds.wait === 0 || batch.dueAt <= time) return batch;
    }
    return undefined;
  }

  /** How long none has to go off, in ms from that time. */
  restFrom(time: number): number {
    return Math.max(this.#nextDue - time, 0);
  }

  get #nextDue(): number {
    let due = Infinity;
    for (const { dueAt } of this.#open.values()) due = Math.min(due, dueAt);
    return due;
  }

  /** Calls `wake` once when the next one is due, or a little earlier. */
  watch(wake: () => void): void {
    const due = this.#nextDue;
    // One that rings too early does no harm, and need not be taken back.
    if (due >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = due;
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity;
      wake();
    }, Math.max(Math.ceil(due - performance.now()), 0));
  }

  /** Takes out an operation that was cancelled; its batch is open no more where it was the only one. */
  cancel(slot: number, sequence: number): { operation: Addressee; dropped: Batch | null } | null {
    for (const batch of this.#open.values()) {
      const operation = batch.remove(slot, sequence);
      if (operation === null) continue;
      if (batch.size > 0) return { operation, dropped: null };
      this.#open.delete(batch.command);
      return { operation, dropped: batch };
    }
    return null;
  }
}

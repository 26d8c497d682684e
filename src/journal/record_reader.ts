import type { Words } from "../protocol/copy_bytes.ts";
import { crc32c, crc32cOfWord } from "./crc32c.ts";
import { type JournalFile, uninterrupted } from "./journal_files.ts";
import { CRC_AT, padded, RECORD_HEADER_BYTES } from "./record_layout.ts";
import { JournalRecord, recordProblem } from "./record.ts";

/** So much is read at a time, in bytes. */
const BLOCK_BYTES = 2 ** 20;

/** Zeros, as bytes and as words. */
export function blankWords(length: number): Words {
  const bytes = new Uint8Array(padded(length));
  return { bytes, words: new Uint32Array(bytes.buffer) };
}

/** The CRC of a record in a file whose header has the CRC `seed`. */
export function recordCrc(record: Words, at: number, seed: number): number {
  const length = JournalRecord.length(record, at);
  return crc32c(record, at + CRC_AT + 4, at + padded(length), crc32cOfWord(length, seed));
}

/** What keeps the bytes at `at` from being a record of that file; null where nothing does. */
export function checkedProblem(record: Words, at: number, available: number, seed: number): string | null {
  const problem = recordProblem(record, at, available);
  if (available < RECORD_HEADER_BYTES) return problem;
  const length = JournalRecord.length(record, at);
  if (length > available || padded(length) > available) return problem;
  const isIntact = recordCrc(record, at, seed) === JournalRecord.crc(record, at);
  if (problem === null) return isIntact ? null : "the record's checksum does not fit it";
  return isIntact && length >= RECORD_HEADER_BYTES ? `${UNKNOWN}${problem}` : problem;
}

/** Before the problem of a record that is as it was written, and yet none that is known. */
export const UNKNOWN = "the record is as it was written, but ";

/** Reads the records of a file one after the other, block by block. */
export class RecordReader {
  /** The record that {@link next} found: where in `words`, and where in the file. */
  at = 0;
  offset: number;
  /** Why there is no further record, where bytes are left. */
  problem: string | null = null;
  words: Words;
  #base: number;
  #filled = 0;
  #next = 0;

  /**
   * @param from where the first record begins in the file
   * @param to where the last one ends
   * @param buffer may be shared by readers that take turns from one record to the next
   */
  constructor(
    readonly file: JournalFile,
    from: number,
    readonly to: number,
    readonly seed: number,
    buffer = blankWords(BLOCK_BYTES),
  ) {
    this.words = buffer;
    this.#base = from;
    this.offset = from;
  }

  /** Moves to the next record; false at the end, or where the {@link problem} is. */
  next(): boolean {
    this.#prepare();
    this.at = this.#next;
    this.offset = this.#base + this.#next;
    const available = this.#filled - this.#next;
    if (available === 0) return false;
    this.problem = checkedProblem(this.words, this.#next, available, this.seed);
    if (this.problem !== null) return false;
    this.#next += JournalRecord.bytes(this.words, this.#next);
    return true;
  }

  /** Reads on where the next record is not all there; what was found before is moved. */
  #prepare(): void {
    const available = this.#filled - this.#next;
    const header = available >= RECORD_HEADER_BYTES ? JournalRecord.length(this.words, this.#next) : 0;
    const needed = Math.max(RECORD_HEADER_BYTES, header + 7);
    const left = this.to - this.#base - this.#filled;
    if (available >= needed || left <= 0 || needed > available + left + 7) return;
    const from = this.words.bytes;
    if (needed > from.length) this.words = blankWords(needed + BLOCK_BYTES);
    this.words.bytes.set(from.subarray(this.#next, this.#filled));
    this.#base += this.#next;
    this.#filled = available;
    this.#next = 0;
    const room = Math.min(this.words.bytes.length - available, left);
    const into = this.words.bytes.subarray(available, available + room);
    const read = uninterrupted(() => this.file.readAt(this.#base + available, into));
    this.#filled += read;
    if (read > 0 && available < RECORD_HEADER_BYTES) this.#prepare();
  }
}

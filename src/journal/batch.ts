import { copyWords, type Words } from "../protocol/copy_bytes.ts";
import { JournalRecord } from "./record.ts";
import { RecordKind } from "./record_layout.ts";
import { blankWords, recordCrc } from "./record_reader.ts";
import { setBatch } from "./write_record.ts";

const FIRST_BYTES = 64 * 1024;
/** A batch that was longer gives its memory back when it is empty, in bytes. */
const KEPT_BYTES = 4 * 2 ** 20;

/** Records one behind the other, on their way to a file. */
export class Batch implements Words {
  bytes: Uint8Array;
  words: Uint32Array;
  length = 0;
  /** ACCEPTED records among them. */
  accepted = 0;

  constructor(capacity = FIRST_BYTES) {
    const { bytes, words } = blankWords(capacity);
    this.bytes = bytes;
    this.words = words;
  }

  /** Makes room for so many bytes more and returns where they go. */
  room(size: number): number {
    if (this.length + size > this.bytes.length) {
      const { bytes, words } = blankWords(Math.max(2 * this.bytes.length, this.length + size));
      bytes.set(this.bytes.subarray(0, this.length));
      this.bytes = bytes;
      this.words = words;
    }
    return this.length;
  }

  /** Takes a copy of a record. */
  add(record: Words, at: number): void {
    const size = JournalRecord.bytes(record, at);
    const to = this.room(size);
    copyWords(record, at, size, this, to);
    this.length += size;
    if (JournalRecord.kind(record, at) === RecordKind.Accepted) this.accepted++;
  }

  /** Takes copies of all records of another; of operations only where that is wanted. */
  addAll(other: Batch, withAccepted: boolean): void {
    for (const at of other.records()) {
      if (withAccepted || JournalRecord.kind(other, at) !== RecordKind.Accepted) this.add(other, at);
    }
  }

  /** Where each record begins. */
  *records(): Generator<number> {
    for (let at = 0; at < this.length; at += JournalRecord.bytes(this, at)) yield at;
  }

  /** Writes into each record that its batch begins at `offset` of a file, and its CRC; `seed` is the CRC of the file's header. */
  seal(offset: number, seed: number): void {
    for (let at = 0; at < this.length; at += JournalRecord.bytes(this, at)) {
      setBatch(this, at, offset);
      JournalRecord.setCrc(this, at, recordCrc(this, at, seed));
    }
  }

  empty(): void {
    this.length = 0;
    this.accepted = 0;
    if (this.bytes.length > KEPT_BYTES) Object.assign(this, blankWords(FIRST_BYTES));
  }
}

import type { Words } from "../protocol/copy_bytes.ts";
import { Places } from "./places.ts";
import { JournalRecord } from "./record.ts";
import { ATTEMPT_BYTES, type IdRun, RecordKind } from "./record_layout.ts";

/** A file of the journal, and what of it counts. */
export interface LogFile {
  readonly path: string;
  readonly number: number;
  readonly through: number;
  readonly generation: number;
  readonly committedBefore: number;
  /** The CRC of its header. */
  readonly seed: number;
  /** Up to here it has records that count as written and synced. */
  end: number;
  /** Up to here it was to be read when it was found. */
  readonly to: number;
  /** What it takes on disk, zeros behind the end with it. */
  diskBytes: number;
  liveBytes: number;
  /** The ids that its records are about; those of ENDED are not. */
  lowest: number;
  highest: number;
  /** The highest id of its ACCEPTED records; 0 where it has none. */
  lastAccepted: number;
  /** It has dead letters, replies, or operations with a key, a time or an attempt: the first fill looks at it whole. */
  isSpecial: boolean;
  /** Bytes that do not count and could not be left out when it was compacted. */
  overhead: number;
  /** Records that were read or written, whether they count or not. */
  records: number;
}

/** So many more replies may be noted than there are twice. */
const SPARE_REPLIES = 1024;

/** Which records count: for each id the last one. */
export class Log {
  readonly places = new Places();
  /** The oldest first. */
  readonly files: LogFile[] = [];
  /** Records that count, by kind. */
  readonly counts = new Array<number>(8).fill(0);
  liveBytes = 0;
  diskBytes = 0;
  /** The highest id that may be given out, and the highest that was seen. */
  reserved = 0;
  highest = 0;
  /** Replies in the order in which they were remembered, with their time. */
  #replies: { readonly id: number; readonly until: number }[] = [];
  readonly #byNumber = new Map<number, LogFile>();

  /** Takes a file in, as the newest. */
  add(file: LogFile): void {
    this.files.push(file);
    this.#byNumber.set(file.number, file);
    this.diskBytes += file.diskBytes;
  }

  /** Puts one in the place of others that follow each other. */
  replace(from: number, count: number, file: LogFile): LogFile[] {
    const gone = this.files.splice(from, count, file);
    for (const each of gone) {
      this.#byNumber.delete(each.number);
      this.diskBytes -= each.diskBytes;
    }
    this.#byNumber.set(file.number, file);
    this.diskBytes += file.diskBytes;
    return gone;
  }

  /** Takes the oldest out. */
  removeOldest(): LogFile {
    const file = this.files.shift()!;
    this.#byNumber.delete(file.number);
    this.diskBytes -= file.diskBytes;
    return file;
  }

  byNumber(number: number): LogFile | undefined {
    return this.#byNumber.get(number);
  }

  /** Changes what a file takes on disk. */
  resize(file: LogFile, diskBytes: number): void {
    this.diskBytes += diskBytes - file.diskBytes;
    file.diskBytes = diskBytes;
  }

  /** A record counts from now on. */
  apply(record: Words, at: number, file: LogFile): void {
    file.records++;
    const kind = JournalRecord.kind(record, at);
    const id = JournalRecord.id(record, at);
    switch (kind) {
      case RecordKind.Accepted:
        file.lastAccepted = Math.max(file.lastAccepted, id);
        if (JournalRecord.isKeyed(record, at) || JournalRecord.due(record, at) > 0) file.isSpecial = true;
        return this.#count(id, kind, JournalRecord.bytes(record, at), file);
      case RecordKind.Buried:
        file.isSpecial = true;
        return this.#count(id, kind, JournalRecord.bytes(record, at), file);
      case RecordKind.Remembered:
        file.isSpecial = true;
        this.#count(id, kind, JournalRecord.bytes(record, at), file);
        return this.#noteReply(id, JournalRecord.until(record, at));
      case RecordKind.Attempt:
        return this.#attempt(record, at, id, file);
      case RecordKind.Ended:
        for (let run = 0; run < JournalRecord.runs(record, at); run++) {
          this.#ended(JournalRecord.runFirst(record, at, run), JournalRecord.runCount(record, at, run));
        }
        return;
      case RecordKind.Reserved:
        this.reserved = Math.max(this.reserved, id);
    }
  }

  #count(id: number, kind: RecordKind, size: number, file: LogFile): void {
    this.forget(id);
    this.places.set(id, kind, file.number, size);
    this.#mention(id, file);
    this.highest = Math.max(this.highest, id);
    this.counts[kind]!++;
    this.#weigh(file, size);
  }

  /** The file has a record about that id. */
  #mention(id: number, file: LogFile): void {
    file.lowest = Math.min(file.lowest, id);
    file.highest = Math.max(file.highest, id);
  }

  #attempt(record: Words, at: number, id: number, file: LogFile): void {
    const own = this.places.file(id);
    if (this.places.kind(id) !== RecordKind.Accepted) return;
    const before = this.places.attempt(id);
    if (before !== null) this.#weigh(this.byNumber(before.file)!, -ATTEMPT_BYTES);
    this.places.setAttempt(id, {
      file: file.number,
      attempts: JournalRecord.attempts(record, at),
      due: JournalRecord.due(record, at),
      state: JournalRecord.state(record, at),
    });
    this.byNumber(own)!.isSpecial = true;
    this.#mention(id, file);
    this.#weigh(file, ATTEMPT_BYTES);
  }

  #ended(first: number, count: number): void {
    for (let id = first; id < first + count;) {
      const skip = this.places.skip(id);
      if (skip === 0) this.forget(id);
      id += Math.max(1, skip);
    }
  }

  /** No record counts of that id any more. */
  forget(id: number): void {
    const number = this.places.file(id);
    if (number === 0) return;
    this.#weigh(this.byNumber(number)!, -this.places.size(id));
    this.counts[this.places.kind(id)]!--;
    const attempt = this.places.attempt(id);
    if (attempt !== null) this.#weigh(this.byNumber(attempt.file)!, -ATTEMPT_BYTES);
    this.places.delete(id);
  }

  #weigh(file: LogFile, bytes: number): void {
    file.liveBytes += bytes;
    this.liveBytes += bytes;
  }

  #noteReply(id: number, until: number): void {
    this.#replies.push({ id, until });
    if (this.#replies.length < 2 * this.counts[RecordKind.Remembered]! + SPARE_REPLIES) return;
    // Those that were forgotten before their time.
    this.#replies = this.#replies.filter((each) => this.places.kind(each.id) === RecordKind.Remembered);
  }

  /** Puts replies in the order in which their time ends, which is that of their files but where a reload has changed it. */
  sortReplies(): void {
    this.#replies.sort((a, b) => a.until - b.until);
  }

  /** Forgets replies whose time is over; `now` in epoch ms. */
  expire(now: number): void {
    const fresh = this.#replies.findIndex(({ until }) => until > now);
    const over = this.#replies.splice(0, fresh < 0 ? this.#replies.length : fresh);
    for (const { id } of over) if (this.places.kind(id) === RecordKind.Remembered) this.forget(id);
  }

  /** What counts of an operation moves to a compacted file, which has it with that size; its attempt, too, or within it. */
  move(id: number, file: LogFile, size: number): void {
    this.places.set(id, this.places.kind(id) as RecordKind, file.number, size);
    this.#mention(id, file);
    file.liveBytes += size;
  }

  /** Operations that wait, but for those whose time is yet to come, as runs of ids; `now` in epoch ms. */
  waiting(
    isParked: (id: number) => boolean,
  ): { readonly runs: IdRun[]; readonly bytes: number; readonly parked: number } {
    const runs: { first: number; count: number }[] = [];
    let [bytes, parked] = [0, 0];
    for (const id of this.places.ids(RecordKind.Accepted)) {
      if (isParked(id)) {
        parked++;
        continue;
      }
      bytes += this.places.size(id);
      const last = runs.at(-1);
      if (last !== undefined && last.first + last.count === id) last.count++;
      else runs.push({ first: id, count: 1 });
    }
    return { runs, bytes, parked };
  }
}

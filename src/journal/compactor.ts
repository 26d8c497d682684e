import { Batch } from "./batch.ts";
import { FILE_HEADER_BYTES, writeFileHeader } from "./file_header.ts";
import { damage } from "./journal_error.ts";
import { type JournalFile, uninterrupted, withFile, writeAll } from "./journal_files.ts";
import type { AppenderParts } from "./appender.ts";
import type { LogFile } from "./log.ts";
import { JournalRecord } from "./record.ts";
import { ATTEMPT_BYTES, type IdRun, RECORD_HEADER_BYTES, RecordKind } from "./record_layout.ts";
import { blankWords, RecordReader } from "./record_reader.ts";
import { endedBytes, writeClosed, writeEnded, writeReserved } from "./write_record.ts";
import type { Words } from "../protocol/copy_bytes.ts";

/** So much is read at a step, in bytes. */
const STEP_BYTES = 256 * 1024;
/** A file of which less is alive is written anew. */
const MIN_ALIVE = 0.8;
/** There may be so much more on disk than is alive, beside a file. */
const MAX_SHARE = 1.25;
/** There may be so much more where room is short, in bytes. */
const SHORT_BYTES = 2 ** 20;
/** A pass begins so much of a file before its time: what comes while it goes on, and zeros written ahead, take room, too. */
const EARLY_SHARE = 1 / 16;
/** There may be so many files more than their bytes need. */
const SPARE_FILES = 8;

/** Whether much of a file would be left out. */
export function isThin({ liveBytes, overhead, diskBytes }: LogFile): boolean {
  return liveBytes + overhead < MIN_ALIVE * diskBytes;
}

/** A pass under way: some files that follow each other become one. */
interface Pass {
  readonly files: readonly LogFile[];
  readonly numbers: ReadonlySet<number>;
  readonly path: string;
  readonly handle: JournalFile;
  readonly seed: number;
  /** Records that count, by id: their sizes, and whether their attempt was written into them. */
  readonly copied: { readonly id: number; readonly size: number; readonly folded: boolean }[];
  readonly copiedAttempts: number[];
  readonly batch: Batch;
  end: number;
  index: number;
  offset: number;
  isWritten: boolean;
}

/**
 * Writes what counts of old files anew: records in their order, the last attempt within its operation, ENDED only where an earlier
 * file may have what has ended. The new file is synced and takes the name of the first of them in one step; its header says which
 * numbers it stands for, so that the others do not count from then on, and are removed.
 */
export class Compactor {
  compactedBytes = 0;
  #pass: Pass | null = null;

  /** False at first: the server before may have been killed between a new name and its sync. */
  #isFolderSynced = false;

  /** @param leftovers paths of files that do not count any more */
  constructor(readonly parts: AppenderParts, readonly leftovers: string[]) {}

  get isBusy(): boolean {
    return this.#pass !== null;
  }

  /** The new file is written: {@link finish} puts it in place once all that was taken into account is synced. */
  get isWritten(): boolean {
    return this.#pass?.isWritten === true;
  }

  /** Begins a pass where one is worth it, and sooner where room is short; `active` is the file that is appended to. */
  start(active: LogFile | null, isShort = false): void {
    const { log, segmentBytes } = this.parts;
    const spare = isShort ? Math.min(SHORT_BYTES, segmentBytes) : segmentBytes * (1 - EARLY_SHARE);
    const isLarge = log.diskBytes > MAX_SHARE * log.liveBytes + spare;
    const isMany = log.files.length > 2 * Math.ceil(log.diskBytes / segmentBytes) + SPARE_FILES;
    if (!isLarge && !isMany) return;
    const files = this.#run(active, isMany);
    if (files.length > 0) this.#begin(files);
  }

  /** The first files that follow each other, are worth it, and make one file. */
  #run(active: LogFile | null, isMany: boolean): LogFile[] {
    const { log, segmentBytes } = this.parts;
    const isWorth = (file: LogFile) =>
      file !== active &&
      (isThin(file) || (isMany && file.diskBytes < segmentBytes / 4));
    let run: LogFile[] = [];
    let alive = 0;
    for (const file of log.files) {
      if (isWorth(file) && (run.length === 0 || alive + file.liveBytes <= segmentBytes)) {
        run.push(file);
        alive += file.liveBytes;
        continue;
      }
      if (this.#gains(run)) return run;
      run = isWorth(file) ? [file] : [];
      alive = isWorth(file) ? file.liveBytes : 0;
    }
    return this.#gains(run) ? run : [];
  }

  /** Several become one; one alone must become shorter. */
  #gains(run: readonly LogFile[]): boolean {
    const [first] = run;
    return run.length > 1 || (first !== undefined && isThin(first));
  }

  #begin(run: readonly LogFile[]): void {
    const { files, log, now } = this.parts;
    const first = run[0]!;
    const path = `${first.path}.tmp`;
    const header = blankWords(FILE_HEADER_BYTES);
    const seed = writeFileHeader(header, {
      generation: first.generation + 1,
      number: first.number,
      through: run.at(-1)!.through,
      run: this.parts.run,
      committedBefore: first.committedBefore,
      createdAt: now(),
    });
    const handle = uninterrupted(() => files.create(path));
    const pass: Pass = {
      files: run,
      numbers: new Set(run.map(({ number }) => number)),
      path,
      handle,
      seed,
      copied: [],
      copiedAttempts: [],
      batch: new Batch(2 * STEP_BYTES),
      end: FILE_HEADER_BYTES,
      index: 0,
      offset: FILE_HEADER_BYTES,
      isWritten: false,
    };
    this.#pass = pass;
    writeAll(handle, 0, header.bytes);
    writeReserved(pass.batch, pass.batch.room(RECORD_HEADER_BYTES), log.reserved);
    pass.batch.length += RECORD_HEADER_BYTES;
  }

  /** Goes on by a step; it throws what the system says, and {@link abandon} must follow. */
  step(): void {
    const pass = this.#pass;
    if (pass === null || pass.isWritten) return;
    const file = pass.files[pass.index];
    if (file !== undefined) this.#copy(pass, file);
    else {
      writeClosed(pass.batch, pass.batch.room(RECORD_HEADER_BYTES));
      pass.batch.length += RECORD_HEADER_BYTES;
      pass.isWritten = true;
    }
    pass.batch.seal(FILE_HEADER_BYTES, pass.seed);
    writeAll(pass.handle, pass.end, pass.batch.bytes.subarray(0, pass.batch.length));
    pass.end += pass.batch.length;
    this.compactedBytes += pass.batch.length;
    pass.batch.empty();
    // Little at a time, so that a sync of the newest file does not wait for much of this one.
    uninterrupted(() => pass.handle.syncData());
  }

  #copy(pass: Pass, file: LogFile): void {
    withFile(this.parts.files, file.path, (open) => {
      const reader = new RecordReader(open, pass.offset, file.end, file.seed, blankWords(STEP_BYTES));
      const until = pass.offset + STEP_BYTES;
      while (reader.offset < until && reader.next()) {
        this.#take(pass, file, reader.words, reader.at);
        pass.offset = reader.offset + JournalRecord.bytes(reader.words, reader.at);
      }
      if (reader.problem !== null) throw damage(file.path, reader.offset, reader.problem);
      if (pass.offset < file.end) return;
      pass.index++;
      pass.offset = FILE_HEADER_BYTES;
    });
  }

  #take(pass: Pass, file: LogFile, record: Words, at: number): void {
    const { places } = this.parts.log;
    const id = JournalRecord.id(record, at);
    const kind = JournalRecord.kind(record, at);
    if (kind === RecordKind.Ended) return this.#takeEnded(pass, record, at);
    if (kind === RecordKind.Attempt) return this.#takeAttempt(pass, file, record, at, id);
    if (kind === RecordKind.Reserved || kind === RecordKind.Closed) return;
    if (places.file(id) !== file.number || places.kind(id) !== kind) {
      // A reply whose time is over has no other end than its own.
      const isOver = kind === RecordKind.Remembered && places.file(id) === 0;
      if (isOver && this.#mayLieEarlier(pass, id, 1)) this.#addEnded(pass, [{ first: id, count: 1 }]);
      return;
    }
    const attempt = kind === RecordKind.Accepted ? places.attempt(id) : null;
    const folded = attempt !== null && pass.numbers.has(attempt.file);
    if (folded) JournalRecord.foldAttempt(record, at, attempt.attempts, attempt.due, attempt.state);
    pass.batch.add(record, at);
    pass.copied.push({ id, size: JournalRecord.bytes(record, at), folded });
  }

  /** The last attempt of an operation that lies elsewhere. */
  #takeAttempt(pass: Pass, file: LogFile, record: Words, at: number, id: number): void {
    const { places } = this.parts.log;
    const attempt = places.attempt(id);
    if (attempt === null || attempt.file !== file.number || pass.numbers.has(places.file(id))) return;
    const isLast = attempt.due === JournalRecord.due(record, at) &&
      attempt.attempts === JournalRecord.attempts(record, at) &&
      attempt.state === JournalRecord.state(record, at);
    if (!isLast) return;
    pass.batch.add(record, at);
    pass.copiedAttempts.push(id);
  }

  #takeEnded(pass: Pass, record: Words, at: number): void {
    const runs: IdRun[] = [];
    for (let run = 0; run < JournalRecord.runs(record, at); run++) {
      const first = JournalRecord.runFirst(record, at, run);
      const count = JournalRecord.runCount(record, at, run);
      if (this.#mayLieEarlier(pass, first, count)) runs.push({ first, count });
    }
    if (runs.length > 0) this.#addEnded(pass, runs);
  }

  #addEnded({ batch }: Pass, runs: readonly IdRun[]): void {
    const at = batch.room(endedBytes(runs.length));
    writeEnded(batch, at, runs);
    batch.length += endedBytes(runs.length);
  }

  /** Whether a file before those of the pass may have a record of one of these ids. */
  #mayLieEarlier(pass: Pass, first: number, count: number): boolean {
    for (const file of this.parts.log.files) {
      if (file.number >= pass.files[0]!.number) return false;
      if (file.lowest < first + count && file.highest >= first) return true;
    }
    return false;
  }

  /** Puts the new file in the place of the others; it throws what the system says, and {@link abandon} must follow. */
  finish(): void {
    const pass = this.#pass!;
    const { files } = this.parts;
    const first = pass.files[0]!;
    pass.handle.close();
    uninterrupted(() => files.rename(pass.path, first.path));
    this.#pass = null;
    this.#account(pass, first);
    this.leftovers.push(...pass.files.slice(1).map(({ path }) => path));
    this.#isFolderSynced = false;
    this.clean();
  }

  /** Whether nothing is left of files that were replaced, or removed: until then no other may be removed. */
  get isClean(): boolean {
    return this.leftovers.length === 0 && this.#isFolderSynced;
  }

  /** Removes what does not count any more; it throws what the system says, and is to be called again then. */
  clean(): void {
    const { files, folder } = this.parts;
    if (!this.#isFolderSynced) uninterrupted(() => files.syncFolder(folder));
    this.#isFolderSynced = true;
    if (this.leftovers.length === 0) return;
    const names = new Set(files.list(folder).map((name) => `${folder}/${name}`));
    for (let path = this.leftovers[0]; path !== undefined; path = this.leftovers[0]) {
      const gone = path;
      if (names.has(gone)) uninterrupted(() => files.remove(gone));
      this.#isFolderSynced = false;
      this.leftovers.shift();
    }
    uninterrupted(() => files.syncFolder(folder));
    this.#isFolderSynced = true;
  }

  /** Removes the oldest files while nothing of them counts, one after the other; the newest stays. It throws as {@link clean} does. */
  trim(active: LogFile | null): void {
    const { log } = this.parts;
    const first = log.files[0];
    if (this.#pass !== null || first === undefined || first === active) return;
    if (!this.isClean) this.clean();
    if (log.files.length < 2 || first.liveBytes > 0) return;
    this.leftovers.push(log.removeOldest().path);
    this.clean();
  }

  /** From now on the records that were copied lie in the new file. */
  #account(pass: Pass, first: LogFile): void {
    const { log } = this.parts;
    const { places } = log;
    const file: LogFile = {
      path: first.path,
      number: first.number,
      through: pass.files.at(-1)!.through,
      generation: first.generation + 1,
      committedBefore: first.committedBefore,
      seed: pass.seed,
      to: pass.end,
      end: pass.end,
      diskBytes: pass.end,
      liveBytes: 0,
      lowest: Infinity,
      highest: 0,
      lastAccepted: Math.max(...pass.files.map(({ lastAccepted }) => lastAccepted)),
      isSpecial: pass.files.some(({ isSpecial }) => isSpecial),
      overhead: 0,
      records: pass.copied.length + pass.copiedAttempts.length,
    };
    const before = pass.files.reduce((sum, { liveBytes }) => sum + liveBytes, 0);
    log.replace(log.files.indexOf(first), pass.files.length, file);
    for (const { id, size, folded } of pass.copied) {
      // Of what has ended meanwhile there is a record here, too: the one of its end must stay as long.
      file.lowest = Math.min(file.lowest, id);
      file.highest = Math.max(file.highest, id);
      if (!pass.numbers.has(places.file(id))) continue;
      log.move(id, file, size);
      const attempt = places.attempt(id);
      if (folded && attempt !== null && pass.numbers.has(attempt.file)) {
        places.setAttempt(id, { ...attempt, file: 0 });
      }
    }
    for (const id of pass.copiedAttempts) {
      file.lowest = Math.min(file.lowest, id);
      file.highest = Math.max(file.highest, id);
      const attempt = places.attempt(id);
      if (attempt === null || !pass.numbers.has(attempt.file)) continue;
      places.setAttempt(id, { ...attempt, file: file.number });
      file.liveBytes += ATTEMPT_BYTES;
    }
    log.liveBytes += file.liveBytes - before;
    file.overhead = file.diskBytes - file.liveBytes;
  }

  /** Gives a pass up: the files that there are stay as they are. */
  abandon(): void {
    const pass = this.#pass;
    this.#pass = null;
    if (pass === null) return;
    for (const give of [() => pass.handle.close(), () => this.parts.files.remove(pass.path)]) {
      try {
        give();
      } catch {
        // It is removed when the journal is opened next.
      }
    }
  }
}

import type { Batch } from "./batch.ts";
import { cutFile, quietly } from "./cut_file.ts";
import { FILE_HEADER_BYTES, fileName, writeFileHeader } from "./file_header.ts";
import { type JournalFile, type JournalFiles, uninterrupted, writeAll } from "./journal_files.ts";
import type { Log, LogFile } from "./log.ts";
import { RECORD_HEADER_BYTES } from "./record_layout.ts";
import { blankWords, recordCrc } from "./record_reader.ts";
import { JournalRecord } from "./record.ts";
import { setBatch, writeClosed, writeReserved } from "./write_record.ts";

/** A file that would become longer is ended, in bytes; a record that is longer has a file of its own. */
export const SEGMENT_BYTES = 16 * 2 ** 20;
/** Zeros that are written ahead of short batches, in bytes: a sync that need not note a new length takes two thirds of the time. */
const AHEAD_BYTES = 256 * 1024;
const zeros = new Uint8Array(AHEAD_BYTES);
const FIRST_RECORD_AT = FILE_HEADER_BYTES;
const FIRST_BYTES = FILE_HEADER_BYTES + RECORD_HEADER_BYTES;

/** What the appender must know of the journal. */
export interface AppenderParts {
  readonly files: JournalFiles;
  readonly folder: string;
  readonly run: string;
  readonly log: Log;
  /** Epoch ms. */
  readonly now: () => number;
  readonly segmentBytes: number;
}

/**
 * Writes batches to the newest file, and begins files. A file gets its name when its header and its first batch are synced, and
 * the folder's entry is synced after that: a file with a name has a whole header.
 */
export class Appender {
  /** The file that is appended to; null before the first one, and after {@link abandon}. */
  file: LogFile | null = null;
  /** What all files may take, in bytes: zeros are written ahead only where they fit. */
  maxDisk = Infinity;
  #handle: JournalFile | null = null;
  /** Up to here it was written, and synced, and told to somebody, and reaches with the zeros. */
  #end = 0;
  #synced = 0;
  #told = 0;
  #reaches = 0;

  constructor(readonly parts: AppenderParts) {}

  get end(): number {
    return this.#end;
  }

  get isSynced(): boolean {
    return this.#synced === this.#end;
  }

  /** So much more the files would take with so many bytes. */
  growth(bytes: number): number {
    const grown = this.#end + bytes - this.#reaches;
    return this.#needsFile(bytes) ? FIRST_BYTES + grown : Math.max(0, grown);
  }

  #needsFile(bytes: number): boolean {
    const isFull = this.#end + bytes > this.parts.segmentBytes && this.#end > FIRST_BYTES;
    return this.#handle === null || isFull;
  }

  /** Writes a batch, in a new file where that is needed; it throws what the system says, and {@link abandon} must follow. */
  write(batch: Batch): void {
    if (this.#handle === null || this.#needsFile(batch.length)) return this.begin(batch);
    batch.seal(this.#synced, this.file!.seed);
    this.#append(this.#handle, batch.bytes.subarray(0, batch.length));
  }

  #append(handle: JournalFile, bytes: Uint8Array): void {
    writeAll(handle, this.#end, bytes);
    this.#end += bytes.length;
    const isShort = bytes.length < AHEAD_BYTES / 4;
    if (this.#end > this.#reaches && isShort) this.#writeAhead(handle);
    this.#reaches = Math.max(this.#reaches, this.#end);
    this.parts.log.resize(this.file!, this.#reaches);
  }

  #writeAhead(handle: JournalFile): void {
    const { log, segmentBytes } = this.parts;
    const room = this.maxDisk - (log.diskBytes + this.#end - this.#reaches);
    const ahead = Math.min(AHEAD_BYTES, segmentBytes - this.#end, room);
    if (ahead <= 0) return;
    try {
      writeAll(handle, this.#end, zeros.subarray(0, ahead));
      this.#reaches = this.#end + ahead;
    } catch {
      // It is only to make syncs faster; what matters is told by the sync.
    }
  }

  /** Begins a file with a batch, which is synced with it. */
  begin(batch: Batch): void {
    if (this.#handle !== null) {
      this.sync();
      this.#shorten();
      this.#close();
    }
    const { files, folder, run, log, now } = this.parts;
    const before = log.files.at(-1);
    const number = (before?.through ?? 0) + 1;
    const path = `${folder}/${fileName(number)}`;
    const handle = uninterrupted(() => files.create(`${path}.new`));
    let name = `${path}.new`;
    try {
      const first = blankWords(FIRST_BYTES);
      const committedBefore = before?.end ?? 0;
      const seed = writeFileHeader(first, {
        generation: 0,
        number,
        through: number,
        run,
        committedBefore,
        createdAt: now(),
      });
      writeReserved(first, FIRST_RECORD_AT, log.reserved);
      setBatch(first, FIRST_RECORD_AT, FIRST_RECORD_AT);
      JournalRecord.setCrc(first, FIRST_RECORD_AT, recordCrc(first, FIRST_RECORD_AT, seed));
      batch.seal(FIRST_RECORD_AT, seed);
      writeAll(handle, 0, first.bytes);
      writeAll(handle, FIRST_BYTES, batch.bytes.subarray(0, batch.length));
      const end = FIRST_BYTES + batch.length;
      uninterrupted(() => handle.syncData());
      uninterrupted(() => files.rename(name, path));
      name = path;
      uninterrupted(() => files.syncFolder(folder));
      this.#open(handle, { path, number, committedBefore, seed, end });
    } catch (error) {
      // It has its name, and that may have outlived a loss of power: nothing of the batch is to be found there.
      if (name === path) cutFile(handle, FIRST_BYTES);
      quietly(() => handle.close());
      quietly(() => files.remove(name));
      throw error;
    }
  }

  #open(
    handle: JournalFile,
    file: Pick<LogFile, "path" | "number" | "committedBefore" | "seed" | "end">,
  ): void {
    const { end, number } = file;
    this.#handle = handle;
    this.#end = end;
    this.#synced = end;
    this.#told = end;
    this.#reaches = end;
    this.file = {
      ...file,
      through: number,
      generation: 0,
      to: end,
      diskBytes: end,
      liveBytes: 0,
      lowest: Infinity,
      highest: 0,
      lastAccepted: 0,
      isSpecial: false,
      overhead: 0,
      records: 0,
    };
    this.parts.log.add(this.file);
  }

  /** All that was written outlives a loss of power when it returns; where it throws, {@link abandon} must follow. */
  sync(): void {
    if (this.isSynced || this.#handle === null) return;
    const handle = this.#handle;
    uninterrupted(() => handle.syncData());
    this.#synced = this.#end;
    this.file!.end = this.#end;
  }

  /** Somebody was told that all that was written counts, synced or not. */
  tell(): void {
    this.#told = this.#end;
  }

  /**
   * Ends the file where it was synced last: the next one's header says that nothing behind that counts. Until there is a next one, what
   * somebody was told stays, and nothing else.
   */
  abandon(): void {
    const { file } = this;
    if (file === null) return;
    file.end = this.#synced;
    this.#end = this.#synced;
    const kept = Math.max(this.#told, this.#synced);
    cutFile(this.#handle!, kept);
    this.parts.log.resize(file, kept);
    this.#close();
  }

  /** Notes that all of it was synced, and closes it. */
  finish(): void {
    if (this.#handle === null) return;
    this.sync();
    const closed = blankWords(RECORD_HEADER_BYTES);
    writeClosed(closed, 0);
    setBatch(closed, 0, this.#synced);
    JournalRecord.setCrc(closed, 0, recordCrc(closed, 0, this.file!.seed));
    writeAll(this.#handle, this.#end, closed.bytes);
    this.#end += closed.bytes.length;
    this.sync();
    this.#shorten();
    this.#close();
  }

  /** What lies behind its end does not count, cut off or not. */
  #shorten(): void {
    const handle = this.#handle!;
    quietly(() => {
      handle.truncate(this.#end);
      this.parts.log.resize(this.file!, this.#end);
    });
  }

  #close(): void {
    const handle = this.#handle!;
    quietly(() => handle.close());
    this.#handle = null;
    this.file = null;
    this.#reaches = this.#end;
  }
}

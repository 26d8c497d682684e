import type { Words } from "../protocol/copy_bytes.ts";
import type { RingWriter } from "../ring/ring.ts";
import { FILE_HEADER_BYTES } from "./file_header.ts";
import { damage } from "./journal_error.ts";
import { type JournalFiles, withFile } from "./journal_files.ts";
import type { Log, LogFile } from "./log.ts";
import { LoadedAs, type LoadedEnd, writeLoaded, writeLoadedEnd } from "./news.ts";
import { JournalRecord } from "./record.ts";
import { RecordKind } from "./record_layout.ts";
import { blankWords, RecordReader } from "./record_reader.ts";

/** So much is read at a step, in bytes. */
const STEP_BYTES = 2 ** 20;

/** What is to be read back. */
interface Job extends LoadedEnd {
  /** Bytes of waiting operations that are still wanted. */
  wanted: number;
  /** The first fill: dead letters, replies, parked operations and keys, too, of the files below `until`. */
  readonly fill: { readonly until: number; readonly isParked: (id: number) => boolean } | null;
  /** Where to go on: in a file that may be another by then, with its generation. */
  file: number;
  generation: number;
  offset: number;
}

/** How far a step has come: there is nothing to do, there is, or the ring has no room. */
export type LoadStep = "idle" | "more" | "blocked";

/** Reads records back and gives them to the main thread, in the order of their files. */
export class Loader {
  readonly #jobs: Job[] = [];
  readonly #buffer = blankWords(STEP_BYTES);

  constructor(readonly files: JournalFiles, readonly log: Log, readonly news: RingWriter) {}

  get isBusy(): boolean {
    return this.#jobs.length > 0;
  }

  /** Whether the first fill is under way. */
  get isFilling(): boolean {
    return this.#jobs[0]?.fill !== null && this.isBusy;
  }

  /** Loads dead letters, replies, parked operations and about so many bytes of waiting ones, of the files there are. */
  fill(bytes: number, isParked: (id: number) => boolean): void {
    const until = (this.log.files.at(-1)?.through ?? 0) + 1;
    this.#jobs.push({ ...blankJob(bytes), next: Infinity, fill: { until, isParked } });
  }

  /** Loads about so many bytes of waiting operations, from that id on. */
  load(from: number, bytes: number): void {
    this.#jobs.push({ ...blankJob(bytes), next: from, fill: null });
  }

  /** Goes on; throws JournalError where what was written cannot be read any more. */
  step(): LoadStep {
    const [job] = this.#jobs;
    if (job === undefined) return "idle";
    const file = this.#currentFile(job);
    if (file !== null && job.wanted > 0) return this.#read(job, file);
    return this.#end(job);
  }

  #end(job: Job): LoadStep {
    job.isAll ||= job.fill === null ? job.wanted > 0 : job.next === Infinity;
    if (job.next === Infinity) job.next = this.log.highest + 1;
    if (!writeLoadedEnd(this.news, job)) return "blocked";
    this.#jobs.shift();
    return this.isBusy ? "more" : "idle";
  }

  /** The file in which the job goes on; null where there is none any more. */
  #currentFile(job: Job): LogFile | null {
    for (const file of this.log.files) {
      if (file.through < job.file || !this.#isWanted(job, file)) continue;
      if (file.number !== job.file || file.generation !== job.generation) {
        job.file = file.number;
        job.generation = file.generation;
        job.offset = FILE_HEADER_BYTES;
      }
      if (job.offset < file.end) return file;
    }
    return null;
  }

  #isWanted({ fill, next }: Job, file: LogFile): boolean {
    if (fill === null) return file.lastAccepted >= next;
    return file.number < fill.until && (next === Infinity || file.isSpecial);
  }

  #read(job: Job, file: LogFile): LoadStep {
    return withFile(this.files, file.path, (open) => {
      const reader = new RecordReader(open, job.offset, file.end, file.seed, this.#buffer);
      const until = job.offset + STEP_BYTES;
      // A full fill goes on for what is special, a load does not.
      while (job.wanted > 0 && reader.offset < until && reader.next()) {
        if (!this.#take(job, file, reader.words, reader.at)) return "blocked";
        job.offset = reader.offset + JournalRecord.bytes(reader.words, reader.at);
      }
      if (reader.problem !== null) throw damage(file.path, reader.offset, reader.problem);
      return "more";
    });
  }

  /** Gives a record where it is wanted; false where the ring has no room. */
  #take(job: Job, file: LogFile, record: Words, at: number): boolean {
    const { places } = this.log;
    const id = JournalRecord.id(record, at);
    const kind = JournalRecord.kind(record, at);
    const counts = places.file(id) === file.number && places.kind(id) === kind;
    const size = JournalRecord.bytes(record, at);
    if (kind === RecordKind.Accepted) {
      if (job.fill === null && id < job.next) return true;
      if (counts) return this.#takeAccepted(job, record, at, id, size);
      job.passedOverBytes += size;
    } else if (counts && job.fill !== null) return writeLoaded(this.news, record, at, LoadedAs.Here);
    return true;
  }

  #takeAccepted(job: Job, record: Words, at: number, id: number, size: number): boolean {
    const attempt = this.log.places.attempt(id);
    if (attempt !== null) {
      JournalRecord.foldAttempt(record, at, attempt.attempts, attempt.due, attempt.state);
    }
    const { fill } = job;
    if (fill?.isParked(id) === true) return writeLoaded(this.news, record, at, LoadedAs.Parked);
    if (fill !== null && (job.next !== Infinity || job.wanted <= size)) {
      const isKeyed = JournalRecord.isKeyed(record, at);
      if (isKeyed && !writeLoaded(this.news, record, at, LoadedAs.Spilled)) return false;
      job.next = Math.min(job.next, id);
      return true;
    }
    if (!writeLoaded(this.news, record, at, LoadedAs.Here)) return false;
    job.wanted -= size;
    if (fill === null) job.next = id + 1;
    return true;
  }
}

function blankJob(wanted: number): Omit<Job, "fill"> {
  return {
    wanted: Math.max(wanted, 1),
    isAll: false,
    passedOverBytes: 0,
    next: 0,
    file: 0,
    generation: 0,
    offset: FILE_HEADER_BYTES,
  };
}

import { LatencyTotal } from "../observe/latency_histogram.ts";
import type { RingMemory } from "../ring/ring.ts";
import { RingReader, RingWriter } from "../ring/ring.ts";
import { systemReason } from "../system_reason.ts";
import { Appender, type AppenderParts, SEGMENT_BYTES } from "./appender.ts";
import { checkLengths } from "./check_lengths.ts";
import { Committer, type JournalClock } from "./committer.ts";
import { Compactor, isThin } from "./compactor.ts";
import { type JournalFiles, uninterrupted, withFile } from "./journal_files.ts";
import { Loader, type LoadStep } from "./loader.ts";
import type { Log, LogFile } from "./log.ts";
import type { JournalLimits, OpenRequest, Recovered } from "./messages.ts";
import { missingFile, missingProblem } from "./missing_file.ts";
import { type JournalFigures, writeRefused, writeState } from "./news.ts";
import { NewsQueue } from "./news_queue.ts";
import { JournalRecord } from "./record.ts";
import { RecordKind } from "./record_layout.ts";
import { recover, type Recovery } from "./recovery.ts";

/** News of its figures come at most so often, in ms. */
const STATE_MS = 1000;
/** The main thread is given so long to make room in its ring, in ms. */
const ROOM_MS = 2;
/** What cannot be read back is tried again after so long, in ms. */
const LOAD_RETRY_MS = 5000;
/** Housekeeping that the system refuses, or that meets damage, is tried again after so long, and after twice as long each time; in ms. */
const HOUSE_RETRY_MS = 5000;
const MAX_HOUSE_RETRY_MS = 600_000;
/** A file that is shorter is not ended for want of room, in bytes. */
const SHORT_BYTES = 2 ** 20;
/** Whether all files are still there is looked at so often, and where nothing is to be done so often; in ms. */
const LOOK_MS = 1000;
const IDLE_LOOK_MS = 5000;
/** Ids that are reserved at a time. */
const ID_BLOCK = 2 ** 20;

/** What a journal is opened with. */
export interface StoreParts {
  readonly files: JournalFiles;
  readonly clock: JournalClock;
  readonly request: OpenRequest;
  /** That of the intake ring. */
  readonly bell?: RingMemory;
  readonly segmentBytes?: number;
}

/** One plugin's journal, open. All calls are of one thread and block it; the folder's lock is the caller's. */
export class JournalStore {
  readonly intake: RingReader;
  readonly recovered: Recovered;
  readonly #news: RingWriter;
  readonly #queue: NewsQueue;
  readonly #log: Log;
  readonly #appender: Appender;
  readonly #committer: Committer;
  /** Reused whenever its figures are told. */
  readonly #times = new LatencyTotal();
  readonly #compactor: Compactor;
  readonly #loader: Loader;
  #load: LoadStep = "more";
  /** A file that has been written cannot be read any more, or an old one not be removed. */
  #loadProblem: string | null = null;
  #loadRetryAt = 0;
  #houseRetryAt = 0;
  #houseRest = HOUSE_RETRY_MS;
  /** Why files that need not be there stay. */
  #houseProblem: string | null = null;
  #lookedAt: number;
  /** Room is short: what need not be there goes, also where that is little. */
  #isShort = false;
  /** As they were told last. */
  #toldFull = false;
  #toldDisk = 0;
  #isStateDue = true;
  #stateAt = -Infinity;

  /** Opens it; throws JournalError, and what the system says. */
  constructor(readonly parts: StoreParts) {
    const { files, clock, request, bell } = parts;
    this.intake = new RingReader(request.intake, bell);
    this.#news = new RingWriter(request.news);
    this.#queue = new NewsQueue(this.#news);
    const found = recover(files, request.folder, clock.epoch());
    const run = found.run ?? crypto.randomUUID().replaceAll("-", "");
    const own: AppenderParts = {
      files,
      folder: request.folder,
      run,
      log: found.log,
      now: clock.epoch,
      segmentBytes: parts.segmentBytes ?? SEGMENT_BYTES,
    };
    this.#log = found.log;
    this.#appender = new Appender(own);
    this.#compactor = new Compactor(own, [...found.leftovers]);
    this.#loader = new Loader(files, found.log, this.#news);
    this.#committer = new Committer(this.#appender, clock, request.limits, {
      committed: (accepted) => this.#committed(accepted),
      refused: (count, problem) => this.#queue.push(() => writeRefused(this.#news, count, problem)),
      problem: () => this.#tellState(),
    });
    this.#lookedAt = clock.monotonic();
    this.recovered = this.#begin(found, run);
  }

  /** Writes what was torn anew, and reserves ids, in a file of this start. */
  #begin({ log, salvaged, dues, tail }: Recovery, run: string): Recovered {
    const { clock, request } = this.parts;
    for (const at of salvaged.records()) {
      if (isOfOperation(JournalRecord.kind(salvaged, at))) {
        log.highest = Math.max(log.highest, JournalRecord.id(salvaged, at));
      }
    }
    const used = Math.max(log.reserved, log.highest);
    log.reserved = used + ID_BLOCK;
    checkLengths(log, salvaged, request);
    this.#syncNewest();
    this.#committer.begin(salvaged);
    const now = clock.epoch();
    const isParked = (id: number) => (log.places.attempt(id)?.due ?? dues.get(id) ?? 0) > now;
    const { runs, bytes, parked } = log.waiting(isParked);
    this.#loader.fill(request.fillBytes, isParked);
    return {
      plugin: request.plugin,
      run,
      waiting: runs,
      waitingBytes: bytes,
      parked,
      buried: log.counts[RecordKind.Buried]!,
      remembered: log.counts[RecordKind.Remembered]!,
      nextId: used + 1,
      reserved: log.reserved,
      diskBytes: log.diskBytes,
      liveBytes: log.liveBytes,
      tail,
      problem: this.#committer.problem,
    };
  }

  /** What a server wrote that was killed may be in the system's memory alone; the next file will say that it counts. */
  #syncNewest(): void {
    const newest = this.#log.files.at(-1);
    if (newest === undefined) return;
    withFile(this.parts.files, newest.path, (file) => uninterrupted(() => file.syncData()));
  }

  bound(limits: JournalLimits): void {
    this.#committer.limits = limits;
  }

  /** Loads about so many bytes of waiting operations, from that id on. */
  load(from: number, bytes: number): void {
    this.#loader.load(from, bytes);
    this.#load = "more";
  }

  /** Has what need not be on disk go: other journals are refused room. */
  shrink(): void {
    this.#isShort = true;
  }

  /** Takes what has come, and writes it where it is time; {@link finishTurn} must follow. True where something had come. */
  beginTurn(): boolean {
    const took = this.#committer.take(this.intake);
    this.#committer.write();
    return took;
  }

  /** Syncs what was written, tells it, and goes on with what else is to be done. */
  finishTurn(): void {
    this.#committer.sync();
    this.#queue.flush();
    this.#news.publish();
    this.#lookForFiles();
    this.#goOnLoading();
    this.#keepHouse();
    this.#isStateDue ||= this.#committer.isFull !== this.#toldFull || this.#log.diskBytes !== this.#toldDisk;
    if (this.#isStateDue && this.parts.clock.monotonic() >= this.#stateAt + STATE_MS) this.#tellState();
    this.#queue.flush();
    this.#news.publish();
  }

  /** When {@link beginTurn} is to be called without anything having come; monotonic, Infinity where it need not be. */
  get dueAt(): number {
    const now = this.parts.clock.monotonic();
    const loadAt = !this.#mayLoad ? Infinity : this.#load === "more" ? 0 : now + ROOM_MS;
    const roomAt = this.#queue.isEmpty ? Infinity : now + ROOM_MS;
    const isHoused = this.#committer.problem === null &&
      (this.#compactor.isBusy || (this.#isShort && this.#committer.isIdle));
    const houseAt = isHoused ? this.#houseRetryAt : Infinity;
    const stateAt = this.#isStateDue ? this.#stateAt + STATE_MS : Infinity;
    const loadRetryAt = this.#loadProblem === null ? 0 : this.#loadRetryAt;
    const lookAt = this.#lookedAt + (this.#committer.blocked === null ? IDLE_LOOK_MS : LOOK_MS);
    return Math.min(this.#committer.dueAt, Math.max(loadAt, loadRetryAt), roomAt, houseAt, stateAt, lookAt);
  }

  /** Whether all that was taken from the ring is synced. */
  get isSettled(): boolean {
    return this.#committer.unsyncedBytes === 0;
  }

  get #mayLoad(): boolean {
    return this.#loader.isBusy && !this.#committer.owesOperations;
  }

  #goOnLoading(): void {
    // What is told comes before what is loaded after it.
    if (!this.#mayLoad || !this.#queue.isEmpty) return;
    if (this.#loadProblem !== null && this.parts.clock.monotonic() < this.#loadRetryAt) return;
    try {
      this.#load = this.#loader.step();
      if (this.#loadProblem === null) return;
      this.#loadProblem = null;
    } catch (error) {
      this.#loadRetryAt = this.parts.clock.monotonic() + LOAD_RETRY_MS;
      this.#loadProblem = `operations cannot be read back: ${systemReason(error, "file")}`;
    }
    this.#tellState();
  }

  /** A file that somebody has deleted would take all that is written to it. */
  #lookForFiles(): void {
    const { clock, files, request: { folder } } = this.parts;
    const now = clock.monotonic();
    if (now < this.#lookedAt + LOOK_MS) return;
    this.#lookedAt = now;
    const missing = missingFile(files, folder, this.#log.files);
    const problem = missing === null ? null : missingProblem(missing);
    if (problem === this.#committer.blocked) return;
    this.#committer.blocked = problem;
    this.#compactor.abandon();
    if (missing !== null && missing === this.#appender.file) this.#committer.giveUpFile(problem!);
    this.#tellState();
  }

  /** Removes files of which nothing counts, and makes those shorter of which little does. */
  #keepHouse(): void {
    const now = this.parts.clock.monotonic();
    if (now < this.#houseRetryAt || this.#loader.isFilling) return;
    this.#log.expire(this.parts.clock.epoch());
    const active = this.#appender.file;
    try {
      if (this.#committer.isDurable) this.#compactor.trim(active);
      if (this.#committer.problem !== null || this.#committer.blocked !== null) return;
      this.#isShort ||= this.#committer.isFull;
      if (this.#isShort && this.#endThin(active)) return;
      if (!this.#compactor.isBusy) this.#compactor.start(this.#appender.file, this.#isShort);
      this.#compactor.step();
      if (this.#compactor.isBusy && !this.#compactor.isWritten) return;
      // What was left out counts no more because of records that must outlive a loss of power themselves.
      if (this.#compactor.isWritten) {
        this.#committer.sync(true);
        if (!this.#committer.isDurable || this.#committer.problem !== null) return;
        this.#compactor.finish();
      }
      if (this.#committer.isIdle && !this.#compactor.isBusy) this.#isShort = false;
      this.#houseRest = HOUSE_RETRY_MS;
      this.#tellHouseProblem(null);
    } catch (error) {
      // Files that need not be there stay for now.
      this.#compactor.abandon();
      this.#houseRetryAt = now + this.#houseRest;
      this.#houseRest = Math.min(2 * this.#houseRest, MAX_HOUSE_RETRY_MS);
      this.#tellHouseProblem(systemReason(error, "file"));
    }
  }

  /** Ends the newest file where little of it counts: it goes then, or is written anew. True where it did. */
  #endThin(active: LogFile | null): boolean {
    const isLarge = active !== null &&
      active.diskBytes > Math.min(SHORT_BYTES, this.#appender.parts.segmentBytes / 2);
    if (!isLarge || !isThin(active) || !this.#committer.isIdle) return false;
    this.#committer.roll();
    return true;
  }

  #tellHouseProblem(problem: string | null): void {
    if (problem === this.#houseProblem) return;
    this.#houseProblem = problem;
    this.#tellState();
  }

  #committed(accepted: number): void {
    const { reserved, diskBytes, liveBytes } = this.#log;
    this.#queue.committed({ accepted, reserved, diskBytes, liveBytes });
    this.#isStateDue = true;
  }

  #tellState(): void {
    const { blocked, problem } = this.#committer;
    const state = {
      problem: blocked ?? problem ?? this.#loadProblem,
      full: this.#committer.isFull,
      cleanupProblem: this.#houseProblem,
      figures: this.#figures(),
    };
    this.#toldFull = state.full;
    this.#toldDisk = this.#log.diskBytes;
    this.#queue.push(() => writeState(this.#news, state));
    this.#isStateDue = false;
    this.#stateAt = this.parts.clock.monotonic();
  }

  #figures(): JournalFigures {
    const { times, unsyncedOps, unsyncedBytes, commits, committedBytes, retry } = this.#committer;
    const { diskBytes, liveBytes, files } = this.#log;
    const now = this.parts.clock.monotonic();
    const total = this.#times;
    times.addTo(total.clear());
    const commitTimes = total.classic;
    times.addRecentTo(total.clear(), now);
    const hasRecent = total.count > 0;
    return {
      files: files.length,
      diskBytes,
      liveBytes,
      freeBytes: this.parts.files.freeBytes(this.parts.request.folder),
      unsyncedOps,
      unsyncedBytes,
      commits,
      committedBytes,
      compactedBytes: this.#compactor.compactedBytes,
      failures: retry.count,
      commitP50: hasRecent ? total.quantile(0.5) : null,
      commitP99: hasRecent ? total.quantile(0.99) : null,
      commitTimes,
    };
  }

  /** Writes and syncs what has come, and closes its file; returns why it could not, null where it could. */
  close(): string | null {
    const problem = this.#finish();
    this.#queue.flush();
    this.#news.publish();
    return problem;
  }

  #finish(): string | null {
    do {
      this.#committer.take(this.intake);
      this.#committer.write(true);
      this.#committer.sync(true);
    } while (this.intake.unread > 0);
    this.#compactor.abandon();
    const { problem, unsyncedBytes } = this.#committer;
    if (problem !== null) {
      return unsyncedBytes > 0 ? `${problem}; ${unsyncedBytes} bytes of it are lost` : problem;
    }
    try {
      this.#appender.finish();
    } catch (error) {
      this.#appender.abandon();
      return `the journal's last file cannot be closed: ${systemReason(error, "file")}`;
    }
    return null;
  }
}

function isOfOperation(kind: number): boolean {
  return kind === RecordKind.Accepted || kind === RecordKind.Buried || kind === RecordKind.Remembered;
}

import { LatencyHistogram } from "../observe/latency_histogram.ts";
import type { RingReader } from "../ring/ring.ts";
import { systemReason } from "../system_reason.ts";
import type { Appender } from "./appender.ts";
import { Batch } from "./batch.ts";
import { copyLast } from "./last_records.ts";
import type { LogFile } from "./log.ts";
import type { JournalLimits } from "./messages.ts";
import { recordProblem } from "./record.ts";
import { Retry } from "./retry.ts";

/** So much is taken from the ring for one commit, in bytes. */
const BATCH_BYTES = 2 ** 20;
/** What no caller waits for waits so long for others to be synced with, in ms; or until there is so much of it, in bytes. */
const RIDE_ALONG_MS = 20;
const RIDE_ALONG_BYTES = 256 * 1024;
/** With an interval between syncs so much is synced before its time, in bytes. */
const MAX_UNSYNCED_BYTES = 8 * 2 ** 20;
/** What is owed is gone through when it has become so much, and twice as much as was left the last time; in bytes. */
const MAX_OWED_BYTES = 2 ** 20;

/** The clocks of a journal, in ms. */
export interface JournalClock {
  /** Since the epoch. */
  readonly epoch: () => number;
  readonly monotonic: () => number;
}

/** What the committer tells. */
export interface CommitEvents {
  /** ACCEPTED records are committed: so many since the start. */
  committed(accepted: number): void;
  /** So many of the oldest that were not are refused. */
  refused(count: number, problem: string): void;
  /** Why nothing can be written, or null where it can again. */
  problem(problem: string | null): void;
}

/**
 * Takes records from the ring and commits them, all that have come meanwhile with one sync. Where the system refuses, the
 * file ends where it was synced last, operations are refused, and all else is kept for the next file.
 *
 * ```
 * ring ──take──► fresh ──write──► file ──sync──► committed, told
 *                  └── owed ◄── what is no operation, or was told ◄── refused by the system
 * ```
 */
export class Committer {
  /** How long commits took, in µs. */
  readonly times = new LatencyHistogram();
  commits = 0;
  committedBytes = 0;
  problem: string | null = null;
  /** Why operations are refused, whether they could be written or not; null where they are not. */
  blocked: string | null = null;
  readonly retry = new Retry();
  /** What was taken from the ring and is not written; since when, monotonic. */
  readonly #fresh = new Batch();
  #freshSince = 0;
  /** What must be written, whatever happens: nobody is to be refused any more. */
  #owed = new Batch();
  #mostOwed = MAX_OWED_BYTES;
  /** What was told before it was synced; since when, monotonic. */
  readonly #unsynced = new Batch();
  #unsyncedSince = 0;
  /** Among what is owed is what counts already: it was told before it was synced. */
  #owesCounted = false;
  #accepted = 0;
  /** Bytes of an operation that found no room; 0 where the last one did. */
  #wanted = 0;
  #began = 0;
  /** What was written and is to be synced before it counts: in which files it lies. */
  #written: { readonly owedFile: LogFile | null; readonly freshFile: LogFile | null } | null = null;

  constructor(
    readonly appender: Appender,
    readonly clock: JournalClock,
    public limits: JournalLimits,
    readonly events: CommitEvents,
  ) {}

  /** Operations and bytes that a loss of power would take, or that are still to be written. */
  get unsyncedOps(): number {
    return this.#fresh.accepted + this.#owed.accepted + this.#unsynced.accepted;
  }

  get unsyncedBytes(): number {
    return this.#fresh.length + this.#owed.length + this.#unsynced.length;
  }

  /** Whether operations that were told may be in no file at the moment. */
  get owesOperations(): boolean {
    return this.#owed.accepted > 0;
  }

  /** Whether journal.max_disk has no room for operations like those that were refused for it last. */
  get isFull(): boolean {
    if (this.#wanted === 0) return false;
    const { log } = this.appender.parts;
    const isFull =
      log.diskBytes + this.appender.growth(this.#owed.length + this.#wanted) > this.limits.maxDisk;
    if (!isFull) this.#wanted = 0;
    return isFull;
  }

  /** Whether nothing is under way to the file. */
  get isIdle(): boolean {
    return this.problem === null && this.isDurable && this.#fresh.length + this.#owed.length === 0;
  }

  /** Whether all that counts would outlive a loss of power: what it replaces may go. */
  get isDurable(): boolean {
    return this.appender.isSynced && !this.#owesCounted;
  }

  /** When there is something to do that nobody announces, monotonic; Infinity where there is nothing. */
  get dueAt(): number {
    const hasFresh = this.#fresh.length > 0 || this.#owed.length > 0;
    if (this.problem !== null) return this.#fresh.accepted > 0 ? 0 : this.retry.at;
    const freshAt = !hasFresh ? Infinity : this.#isUrgent ? 0 : this.#freshSince + RIDE_ALONG_MS;
    const syncAt = this.appender.isSynced ? Infinity : this.#unsyncedSince + this.limits.syncMs;
    return Math.min(freshAt, syncAt);
  }

  get #isUrgent(): boolean {
    return this.#fresh.accepted > 0 || this.#owed.length > 0 || this.#fresh.length >= RIDE_ALONG_BYTES;
  }

  /**
   * Begins a file with records that were found torn. Where the system does not let it, it throws if there are any: nobody knows of
   * them yet; otherwise it is tried again later.
   */
  begin(torn: Batch): void {
    this.#began = this.clock.monotonic();
    this.#owed.addAll(torn, true);
    try {
      this.appender.begin(this.#owed);
    } catch (error) {
      if (torn.length > 0) throw error;
      return this.#fail(error);
    }
    this.#written = { owedFile: this.appender.file, freshFile: this.appender.file };
    this.#settle();
  }

  /** Takes what is in the ring, up to a batch; true where there was something. */
  take(ring: RingReader): boolean {
    const before = this.#fresh.length;
    if (this.#fresh.length === 0) this.#freshSince = this.clock.monotonic();
    const { records } = ring;
    while (this.#fresh.length < BATCH_BYTES && ring.next()) {
      const problem = recordProblem(records, ring.at, ring.length);
      if (problem !== null) {
        throw new TypeError(`the main thread has written no record of the journal: ${problem}`);
      }
      this.#fresh.add(records, ring.at);
    }
    ring.release();
    return this.#fresh.length > before;
  }

  /** Writes what was taken, where it is time for that; {@link sync} follows. */
  write(isForced = false): void {
    const now = this.clock.monotonic();
    if (this.problem !== null && !isForced && !this.#isTimeToRetry(now)) {
      return this.#refuseFresh(this.blocked ?? this.problem);
    }
    if (!isForced && this.dueAt > now) return;
    if (this.blocked !== null && this.#fresh.accepted > 0) this.#refuseFresh(this.blocked);
    this.#refuseOverLimit();
    if (this.#fresh.length === 0 && this.#owed.length === 0 && this.problem === null) return;
    this.#began = now;
    try {
      if (this.problem !== null) this.appender.begin(this.#owed);
      else if (this.#owed.length > 0) this.appender.write(this.#owed);
      const owedFile = this.appender.file;
      if (this.#fresh.length > 0) this.appender.write(this.#fresh);
      this.#written = { owedFile, freshFile: this.appender.file };
    } catch (error) {
      return this.#fail(error);
    }
    if (this.limits.syncMs === 0) return;
    if (this.#unsynced.length === 0) this.#unsyncedSince = now;
    this.#unsynced.addAll(this.#owed, true);
    this.#unsynced.addAll(this.#fresh, true);
    this.#settle();
  }

  #isTimeToRetry(now: number): boolean {
    const { files, folder } = this.appender.parts;
    return this.retry.isTime(now, this.#owed.length, () => files.freeBytes(folder));
  }

  /** Syncs what was written, where it is time for that, and tells it. */
  sync(isForced = false): void {
    const isLate = this.clock.monotonic() >= this.#unsyncedSince + this.limits.syncMs;
    const isDue = this.#written !== null || isForced || isLate || this.#unsynced.length > MAX_UNSYNCED_BYTES;
    if (!isDue) return;
    try {
      this.appender.sync();
    } catch (error) {
      return this.#fail(error);
    }
    this.#unsynced.empty();
    if (this.#written !== null) this.#settle();
  }

  /** What was written counts from now on. */
  #settle(): void {
    const { owedFile, freshFile } = this.#written!;
    const { log } = this.appender.parts;
    this.#written = null;
    const bytes = this.#owed.length + this.#fresh.length;
    for (const at of this.#owed.records()) log.apply(this.#owed, at, owedFile!);
    for (const at of this.#fresh.records()) log.apply(this.#fresh, at, freshFile!);
    freshFile!.end = this.appender.end;
    this.commits++;
    this.committedBytes += bytes;
    const now = this.clock.monotonic();
    this.times.record(Math.round((now - this.#began) * 1000), now);
    this.#accepted += this.#fresh.accepted;
    this.#owed.empty();
    this.#owesCounted = false;
    this.#fresh.empty();
    this.appender.tell();
    this.events.committed(this.#accepted);
    if (this.problem === null) return;
    this.problem = null;
    this.retry.wentOn(now);
    this.events.problem(null);
  }

  /** Begins a file while {@link isIdle}, so that the one before can go or become shorter. */
  roll(): void {
    try {
      this.appender.begin(new Batch());
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The newest file is of no use any more; what it has and must not be lost is written to the next. */
  giveUpFile(why: string): void {
    this.#fail(new Error(why));
  }

  #fail(error: unknown): void {
    this.#written = null;
    this.appender.abandon();
    const problem = `the journal cannot be written: ${systemReason(error, "file")}`;
    this.#owesCounted ||= this.#unsynced.length > 0;
    const kept = new Batch();
    kept.addAll(this.#unsynced, true);
    kept.addAll(this.#owed, true);
    this.#unsynced.empty();
    this.#owed.empty();
    this.#owed.addAll(kept, true);
    this.#refuseFresh(problem);
    this.retry.failed(this.clock.monotonic(), error, this.problem === null);
    if (this.problem === problem) return;
    this.problem = problem;
    this.events.problem(problem);
  }

  /** Refuses the operations among what was taken, and keeps all else for later. */
  #refuseFresh(problem: string): void {
    const { accepted } = this.#fresh;
    this.#owed.addAll(this.#fresh, false);
    this.#fresh.empty();
    if (this.#owed.length > this.#mostOwed) this.#shortenOwed();
    if (accepted > 0) this.events.refused(accepted, problem);
  }

  /** A disk may fail for hours, while sync operations go on: what was owed and matters no more is let go. */
  #shortenOwed(): void {
    const { places } = this.appender.parts.log;
    const left = new Batch();
    // What counts already may lie in no file: then the log does not tell which ends files need.
    const isKnown = (id: number) => this.#owesCounted || places.file(id) > 0;
    copyLast(this.#owed, left, isKnown, this.clock.epoch());
    this.#owed = left;
    this.#mostOwed = Math.max(MAX_OWED_BYTES, 2 * left.length);
  }

  #refuseOverLimit(): void {
    const { appender, limits: { maxDisk } } = this;
    const { accepted, length } = this.#fresh;
    appender.maxDisk = maxDisk;
    if (accepted === 0) return;
    const grown = appender.parts.log.diskBytes + appender.growth(this.#owed.length + length);
    if (grown <= maxDisk) return;
    this.#wanted = Math.ceil(length / accepted);
    this.#refuseFresh("the plugin's journal takes up as much of the disk as journal.max_disk lets it");
  }
}

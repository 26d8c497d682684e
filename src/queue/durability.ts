import type { JournalStats } from "../observe/server_stats.ts";
import type { DeadLetter } from "./dead_letters.ts";
import type { Place } from "./lane.ts";
import type { Remembered } from "./dedup.ts";
import type { Addressee, Operation } from "./record.ts";

/** An operation that ends with a sync one, or runs by itself where the server dies before that. */
export interface StandIn {
  readonly id: number;
  /** Monotonic, in ms. */
  readonly acceptedAt: number;
}

/**
 * What keeps a plugin's async operations beyond the life of the server. In memory there is nothing to do, so there the queue's
 * durability is null, and all that it costs is to look. The rules hold for whatever else keeps them; offsets of a plugin's
 * log, in accepted operations, the oldest on the left:
 *
 * ```
 *  trimmed ≤ ············ done ············ ≤ committed ≤ ············· written
 *  files removed          ended, or buried    acknowledged,               in the file or on its way:
 *                                             may run                     nobody was told ("unsynced")
 * ```
 *
 * 1. An async caller is answered 1000 only when its operation is committed: it would be there after a crash.
 * 2. An operation runs only when it is committed: what was refused has not run.
 * 3. What becomes of it (an attempt, a delay, a dead letter, its end, the remembered reply of a key) is noted in the order in which
 *    it happens. No caller waits for that; it is committed with the next operations, or soon after.
 * 4. Once its end is committed it does not run again. Before that it may: at least once.
 * 5. What could not be committed is refused with 21 and a sentence, and is never called safe afterwards.
 * 6. Nothing is removed before all of it is done, or what replaces it is committed.
 * 7. Ids never come twice, also over restarts.
 * 8. Sync operations are not kept: their callers know when the server dies. An async request with the key of a sync operation
 *    that has not ended was told 1000, so it is kept, as an operation of its own that ends with that one.
 *
 * In memory an operation is committed when it is in its lane, and nothing survives the end of the server; in all else both behave
 * alike, which one suite of tests holds them to.
 */
export interface Durability {
  /** The epoch's time in ms when the monotonic one was 0; sums with times of accepted operations are exact. */
  readonly zero: number;
  /** Operations that are kept: committed and not ended, in memory or not. */
  readonly kept: number;
  /** Operations that are not committed yet. */
  readonly unsynced: number;
  /** Operations that are committed and only on disk. */
  readonly spilled: number;
  /** What becomes of operations is noted no more: the server ends, or the plugin. */
  readonly isClosed: boolean;
  /** Why it takes no operations at the moment, as a sentence; null where it does. */
  readonly problem: string | null;

  /** Why an operation with so much content cannot be taken now, as a sentence; null where it can. */
  refusal(contentLength: number): string | null;
  /**
   * Takes an async operation, for which {@link refusal} was null. It gets its id; it is answered, and in line, when it is
   * committed.
   *
   * @param due when it is to get in line, monotonic in ms; 0 for at once
   * @param to who is to be told; null where nobody is
   */
  accept(
    operation: Operation,
    source: Uint8Array,
    at: number,
    length: number,
    due: number,
    to: Addressee | null,
  ): void;
  /** The same with a dead letter, which is kept as one until the new operation is committed. */
  retry(letter: DeadLetter, now: number): void;
  /** Whether another async caller may be told at once of an operation with the same key that has not ended. */
  isSafe(id: number, sync: boolean): boolean;
  /** Where it may not: it is told when that one is committed. */
  share(id: number, to: Addressee | null): void;
  /**
   * The same where that is a sync operation: what the other caller has sent is kept until it ends.
   *
   * @param operation what the caller has sent
   */
  shareSync(
    id: number,
    operation: Operation,
    source: Uint8Array,
    at: number,
    length: number,
    to: Addressee | null,
  ): void;

  /** A committed operation waits until it is due (monotonic, ms), with so many attempts behind it; of so many bytes. */
  parked(id: number, attempts: number, due: number, why: "retrying" | "postponed", bytes: number): void;
  /** A parked operation of so many bytes is back in its lane. */
  unparked(bytes: number): void;
  /** A committed operation has ended; `bytes` of its record where it was in a lane, or with a worker. */
  finished(id: number, bytes: number): void;
  /** The same of a sync operation. */
  finishedSync(id: number): void;
  /** It leaves memory without having ended: the server stops. */
  leftMemory(bytes: number): void;
  /** An operation is a dead letter from now on; it is finished next. */
  buried(letter: DeadLetter): void;
  /** A dead letter is kept no more. */
  unburied(id: number): void;
  /** The reply of an operation with a key is kept; it is finished next. Returns the id that the reply is kept under. */
  remembered(id: number, reply: Omit<Remembered, "id" | "acceptedAt">): number;
  /** A reply is forgotten before its time. */
  forgotten(id: number): void;

  /** What an operation waits for that is not in memory, or not committed; null where it is neither. */
  awayState(id: number): "unsynced" | "queued" | null;
  /** What stands on disk for what async callers were told of a sync operation; null where nothing does. */
  standIn(id: number): StandIn | null;
  /** The sync operation that such a one stands for; null where it is none. */
  stoodFor(id: number): number | null;

  /** Cancels an operation that is not in memory, or not committed; false where there is none with that id. */
  cancel(id: number, message: string): boolean;
  /** Cancels all of them; returns how many. */
  purge(message: string): number;
  /** Where the records lie of what is not committed, the oldest first. */
  unsyncedRecords(): Iterable<Place>;
  /** Has what was noted committed soon, and read back what there is room for. */
  publish(): void;
  /** For operators. */
  figures(): JournalStats;
  /** Has all committed and ends; what is not ended is kept for the next start. */
  close(): Promise<void>;
}

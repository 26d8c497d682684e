import type { DeadLetters } from "../queue/dead_letters.ts";
import type { Dedup } from "../queue/dedup.ts";
import type { OperationQueue } from "../queue/operation_queue.ts";
import type { FillLevel } from "../queue/watermarks.ts";
import type { Addressee } from "../queue/record.ts";
import type { OpenJournal } from "./open_journal.ts";

/** What the journal's side of a plugin's queue tells. */
export interface JournalEvents {
  /** An async caller's operation is on the disk; accepted at that time, monotonic in ms. */
  acknowledged(to: Addressee, id: number, acceptedAt: number): void;
  /** It is not, and will not be. */
  refused(to: Addressee, message: string): void;
  /** So many more are accepted. */
  committed(count: number): void;
  /** So many were refused after all. */
  dropped(count: number): void;
  /** An operation that is not in memory was cancelled, or was not taken after all: for who waits for it by its key. */
  cancelledAway(id: number, message: string): void;
  refusedAway(id: number, message: string): void;
  /** An operation was parked. */
  parked(): void;
  /** All of a batch was told. */
  settled(): void;
  /** Its files have come to take so much of journal.max_disk. */
  filled(level: FillLevel, before: FillLevel): void;
  /** Why files that need not be there any more stay, whenever that changes; null where they do not. */
  uncleaned(problem: string | null): void;
  /** Why the journal takes nothing, whenever that changes; null where it does again. */
  problem(problem: string | null): void;
  /** Nothing is kept any more. */
  closed(): void;
}

export interface JournalQueueParts {
  readonly plugin: string;
  readonly journal: OpenJournal;
  readonly queue: OperationQueue;
  readonly dead: DeadLetters;
  readonly dedup: Dedup;
  /** The epoch's time in ms when the monotonic one was 0; whole in 1/1024 ms. */
  readonly zero: number;
  readonly now: () => number;
  readonly partOf: (encoding: number, bytes: Uint8Array, at: number, length: number) => number;
  /** The key of an operation with that content; null where it has none. */
  readonly keyOf: (command: number, encoding: number, content: Uint8Array) => string | null;
  readonly events: JournalEvents;
}

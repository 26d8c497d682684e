import type { RingMemory } from "../ring/ring.ts";
import type { IdRun } from "./record_layout.ts";

/** How a plugin's journal is kept; a reload may change it. */
export interface JournalLimits {
  /** What arrives is called committed when it was written, and synced after so long, in ms; 0: synced first. */
  readonly syncMs: number;
  /** Accepted operations are refused where its files would be larger, in bytes. */
  readonly maxDisk: number;
}

/** Which journal is to be opened, and by which rings it talks. */
export interface OpenRequest {
  readonly plugin: string;
  /** Its own folder; made where it is not there. */
  readonly folder: string;
  /** Records from the main thread; its writer has the thread's bell. */
  readonly intake: RingMemory;
  /** What the main thread is told; it has a bell of its own, and is read from the moment the journal is opened. */
  readonly news: RingMemory;
  readonly limits: JournalLimits;
  /** Operations with longer contents are not given to workers: a journal that has one is not opened. */
  readonly maxContentBytes: number;
  /** Waiting operations of about so many bytes are read back at once. */
  readonly fillBytes: number;
}

/** What was found on disk. */
export interface Recovered {
  readonly plugin: string;
  /** Of this journal for good: what tells its operations from those of other journals. */
  readonly run: string;
  /** Waiting operations, the oldest first; all are on disk until they are loaded. */
  readonly waiting: readonly IdRun[];
  /** Their bytes on disk. */
  readonly waitingBytes: number;
  /** Operations that wait for a time to come; each is loaded with the first fill. */
  readonly parked: number;
  readonly buried: number;
  readonly remembered: number;
  /** The id that is given out next, and the highest that may be. */
  readonly nextId: number;
  readonly reserved: number;
  readonly diskBytes: number;
  readonly liveBytes: number;
  /** What of the last file was not taken over: it was being written when the server ended. Null where nothing was. */
  readonly tail: { readonly path: string; readonly offset: number; readonly bytes: number } | null;
  /** Why nothing can be written at the moment; null where it can. */
  readonly problem: string | null;
}

/** Why a journal cannot be opened. */
export interface Unopened {
  readonly plugin: string;
  /**
   * `damage`: the file is not as it was written; `version`: a newer mevent has written it; `locked`: another server has it open;
   * `system`: the system refuses.
   */
  readonly reason: "damage" | "version" | "locked" | "system";
  /** The sentence, with file and offset. */
  readonly problem: string;
}

/** Main thread to the journal's thread. */
export type ToJournal =
  /** The first message: all intake rings share this bell. */
  | { readonly kind: "start"; readonly bell: RingMemory }
  | { readonly kind: "open" } & OpenRequest
  /** Waiting operations of about so many bytes are read back, from that id on; LOADED_END ends them. */
  | { readonly kind: "load"; readonly plugin: string; readonly from: number; readonly bytes: number }
  /** Room is short: what need not be on disk is to go. */
  | { readonly kind: "shrink"; readonly plugin: string }
  | { readonly kind: "bound"; readonly plugin: string; readonly limits: JournalLimits }
  /** What is in the intake ring is written and synced, the files are closed. */
  | { readonly kind: "close"; readonly plugin: string };

/** The journal's thread to the main thread. */
export type FromJournal =
  | { readonly kind: "opened" } & Recovered
  | { readonly kind: "unopened" } & Unopened
  /** With what could not be written, as a sentence; null where all was. */
  | { readonly kind: "closed"; readonly plugin: string; readonly problem: string | null };

import type { JournalLimits, Recovered } from "../journal/messages.ts";
import type { RingReader, RingWriter } from "../ring/ring.ts";

/** A plugin's journal that the journal's thread has opened, as the main thread talks to it. */
export interface OpenJournal {
  readonly recovered: Recovered;
  readonly intake: RingWriter;
  readonly news: RingReader;
  /** The longest content that a record of either ring carries, in bytes. */
  readonly maxContentBytes: number;
  /** Has waiting operations of about so many bytes read back, from that id on. */
  load(from: number, bytes: number): void;
  /** As they are now. */
  readonly limits: JournalLimits;
  bound(limits: JournalLimits): void;
  /** Why no journal can grow at the moment, as a sentence; null where it can, by so many bytes that are not counted yet. */
  growProblem(unknownBytes: number): string | null;
  /** It has been refused room: others give back what they need not. */
  wantRoom(): void;
  /** What the files take, as far as it is known. */
  tookDisk(bytes: number): void;
  /** Called when the thread is gone. */
  onFailed: (problem: string) => void;
  /**
   * Has all that is in the intake ring written and synced, and the files closed; the news must be read meanwhile. Resolves with what
   * could not be written, as a sentence.
   */
  close(): Promise<string | null>;
}

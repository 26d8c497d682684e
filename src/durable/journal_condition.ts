import type { JournalState } from "../journal/news.ts";
import { Watermarks } from "../queue/watermarks.ts";
import type { JournalEvents } from "./journal_parts.ts";
import type { OpenJournal } from "./open_journal.ts";

/** Whether a plugin's journal takes operations, and how much of the disk it has, of what its thread has told. */
export class JournalCondition {
  /** Why nothing can be written, or the thread is gone; null where neither holds. */
  problem: string | null;
  /** Why files that need not be there any more stay; null where they do not. */
  cleanupProblem: string | null = null;
  /** Its own bound has no room. */
  #isFull = false;
  /** Bytes of an operation that found no room below the bound of all; 0 where the last one did. */
  #wanted = 0;
  readonly #marks: Watermarks;

  constructor(readonly journal: OpenJournal, readonly events: Pick<JournalEvents, Told>) {
    this.problem = journal.recovered.problem;
    this.#marks = new Watermarks(Infinity, journal.limits.maxDisk, events.filled);
    this.tookDisk(journal.recovered.diskBytes);
  }

  /** How full `journal.max_disk` is. */
  get level(): string {
    return this.#marks.level;
  }

  /** An operation of so many bytes was refused for the bound of all. */
  wantRoom(bytes: number): void {
    this.#wanted = bytes;
    this.journal.wantRoom();
  }

  /** Why it takes no operations at the moment, as a sentence; null where it does. So many bytes are on their way to the disk. */
  standstill(bytesUnderWay: number): string | null {
    const { journal } = this;
    if (this.problem !== null) return this.problem;
    const grow = journal.growProblem(bytesUnderWay + this.#wanted);
    if (grow === null) this.#wanted = 0;
    if (!this.#isFull) return grow;
    return `its files take the ${journal.limits.maxDisk} bytes that journal.max_disk allows`;
  }

  tookDisk(bytes: number): void {
    this.journal.tookDisk(bytes);
    this.#marks.rise(0, bytes);
    this.#marks.fall(0, bytes);
  }

  note({ problem, full, cleanupProblem, figures }: JournalState): void {
    this.tookDisk(figures.diskBytes);
    this.#isFull = full;
    if (full) this.#marks.refuse();
    if (cleanupProblem !== this.cleanupProblem) {
      this.cleanupProblem = cleanupProblem;
      this.events.uncleaned(cleanupProblem);
    }
    if (problem !== this.problem) this.tell(problem);
  }

  tell(problem: string | null): void {
    this.problem = problem;
    this.events.problem(problem);
  }

  bound(maxDisk: number, bytes: number): void {
    this.#marks.bound(Infinity, maxDisk, 0, bytes);
  }
}

type Told = "filled" | "uncleaned" | "problem";

import { MAX_NOTE_CHARS, type OperationPlace, type Progress } from "../ring/messages.ts";

/** Progress is told at most this often, in ms. */
const TELL_EVERY_MS = 100;
/** Of so many operations at once; of others it is told the next time. */
export const MAX_PROGRESS = 1000;

/** How far operations are, as their commands say: the newest word on each is told now and then. */
export class ProgressReporter {
  /** By slot. */
  readonly #news = new Map<number, OperationPlace & Progress>();
  #timer: number | undefined;
  /** Monotonic, in ms. */
  #toldAt = -Infinity;

  /** @param now monotonic, in ms */
  constructor(
    readonly tell: (operations: readonly (OperationPlace & Progress)[]) => void,
    readonly now: () => number,
  ) {}

  /** Throws TypeError where that is no progress. */
  report({ slot, sequence }: OperationPlace, done: unknown, total?: unknown, note?: unknown): void {
    const progress = {
      done: amountOf("done", done),
      total: total === undefined ? null : amountOf("total", total),
      note: noteOf(note),
    };
    // An operation that has ended may still speak: the slot is another's then.
    const known = this.#news.get(slot);
    if (known !== undefined && ((sequence - known.sequence) | 0) < 0) return;
    this.#news.set(slot, { slot, sequence, ...progress });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    const left = this.#toldAt + TELL_EVERY_MS - this.now();
    this.#timer = setTimeout(() => this.#flush(), Math.max(left, 0));
  }

  #flush(): void {
    this.#timer = undefined;
    this.#toldAt = this.now();
    const told: (OperationPlace & Progress)[] = [];
    for (const [slot, progress] of this.#news) {
      if (told.length === MAX_PROGRESS) break;
      this.#news.delete(slot);
      told.push(progress);
    }
    this.tell(told);
    if (this.#news.size > 0) this.#schedule();
  }
}

function amountOf(what: string, value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  const shown = typeof value === "number" ? String(value) : `a ${typeof value}`;
  throw new TypeError(`context.progress: ${what} is ${shown}, not a number from 0 on`);
}

/** A longer one is cut: what it says is for people. */
function noteOf(note: unknown): string {
  if (note === undefined) return "";
  if (typeof note !== "string") {
    throw new TypeError(`context.progress: the note is a ${typeof note}, not a text`);
  }
  return note.length <= MAX_NOTE_CHARS ? note : `${note.slice(0, MAX_NOTE_CHARS - 1)}…`;
}

import type { DeadLetter } from "../queue/dead_letters.ts";
import { errorText } from "./summaries.ts";

/** Operations whose failed attempts are kept, those of them that failed last. */
const MAX_OPERATIONS = 1000;
/** Attempts of one that are kept: the first, and the last ones. */
const MAX_ATTEMPTS = 8;
/** Of all errors together; those for which others were forgotten are counted. */
const MAX_BYTES = 1024 * 1024;
/** A longer error is kept as its sentence. */
const MAX_ERROR_BYTES = 1024;
/** What an attempt costs beside its error; an estimate. */
const ATTEMPT_BYTES = 128;

/** An attempt that has failed and was not the operation's last. */
export interface FailedTry {
  /** From 1. */
  readonly attempt: number;
  /** Monotonic, in ms: when it failed, and until when the operation waits for the next one. */
  readonly at: number;
  readonly until: number;
  readonly code: number;
  readonly error: DeadLetter["error"];
}

interface Tries {
  readonly tries: FailedTry[];
  bytes: number;
}

/** How operations have failed that are tried again, or were: of the last of them, in memory alone. */
export class AttemptHistory {
  bytes = 0;
  /** By operation, those that failed last at the end. */
  readonly #operations = new Map<number, Tries>();

  get operations(): number {
    return this.#operations.size;
  }

  /** An attempt has failed, and another one follows. */
  failed(id: number, failed: FailedTry): void {
    const known = this.#operations.get(id) ?? { tries: [], bytes: 0 };
    this.#operations.delete(id);
    this.#operations.set(id, known);
    const error = sizeOf(failed.error) > MAX_ERROR_BYTES ? errorText(failed) : failed.error;
    known.tries.push({ ...failed, error });
    this.#count(known, ATTEMPT_BYTES + sizeOf(error));
    if (known.tries.length > MAX_ATTEMPTS) {
      const [dropped] = known.tries.splice(1, 1);
      this.#count(known, -ATTEMPT_BYTES - sizeOf(dropped!.error));
    }
    while (this.#operations.size > MAX_OPERATIONS || this.bytes > MAX_BYTES) this.#forgetOldest();
  }

  /** The failed attempts of an operation that are known, the oldest first. */
  of(id: number): readonly FailedTry[] {
    return this.#operations.get(id)?.tries ?? [];
  }

  #count(of: Tries, bytes: number): void {
    of.bytes += bytes;
    this.bytes += bytes;
  }

  #forgetOldest(): void {
    for (const [id, { bytes }] of this.#operations) {
      this.bytes -= bytes;
      this.#operations.delete(id);
      return;
    }
  }
}

function sizeOf(error: DeadLetter["error"]): number {
  return typeof error === "string" ? 2 * error.length : error.content.length;
}

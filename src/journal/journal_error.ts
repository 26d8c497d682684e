import type { Unopened } from "./messages.ts";

/** Why a journal cannot be opened or read. */
export class JournalError extends Error {
  override readonly name = "JournalError";

  /** @param message the sentence, with file and offset where it is about one */
  constructor(
    readonly reason: Unopened["reason"],
    message: string,
    readonly path: string | null = null,
    readonly offset = 0,
  ) {
    super(message);
  }
}

/** Bytes of a file that are not as they were written. */
export function damage(path: string, offset: number, what: string): JournalError {
  return new JournalError(
    "damage",
    `${path} is damaged at byte ${offset}: ${what}; mevent journal check tells all of it, mevent journal repair ` +
      "keeps what can be read",
    path,
    offset,
  );
}

import type { HdfLimits } from "./limits.ts";

/** Text that is no HDF, or goes over a limit of {@link HdfLimits}: the wire answers 17. */
export class HdfError extends Error {
  override readonly name = "HdfError";

  /** `line` counts from 1; `problem` says what is wrong there and what to do; `limit` which one the text went over. */
  constructor(readonly line: number, problem: string, readonly limit?: keyof HdfLimits) {
    super(`HDF line ${line}: ${problem}`);
  }
}

/** A value that HDF cannot hold, or an HDF value that does not spell its type: the wire answers 23. */
export class HdfValueError extends Error {
  override readonly name = "HdfValueError";

  /** `path` is the value's place (`user.tags.0`); `problem` goes on from there: `is null: leave the key out`. */
  constructor(readonly path: string, problem: string) {
    super(`${quote(path)} ${problem}`);
  }
}

/** The text in quotes for a message, cut after 60 characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

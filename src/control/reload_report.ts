/** A reload that was refused or has failed; nothing has changed. The message says why, for the log and for the command. */
export class ReloadError extends Error {
  override readonly name = "ReloadError";
}

/** What a reload has done. */
export interface ReloadReport {
  /** A sentence for each change: `plugin orders: workers 1 -> 2`. */
  readonly changed: readonly string[];
  /** A sentence for each change that takes effect only at the next start. */
  readonly kept: readonly string[];
  /** There was nothing to change. */
  readonly unchanged: boolean;
}

/** What alerts look at, once a second. */
export interface AlertFigures {
  readonly plugins: readonly PluginFigures[];
  /** Of the listeners; made when a rule asks. */
  certificates(): readonly CertificateFigures[];
}

/** Of one plugin; counts are since its start. */
export interface PluginFigures {
  readonly name: string;
  readonly ops: number;
  readonly maxOps: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** How long the oldest operation waits that no worker has, in ms; 0 where none does. */
  readonly oldest: number;
  readonly done: number;
  /** For good, but for those that were their callers' mistakes. */
  readonly failed: number;
  /** Workers that were replaced: they died or hung. */
  readonly restarts: number;
  /** Operations that were refused because there was no room. */
  readonly busy: number;
  /** Why its journal takes nothing; null where it does, or there is none. */
  readonly journalProblem: string | null;
  /** Why none of its workers can work; null where one can. */
  readonly down: string | null;
}

export interface CertificateFigures {
  /** As `tcp 127.0.0.1:26443`. */
  readonly listener: string;
  /** What is left, in s; null where it does not tell. */
  readonly expires_in_seconds: number | null;
}

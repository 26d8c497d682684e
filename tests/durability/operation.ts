/** What a caller was told of a request. */
export type Told = "nothing" | "accepted" | "a duplicate" | "refused" | "lost";

/** One request, and all that is known of what may have become of it. */
export interface Operation {
  readonly tag: number;
  readonly command: number;
  readonly sync: boolean;
  readonly key: string | null;
  readonly delayed: boolean;
  /** The last look before it was sent. */
  readonly sentAfter: number;
  told: Told;
  /** The reply to a sync caller. */
  code: number | null;
  /** So often it was accepted for sure: once, and by each retry of its dead letter. */
  lives: number;
  /** So often more it may have been: whoever asked was told nothing before the server died. */
  maybe: number;
  /** Of its lives those from retries that a crash may take back; the look after which they were made. */
  retriedAt: number[];
  /** Lives that were cancelled, and lives that may have been cancelled or purged. */
  cancelled: number;
  touched: number;
  /** Ends that a crash may have taken back. */
  again: number;
  /** It was sync, and is in no journal: its caller knows that the server has died, and nothing of it comes back. */
  isOver: boolean;
  /** It is async, was taken for a duplicate of that sync one, and told 1000: a journal keeps it until that one has ended. */
  doubleOf: number | null;
  /** All dead letters of it that were ever seen. */
  readonly letters: Set<number>;
  /** It has waited longer than the ttl, and was not run. */
  hasExpired: boolean;
  /** The look that found it ended, and how often it had run by then. */
  endedAt: number | null;
  runs: number;
  /** So many of its lives may be held at the next look: those that were at the one before, and what has come since. */
  mayHold: number;
}

/** What was seen of a plugin in one look: first what has not ended, then the dead letters, then its runs. */
export interface Look {
  readonly figures: Readonly<Record<string, unknown>>;
  readonly open: readonly { readonly id: number; readonly tag: number; readonly state: string }[];
  /** All that has not ended is in `open`. */
  readonly isWhole: boolean;
  /** The oldest first. */
  readonly letters: readonly { readonly id: number; readonly tag: number; readonly error: string }[];
  /** The tags of runs that have begun since the look before. */
  readonly begun: readonly number[];
}

/** For who reads of a failure. */
export function show(operation: Operation): string {
  return JSON.stringify({ ...operation, letters: [...operation.letters] });
}

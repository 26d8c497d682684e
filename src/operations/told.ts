import type { JsonValue } from "../plugin.ts";

// What is told of operations, types alone: those of the admin API, which a browser's page is checked with. They are type literals, as
// those are JSON objects without further ado.

export type OperationStateName =
  | "running"
  | "queued"
  | "unsynced"
  | "delayed"
  | "retrying"
  | "dead"
  | "done"
  | "failed"
  | "cancelled"
  | "expired";

/** One operation in a list. */
export type OperationRow = {
  readonly id: string;
  /** As the plugin's queue counts it. */
  readonly number: number;
  readonly state: OperationStateName;
  readonly command: number;
  readonly command_name: string;
  readonly sync: boolean;
  /** Attempts that have ended. */
  readonly attempts: number;
  /** ms since 1970; null where it is not known. */
  readonly accepted_at: number | null;
  readonly age_ms: number | null;
  readonly due_in_ms: number | null;
  readonly ended_at: number | null;
  /** Of its params; of one that has ended, of its result or its error. */
  readonly bytes: number;
  readonly generation: string;
  readonly error: string | null;
  readonly progress: { readonly done: number; readonly total: number | null; readonly note: string } | null;
  /** The beginning of its params, as text; null where they are not shown to who asks, or are no more there. */
  readonly params: string | null;
};

/** What a look through a plugin's operations has found. */
export type OperationList = {
  readonly plugin: string;
  readonly operations: OperationRow[];
  /** To be given as `after` for the next ones; null where there are none. */
  readonly next: string | null;
  /** How many were looked at, and whether the look ended at its bound instead of at the end. */
  readonly looked_at: number;
  readonly truncated: boolean;
  /** Operations that are on disk alone, and could not be looked at. */
  readonly on_disk_alone: number;
};

/** A step of an operation. */
export type OperationEvent = {
  readonly kind: "accepted" | "begun" | "failed" | "waiting" | "done" | "cancelled" | "expired" | "dead";
  /** ms since 1970; null where the time is not known. */
  readonly at: number | null;
  readonly attempt: number | null;
  readonly code: number | null;
  /** Null where there is none, or it is not shown to who asks. */
  readonly message: string | null;
  /** Of one that waits. */
  readonly until_at: number | null;
  readonly worker: number | null;
};

/** All that is known of one operation. */
export type OperationFacts = OperationRow & {
  readonly plugin: string;
  readonly timeline: OperationEvent[];
  /** With their digits as they were sent. Null where they are not shown to who asks, or are no more there. */
  readonly full_params: JsonValue;
  readonly params_truncated: boolean;
  readonly result: JsonValue;
  readonly result_truncated: boolean;
  readonly code: number | null;
  readonly retried_as: string | null;
  /** Why what it came to is not known. */
  readonly lost: string | null;
  /** What may be done with it now. */
  readonly can: ("cancel" | "retry" | "send")[];
};

/** Dead letters of one cause. */
export type FailureGroup = {
  /** Of plugin, command, code and message. */
  readonly fingerprint: string;
  readonly plugin: string;
  readonly command: number;
  readonly command_name: string;
  readonly code: number | null;
  /** Without quoted texts, ids and digits; null where it is not shown to who asks. */
  readonly message: string | null;
  /** Dead letters that are kept. */
  readonly count: number;
  /** ms since 1970 */
  readonly first_at: number;
  readonly last_at: number;
  /** The hashes of the code that failed so, the last one last; what failed before the server's start has none. */
  readonly versions: string[];
  /** The newest of them. */
  readonly sample_id: string;
};

export type FailureList = {
  readonly groups: FailureGroup[];
  readonly looked_at: number;
  /** There are further groups, or further letters that were not looked at. */
  readonly truncated: boolean;
  /** Letters of groups that are left out: those that have not failed for longest. */
  readonly left_out: number;
};

export type FailuresChanged = {
  readonly count: number;
  /** Those that matched and were left: there was no room, they were too many for once, or they were changed meanwhile. */
  readonly left: number;
  /** The name of the file that puts back what was dropped, or was not put back yet; null where there is none. */
  readonly undo: string | null;
};

export type FailuresUndone = FailuresChanged & {
  /** Those that were there: the server had ended before it dropped them, or they were put back before. */
  readonly already_there: number;
};

export type TimerDetails = {
  readonly plugin: string;
  readonly name: string;
  /** `every 5s`, `cron 0 3 * * * Europe/Berlin` */
  readonly schedule: string;
  readonly zone: string | null;
  /** The next ten runs by the clock; of an `every` the next one, where that is known. ms since 1970 */
  readonly next_at: number[];
  readonly running: boolean;
  /** The last run in a worker that is there still; null where there was none. */
  readonly last: {
    readonly at: number;
    readonly took_ms: number;
    readonly outcome: "done" | "failed" | "aborted";
    /** Null where it is not shown to who asks. */
    readonly message: string | null;
  } | null;
};

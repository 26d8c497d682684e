import type { JsonObject, JsonValue } from "../plugin.ts";
import type { Change } from "./change_api.ts";
import type { LogLine } from "./log_api.ts";

export type OperationStateName =
  | "queued"
  | "running"
  | "delayed"
  | "retrying"
  | "unsynced"
  | "done"
  | "failed"
  | "dead"
  | "cancelled"
  | "expired";

/** GET /api/v1/plugins/{plugin}/operations?state=&command=&older_ms=&text=&limit=&after= */
export interface Operations {
  readonly plugin: string;
  readonly operations: readonly OperationRow[];
  /** To be given as `after` for the next ones; null where there are none. */
  readonly next: string | null;
  /** How many were looked at, and whether the look ended at its bound instead of at the end. */
  readonly looked_at: number;
  readonly truncated: boolean;
}

export interface OperationRow {
  readonly id: string;
  /** As the plugin's queue counts it. */
  readonly number: number;
  readonly state: OperationStateName;
  readonly command: number;
  readonly command_name: string;
  readonly sync: boolean;
  readonly attempts: number;
  readonly accepted_at: number;
  readonly age_ms: number;
  readonly due_in_ms: number | null;
  readonly ended_at: number | null;
  readonly bytes: number;
  readonly generation: string;
  readonly error: string | null;
  readonly progress: { readonly done: number; readonly total: number | null; readonly note: string } | null;
  /** The beginning of its params, as text; null where they are not shown to who asks. */
  readonly params: string | null;
}

/** GET /api/v1/operations/{id} */
export interface OperationDetails extends OperationRow {
  readonly plugin: string;
  readonly timeline: readonly OperationEvent[];
  /** Null where they are not shown to who asks, or are no more there. */
  readonly full_params: JsonValue;
  readonly params_truncated: boolean;
  readonly result: JsonValue;
  readonly result_truncated: boolean;
  readonly code: number | null;
  readonly log: readonly LogLine[];
  readonly retried_as: string | null;
  /** Why what it came to is not known. */
  readonly lost: string | null;
  /** What may be done with it now. */
  readonly can: readonly ("cancel" | "retry" | "send")[];
}

export interface OperationEvent {
  readonly kind:
    | "accepted"
    | "committed"
    | "begun"
    | "failed"
    | "waiting"
    | "done"
    | "cancelled"
    | "expired"
    | "dead";
  /** Null where the time is not known. */
  readonly at: number | null;
  readonly attempt: number | null;
  readonly code: number | null;
  readonly message: string | null;
  /** Of one that waits. */
  readonly until_at: number | null;
  readonly worker: number | null;
}

/** POST /api/v1/operations/{id}/cancel, …/retry; 409 where it has another generation by now. */
export interface OperationChange extends Change {
  readonly generation: string;
}

export interface OperationChanged {
  readonly id: string;
  readonly outcome: "cancelled" | "cancelling" | "retried";
  readonly retried_as?: string | null;
  readonly dry_run?: true;
}

/** POST /api/v1/plugins/{plugin}/send: an async operation, as if a caller had sent it. */
export interface SendRequest extends Change {
  readonly command: number;
  readonly params: JsonObject;
  /** Waits for the reply. */
  readonly sync?: boolean;
  /** Of the operation that it repeats, for the audit log. */
  readonly instead_of?: string;
}

export interface Sent {
  readonly id: string | null;
  readonly code: number;
  readonly result: JsonValue;
  readonly took_ms: number;
  readonly dry_run?: true;
}

/** GET /api/v1/failures?plugin=&command=&code= */
export interface Failures {
  readonly groups: readonly FailureGroup[];
  readonly looked_at: number;
  readonly truncated: boolean;
}

export interface FailureGroup {
  /** Of plugin, command, code and message without its digits. */
  readonly fingerprint: string;
  readonly plugin: string;
  readonly command: number;
  readonly command_name: string;
  readonly code: number | null;
  /** Without its digits; null where it is not shown to who asks. */
  readonly message: string | null;
  /** Dead letters that are kept. */
  readonly count: number;
  readonly first_at: number;
  readonly last_at: number;
  /** The hashes of the code that failed so, the last one last. */
  readonly versions: readonly string[];
  /** The newest of them. */
  readonly sample_id: string;
}

export interface FailureFilter {
  readonly plugin?: string;
  readonly command?: number;
  readonly code?: number;
  readonly fingerprint?: string;
  /** Those that have failed until then: what fails meanwhile is not touched. */
  readonly until_at?: number;
}

/** POST /api/v1/failures/retry, …/purge, …/undo */
export interface FailuresRequest extends Change {
  readonly filter: FailureFilter;
}

export interface UndoRequest extends Change {
  readonly undo: string;
}

export interface FailuresChanged {
  readonly count: number;
  /** Those that matched and were left: there was no room, or they were changed meanwhile. */
  readonly left: number;
  /** The file that puts back what a purge has dropped; null where nothing was dropped. */
  readonly undo: string | null;
  readonly dry_run?: true;
}

/** GET /api/v1/timers */
export interface Timers {
  readonly timers: readonly TimerDetails[];
}

export interface TimerDetails {
  readonly plugin: string;
  readonly name: string;
  /** `every 5s`, `cron 0 3 * * * Europe/Berlin` */
  readonly schedule: string;
  readonly zone: string | null;
  /** The next ten runs. */
  readonly next_at: readonly number[];
  readonly running: boolean;
  readonly last: {
    readonly at: number;
    readonly took_ms: number;
    readonly outcome: "done" | "failed" | "aborted";
    readonly message: string | null;
  } | null;
}

/** POST /api/v1/timers/run */
export interface TimerRunRequest extends Change {
  readonly plugin: string;
  readonly timer: string;
}

export interface TimerRun {
  readonly plugin: string;
  readonly timer: string;
  readonly outcome: "begun" | "running already";
  readonly dry_run?: true;
}

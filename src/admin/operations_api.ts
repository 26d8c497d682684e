import type { OperationFacts, TimerDetails } from "../operations/told.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";
import type { Change } from "./change_api.ts";
import type { LogLine } from "./log_api.ts";

export type {
  FailureGroup,
  FailureList as Failures,
  FailuresChanged,
  FailuresUndone,
  OperationEvent,
  OperationList as Operations,
  OperationRow,
  OperationStateName,
  TimerDetails,
} from "../operations/told.ts";

// GET /api/v1/plugins/{plugin}/operations?state=&command=&older_ms=&text=&limit=&after= is an Operations.

/** GET /api/v1/operations/{id} */
export type OperationDetails = OperationFacts & {
  /** Lines of the log that name it, of those that are kept. */
  readonly log: LogLine[];
};

/** POST /api/v1/operations/{id}/cancel, …/retry; 409 where it has another generation by now. */
export interface OperationChange extends Change {
  readonly generation: string;
}

export interface OperationChanged {
  readonly id: string;
  readonly plugin: string;
  readonly outcome: "cancelled" | "cancelling" | "retried";
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
  readonly plugin: string;
  readonly command: number;
  /** Of one that is queued. */
  readonly id: string | null;
  readonly code: number;
  readonly result: JsonValue;
  readonly took_ms: number;
  readonly dry_run?: true;
}

// GET /api/v1/failures?plugin=&command=&code=&fingerprint= is a Failures.

export interface FailureFilter {
  readonly plugin?: string;
  readonly command?: number;
  readonly code?: number;
  readonly fingerprint?: string;
  /** Those that have failed until then: what fails meanwhile is not touched. */
  readonly until_at?: number;
}

/** POST /api/v1/failures/retry, …/purge: a FailuresChanged. */
export interface FailuresRequest extends Change {
  readonly filter: FailureFilter;
}

/** POST /api/v1/failures/undo: a FailuresUndone. */
export interface UndoRequest extends Change {
  readonly undo: string;
}

/** GET /api/v1/timers */
export interface Timers {
  readonly timers: readonly TimerDetails[];
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

import type { JsonValue } from "../plugin.ts";

/** Where an async operation is, or what it came to. What is not known is not there; the server may tell more. */
export interface OperationState {
  readonly id: string;
  readonly plugin: string;
  readonly command: number;
  /** `queued`, `running`, `delayed`, `retrying`; ended: `done`, `failed`, `dead`, `cancelled`, `expired`. */
  readonly state: string;
  /** Those that have ended. */
  readonly attempts?: number;
  readonly accepted_at?: string;
  /** There once it has ended. */
  readonly ended_at?: string;
  readonly progress?: { readonly done: number; readonly total?: number; readonly note?: string };
  /** The reply code that it would have been answered with. */
  readonly code?: number;
  readonly result?: JsonValue;
  readonly error?: string;
}

import type { OperationStateName } from "./told.ts";

/** The states that operations can be looked for in. */
export const STATES: readonly OperationStateName[] = [
  "running",
  "queued",
  "unsynced",
  "delayed",
  "retrying",
  "dead",
  "done",
  "failed",
  "cancelled",
  "expired",
];

/** Which operations are looked for. */
export interface OperationFilter {
  /** Null is any. */
  readonly states: ReadonlySet<OperationStateName> | null;
  readonly command: number | null;
  /** Accepted at least so long ago, in ms; 0 is any. */
  readonly olderMs: number;
  /** In the params as they were sent, whatever its case; "" is any. What has ended well has no params any more. */
  readonly text: string;
}

/** A filter ready to be held to operations. */
export class OperationMatcher {
  readonly #text: string;
  readonly #decoder = new TextDecoder();

  constructor(readonly filter: OperationFilter) {
    this.#text = filter.text.toLowerCase();
  }

  takesState(state: OperationStateName): boolean {
    return this.filter.states === null || this.filter.states.has(state);
  }

  /** @param acceptedAt NaN where that is not known; monotonic as `now` is, in ms */
  takes(state: OperationStateName, command: number, acceptedAt: number, now: number): boolean {
    const { filter } = this;
    return this.takesState(state) && (filter.command === null || filter.command === command) &&
      (filter.olderMs === 0 || now - acceptedAt >= filter.olderMs);
  }

  get wantsText(): boolean {
    return this.#text !== "";
  }

  /** Whether the text is in that content, a copy of it. */
  takesContent(content: Uint8Array): boolean {
    return this.#decoder.decode(content).toLowerCase().includes(this.#text);
  }
}

/** What the content of one message may cost, whatever its encoding; more of it is a ProtocolError with code 17. */
export interface ContentLimits {
  /** Levels: nested objects and arrays of JSON, names below each other in HDF, ARRAY cells in each other. */
  readonly depth: number;
  /** Keys and elements on all levels together: HDF nodes, cells, members and elements of JSON. */
  readonly keys: number;
}

/** One of them that content went over, as it is told. */
export type ContentLimit = keyof ContentLimits;

/** The limits where nobody gives others. */
export const CONTENT_LIMITS: ContentLimits = { depth: 64, keys: 100_000 };

/** The highest that may be configured, and what a client takes from its server: the stack bears it. */
export const HIGHEST_CONTENT_LIMITS: ContentLimits = { depth: 1_000, keys: 10_000_000 };

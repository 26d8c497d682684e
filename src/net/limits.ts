/** What callers may ask of the server; sizes in bytes, times in ms. */
export interface NetLimits {
  /** The longest message on a stream, its prefix included. */
  readonly maxFrame: number;
  /** Stream connections of all listeners together. */
  readonly maxConnections: number;
  /** Sync operations a connection may have unanswered. */
  readonly maxInFlight: number;
  /** Reply bytes a connection may leave unread before it is not read from any more. */
  readonly maxUnreadReplyBytes: number;
  /** How long it may stay so before it is closed. */
  readonly slowReaderTimeout: number;
}

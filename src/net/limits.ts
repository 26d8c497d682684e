/** What callers may ask of the server; sizes in bytes, times in ms. */
export interface NetLimits {
  /** The longest message on a stream, its prefix included. */
  readonly maxFrame: number;
  /** Stream connections of all listeners together. */
  readonly maxConnections: number;
  /** Of them, those from one address; 0 is no bound of its own. */
  readonly maxConnectionsPerAddress: number;
  /** Sync operations that one connection may have unanswered. */
  readonly maxInFlight: number;
  /** Bytes of replies that one connection may leave unread before it is not read from any more, and counts as a slow reader. */
  readonly maxUnreadReplyBytes: number;
  /** How long it may be one before it is closed. */
  readonly slowReaderTimeout: number;
  /** How long a message may take from its first byte to its last; 0 is for ever. */
  readonly frameTimeout: number;
  /** How long a TLS handshake may take; 0 is for ever. */
  readonly handshakeTimeout: number;
  /** How long a connection that waits for nothing may send nothing; 0 is for ever. */
  readonly idleTimeout: number;
  /** How long an HTTP connection that waits for nothing is kept without a request; 0 is for ever. */
  readonly keepAliveTimeout: number;
  /** A reply by UDP has at most so many times the bytes of its request; 0 is no bound. */
  readonly udpReplyRatio: number;
  /** The same for plugins' results to callers on loopback. */
  readonly udpLoopbackRatio: number;
  /** Error replies by UDP to one address in a second; 0 is no bound. */
  readonly maxUdpErrors: number;
  /** How long a connection may take to log in where that is asked for. */
  readonly authTimeout: number;
}

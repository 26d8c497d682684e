/** A way to the server: whole messages out, whole messages in. */
export interface Link {
  /** Whether messages carry the length prefix of a stream. */
  readonly prefixed: boolean;
  /** The longest message it sends, in bytes, the prefix included. */
  readonly maxMessageBytes: number;
  /** Bytes taken over that are not being sent yet. */
  readonly waitingBytes: number;
  /** Takes a message over to send it, in order; never throws. */
  send(message: Uint8Array): void;
  /** Closes it and waits until nothing of it is under way. */
  close(): Promise<void>;
}

/** What a link tells its owner. */
export interface LinkEvents {
  /** A message has come, without its prefix; the bytes are valid until the call returns. */
  message(bytes: Uint8Array): void;
  /** The link has ended by itself and is closed; told once, and never after `close`. */
  lost(why: string): void;
}

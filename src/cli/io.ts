/** What a command sees of its process, so that tests need none. */
export interface Io {
  /** Data. */
  readonly stdout: TextOutput;
  /** Talk. */
  readonly stderr: TextOutput;
  readonly stdin: ReadableStream<Uint8Array>;
  /** Whether somebody may be asked on stdin. */
  readonly isStdinTerminal: boolean;
  /** Whether colours are unwanted even on a terminal. */
  readonly noColor: boolean;
  readonly env: Readonly<Record<string, string>>;
}

export interface TextOutput {
  readonly isTerminal: boolean;
  /**
   * Writes all of the text, or of the bytes; on stdout it throws {@link OutputClosed} where nobody reads any more, and {@link OutputError}
   * where it cannot be written. On stderr it throws nothing.
   */
  write(data: string | Uint8Array): Promise<void>;
}

/** The reader of an output has gone, as with `mevent help | head -1`: a reason to end, not an error. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/** Data that cannot be written; the message says where to and why. */
export class OutputError extends Error {
  override readonly name = "OutputError";
}

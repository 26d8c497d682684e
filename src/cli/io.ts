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
  /** Writes all of the text; on stdout it throws {@link OutputClosed} where nobody reads any more. */
  write(text: string): Promise<void>;
}

/** The reader of an output has gone, as with `mevent help | head -1`: a reason to end, not an error. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

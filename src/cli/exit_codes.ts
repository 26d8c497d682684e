/** The exit codes of every command, after sysexits.h. */
export const ExitCode = {
  Ok: 0,
  /** The server answered with an error that none of the others tells. */
  Failed: 1,
  /** The command line is wrong. */
  Usage: 64,
  /** The input is wrong: text that does not parse, params that the plugin refuses. */
  Data: 65,
  /** The server cannot be reached, or does not answer in time. */
  Unreachable: 69,
  /** A bug in mevent. */
  Internal: 70,
  /** What a command prints cannot be written: a full disk. */
  Output: 74,
  /** The plugin's queue is full: try later. */
  Busy: 75,
  /** The config cannot be used. */
  Config: 78,
} as const;

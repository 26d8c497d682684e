/** A reload that was refused or has failed; nothing has changed. The message says why, for the log and for the command. */
export class ReloadError extends Error {
  override readonly name = "ReloadError";
}

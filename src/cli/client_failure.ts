import { ConnectError, ConnectionLostError, TimeoutError, UnsendableError } from "../client/errors.ts";
import { ReplyError } from "../client/reply_error.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { ExitCode } from "./exit_codes.ts";

/** The exit code for a server that did not answer as it should; undefined where the error is another. */
export function clientFailure(error: unknown): number | undefined {
  if (
    error instanceof ConnectError || error instanceof ConnectionLostError || error instanceof TimeoutError
  ) {
    return ExitCode.Unreachable;
  }
  if (error instanceof UnsendableError) return ExitCode.Data;
  // The login was refused.
  if (error instanceof ProtocolError || error instanceof ReplyError) return ExitCode.Failed;
  return undefined;
}

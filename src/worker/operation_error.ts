import { ReplyCode } from "../protocol/codes.ts";
import { ProtocolError } from "../protocol/errors.ts";

/** The highest code that says failure. */
const LAST_ERROR_CODE = 999;

/** What `context.fail` makes: the plugin's own error. */
export class OperationError extends Error {
  override readonly name = "OperationError";

  constructor(readonly code: number, message: string) {
    super(message);
    if (!Number.isInteger(code) || code < ReplyCode.FirstApplicationError || code > LAST_ERROR_CODE) {
      throw new RangeError(`context.fail: code ${code} is not a whole number from 25 to ${LAST_ERROR_CODE}`);
    }
  }
}

/** What a caller is answered for whatever a command threw: the code and one sentence. */
export function answerFor(error: unknown): { code: number; message: string } {
  if (error instanceof OperationError || error instanceof ProtocolError) {
    return { code: error.code, message: error.message };
  }
  if (error instanceof Error) return { code: ReplyCode.Error, message: error.message || error.name };
  return { code: ReplyCode.Error, message: `the plugin threw ${String(error)}` };
}

import { ReplyCode } from "../protocol/codes.ts";
import type { ContentLimit } from "../protocol/content_limits.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { textOf } from "./text_of.ts";

/** The highest code that says failure. */
const LAST_ERROR_CODE = 999;

/** Codes of mevent's own that say what a plugin may have to say, too. */
const COMMON_CODES: ReadonlySet<number> = new Set([
  ReplyCode.Memory,
  ReplyCode.Database,
  ReplyCode.BadParam,
  ReplyCode.CacheMiss,
]);

/** What `context.fail` makes: the plugin's own error. */
export class OperationError extends Error {
  override readonly name = "OperationError";

  constructor(readonly code: number, message: string) {
    super(message);
    const isOwn = Number.isInteger(code) && code >= ReplyCode.FirstApplicationError &&
      code <= LAST_ERROR_CODE;
    if (!isOwn && !COMMON_CODES.has(code)) {
      throw new RangeError(
        `context.fail: code ${code} is not a whole number from 25 to ${LAST_ERROR_CODE}, nor 19, 20, 23 or 24`,
      );
    }
  }
}

/** What a caller is answered for whatever a command threw. */
export interface ErrorAnswer {
  readonly code: number;
  /** One sentence. */
  readonly message: string;
  /** The limit that the params went over, where that is the error. */
  readonly limit?: ContentLimit | undefined;
}

/** Never throws. */
export function answerFor(error: unknown): ErrorAnswer {
  const message = textOf(error);
  try {
    if ((error instanceof OperationError || error instanceof ProtocolError) && isErrorCode(error.code)) {
      const limit = error instanceof ProtocolError ? error.limit : undefined;
      return { code: error.code, message, limit };
    }
    if (error instanceof Error) return { code: ReplyCode.Error, message };
  } catch {
    // A proxy that does not even say what it is.
  }
  return { code: ReplyCode.Error, message: `the plugin threw ${message}` };
}

/** A plugin may have written over the code of its error. */
function isErrorCode(code: number): boolean {
  return Number.isInteger(code) && code > 0 && code <= LAST_ERROR_CODE;
}

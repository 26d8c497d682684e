import type { RetryWish } from "../plugin.ts";
import { ReplyCode } from "../protocol/codes.ts";
import type { ContentLimit } from "../protocol/content_limits.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { NEVER_AGAIN } from "../ring/handoff.ts";
import { textOf } from "../text_of.ts";

/** The highest code that says failure. */
const LAST_ERROR_CODE = 999;

/** Codes of mevent's own that say what a plugin may have to say, too. */
const COMMON_CODES: ReadonlySet<number> = new Set([
  ReplyCode.Error,
  ReplyCode.Memory,
  ReplyCode.Database,
  ReplyCode.BadParam,
  ReplyCode.CacheMiss,
]);

/** What `context.fail` makes: the plugin's own error. */
export class OperationError extends Error {
  override readonly name = "OperationError";
  /** What is to pass before the next attempt, in ms, or NEVER_AGAIN. */
  readonly retryAfter: number;
  /** It has not begun: this was no attempt. */
  later = false;

  constructor(readonly code: number, message: string, { retry, retryAfter = 0 }: RetryWish = {}) {
    // Without a word the code is all that there is to tell.
    super(message || `the plugin failed with code ${code} and said nothing more`);
    const isOwn = Number.isInteger(code) && code >= ReplyCode.FirstApplicationError &&
      code <= LAST_ERROR_CODE;
    if (!isOwn && !COMMON_CODES.has(code)) {
      throw new RangeError(
        `context.fail: code ${code} is not a whole number from 25 to ${LAST_ERROR_CODE}, nor 14, 19, 20, 23 or 24`,
      );
    }
    checkTime("context.fail: retryAfter", retryAfter);
    this.retryAfter = retry === false ? NEVER_AGAIN : Math.min(Math.ceil(retryAfter), NEVER_AGAIN - 1);
  }
}

/** What is put off is not back at once: it would turn round and round. In ms. */
const LEAST_LATER_MS = 10;

/** What `context.later` makes. */
export function postponed(ms: number, message: string): OperationError {
  checkTime("context.later: ms", ms);
  const error = new OperationError(ReplyCode.Error, message, { retryAfter: Math.max(ms, LEAST_LATER_MS) });
  error.later = true;
  return error;
}

/** Throws RangeError for what is no time: not a number, none that is finite, or less than 0. */
function checkTime(what: string, ms: unknown): void {
  if (typeof ms === "number" && ms >= 0 && ms < Infinity) return;
  const shown = typeof ms === "number" || typeof ms === "string" ? ms : `of type ${typeof ms}`;
  throw new RangeError(`${what} ${shown} is no time in ms`);
}

/** What a caller is answered for whatever a command threw. */
export interface ErrorAnswer {
  readonly code: number;
  /** One sentence. */
  readonly message: string;
  /** The limit that the params went over, where that is the error. */
  readonly limit?: ContentLimit | undefined;
  /** What is to pass before the next attempt, in ms, or NEVER_AGAIN. */
  readonly retryAfter: number;
  /** It has not begun: this was no attempt. */
  readonly later: boolean;
  /** The plugin has said so itself: it is no surprise. */
  readonly isOwn: boolean;
}

/** Never throws. */
export function answerFor(error: unknown): ErrorAnswer {
  const message = textOf(error);
  try {
    if ((error instanceof OperationError || error instanceof ProtocolError) && isErrorCode(error.code)) {
      const limit = error instanceof ProtocolError ? error.limit : undefined;
      const isOwn = error instanceof OperationError;
      const retryAfter = isOwn && isRetryAfter(error.retryAfter) ? error.retryAfter : 0;
      return { code: error.code, message, limit, retryAfter, later: isOwn && error.later === true, isOwn };
    }
    if (error instanceof Error) return unexpected(message);
  } catch {
    // A proxy that does not even say what it is.
  }
  return unexpected(`the plugin threw ${message}`);
}

function unexpected(message: string): ErrorAnswer {
  return { code: ReplyCode.Error, message, retryAfter: 0, later: false, isOwn: false };
}

function isRetryAfter(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= NEVER_AGAIN;
}

/** A plugin may have written over the code of its error. */
function isErrorCode(code: number): boolean {
  return Number.isInteger(code) && code > 0 && code <= LAST_ERROR_CODE;
}

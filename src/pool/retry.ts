import { ReplyCode } from "../protocol/codes.ts";

/** These failures come again, however often the operation is tried. */
const LASTING: ReadonlySet<number> = new Set([
  ReplyCode.Broken,
  ReplyCode.Unknown,
  ReplyCode.Busy,
  ReplyCode.Pack,
  ReplyCode.BadParam,
]);

export interface RetryLimits {
  /** Attempts in all; 1 is no retry. */
  readonly maxAttempts: number;
  /** Before the second attempt, doubled each time up to `maxBackoff`; in ms. */
  readonly backoff: number;
  readonly maxBackoff: number;
}

/** Which failed operations are tried again, and when. */
export class Retry {
  constructor(
    public limits: RetryLimits,
    /** Whether the plugin says that the command may run twice: its sync operations are tried again, too. */
    readonly isIdempotent: (command: number) => boolean,
    /** From 0 up to 1. */
    readonly random: () => number,
  ) {}

  /** Whether an operation that has failed with that code gets another attempt. */
  isDue(sync: boolean, command: number, code: number, attempts: number): boolean {
    return attempts < this.limits.maxAttempts && !LASTING.has(code) && (!sync || this.isIdempotent(command));
  }

  /**
   * How long it waits for it, in ms: of the full time a random half is left out, so that not all come back at once. Not
   * less than the plugin asked for, where `maxBackoff` allows that.
   */
  backoff(attempts: number, retryAfter: number): number {
    const { backoff, maxBackoff } = this.limits;
    const own = Math.min(maxBackoff, backoff * 2 ** (attempts - 1)) * (1 + this.random()) / 2;
    return Math.max(own, Math.min(retryAfter, maxBackoff));
  }
}

/** A message that a receiver has not got; the sentence names no secret. */
export class SendError extends Error {
  override readonly name = "SendError";

  /** @param mayRetry whether another attempt may go better @param retryAfter what the receiver asks to wait, in ms */
  constructor(message: string, readonly mayRetry: boolean, readonly retryAfter = 0) {
    super(message);
  }
}

import type { JsonObject, JsonValue, Logger, Result } from "../plugin.ts";
import { encodeContentOf, Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import type { ContentLimit } from "../protocol/content_limits.ts";
import { errorContent } from "../protocol/error_content.ts";
import { type OperationView, writeReplyRecord } from "../ring/handoff.ts";
import type { HostSetup } from "../ring/messages.ts";
import { OperationSuccess } from "./operation_context.ts";
import { answerFor, type ErrorAnswer } from "./operation_error.ts";
import { OperationParams } from "./params.ts";
import { RingWriter } from "../ring/ring.ts";
import { traceOf } from "../text_of.ts";

/** Replies are shown to the main thread together while there is more to do: so many, or what came in so many ms. */
const PUBLISH_EVERY = 16;
const PUBLISH_MS = 0.02;
/** What is left of an error's sentence that does not fit a reply. */
const SHORT_MESSAGE_CHARS = 1000;
/** A look every so often while the main thread has not read the replies; in ms. */
const ROOM_POLL_MS = 1000;

type Wish = Pick<ErrorAnswer, "retryAfter" | "later">;
const NO_WISH: Wish = { retryAfter: 0, later: false };

/** What a reply needs of its operation. */
export type Addressee = Readonly<
  Pick<OperationView, "slot" | "sequence" | "encoding" | "sync" | "command" | "idLow">
>;

/** Writes the replies of a worker's operations into its rings. */
export class ReplyWriter {
  readonly #replies: readonly [RingWriter, RingWriter];
  #unpublished = 0;
  #publishedAt = 0;

  constructor(
    readonly setup: Pick<HostSetup, "rings" | "contentLimits" | "maxReplyBytes" | "exposeTrace">,
    readonly log: Logger,
    /** Params were over a limit. */
    readonly overLimit: (limit: ContentLimit) => void,
    /** Replies are about to be shown: gives back the room of what was read. */
    readonly release: () => void,
  ) {
    const { syncReplies, asyncReplies } = setup.rings;
    this.#replies = [new RingWriter(syncReplies), new RingWriter(asyncReplies, syncReplies)];
  }

  /** Throws where the result cannot be written. */
  succeed(to: Addressee, ms: number, params: OperationParams, result: Result): void {
    let code: number = ReplyCode.Ok;
    let value = result;
    if (value instanceof OperationSuccess) {
      code = value.code;
      value = value.value;
    }
    if (value === params && params.length <= this.setup.maxReplyBytes && params.isResult) {
      return this.#writeFrom(to, code, ms, NO_WISH, params.bytes, params.at, params.length);
    }
    const content = value === params
      ? params.asResult()
      : value === undefined || (to.encoding !== Encoding.Json && isNothing(value))
      ? null
      : encodeContentOf(to.encoding, plain(value), this.setup.contentLimits.depth);
    if (content !== null && content.length > this.setup.maxReplyBytes) {
      const message = `the result has ${content.length} bytes; a reply carries ${this.setup.maxReplyBytes}`;
      const errorReply = this.#errorContent(to.encoding, ReplyCode.Pack, message);
      return this.#write(to, ReplyCode.Pack, ms, errorReply);
    }
    this.#write(to, code, ms, content);
  }

  /** Answers for whatever was thrown. Never throws: nothing of the thrown value is used but what `answerFor` says. */
  fail(to: Addressee, ms: number, error: unknown): void {
    const answer = this.#answerFor(error);
    const trace = traceOf(error);
    // What becomes of it the main thread says, which decides that.
    this.#tell("an operation has thrown", answer, trace, { operation: to.idLow, command: to.command });
    const content = this.#errorContent(to.encoding, answer.code, answer.message, trace);
    this.#write(to, answer.code, ms, content, answer);
  }

  /** Answers for the same error all at once; the log is told once. Never throws. */
  failAll(all: readonly Addressee[], ms: number, error: unknown, fields: JsonObject): void {
    const answer = this.#answerFor(error);
    const { code, message } = answer;
    const trace = traceOf(error);
    this.#tell("a batch failed", answer, trace, fields);
    const contents: Uint8Array[] = [];
    for (const to of all) {
      const content = contents[to.encoding] ??= this.#errorContent(to.encoding, code, message, trace);
      this.#write(to, code, ms, content, answer);
    }
  }

  /** Answers for an operation's own error without a line in the log; true where there is to be one. Never throws. */
  failQuietly(to: Addressee, ms: number, error: unknown): boolean {
    const answer = this.#answerFor(error);
    const { code, message } = answer;
    this.#write(to, code, ms, this.#errorContent(to.encoding, code, message, traceOf(error)), answer);
    return code === ReplyCode.Error && !answer.isOwn;
  }

  /** Tells the log of an error that {@link failQuietly} has answered. */
  tell(message: string, error: unknown, fields: JsonObject): void {
    this.#tell(message, answerFor(error), traceOf(error), fields);
  }

  /** Shows the main thread the replies, and gives back the room of what was read. */
  publish(): void {
    this.release();
    this.show();
  }

  /** Shows the main thread the replies, in the midst of an operation that still lies in its ring. */
  show(): void {
    this.#unpublished = 0;
    this.#replies[0].publish();
    this.#replies[1].publish();
  }

  /** The same where some have waited for long enough; `time` is monotonic, in ms. */
  publishInTime(time: number): void {
    if (this.#unpublished === 0 || time - this.#publishedAt <= PUBLISH_MS) return;
    this.#publishedAt = time;
    this.publish();
  }

  /** Lets the main thread look at what has been read: it may give more. */
  wake(): void {
    this.#replies[0].wake();
  }

  #answerFor(error: unknown): ErrorAnswer {
    const answer = answerFor(error);
    if (answer.limit !== undefined) this.overLimit(answer.limit);
    return answer;
  }

  #tell(message: string, answer: ErrorAnswer, trace: string, fields?: JsonObject): void {
    if (answer.code !== ReplyCode.Error || answer.isOwn) return;
    this.log.warn(message, { ...fields, error: answer.message, trace });
  }

  /** The error's sentence, cut where the whole of it does not fit a reply. */
  #errorContent(encoding: Encoding, code: number, message: string, trace?: string): Uint8Array {
    const { exposeTrace, maxReplyBytes } = this.setup;
    const content = errorContent(encoding, code, message, exposeTrace ? trace : undefined);
    if (content.length <= maxReplyBytes) return content;
    return errorContent(encoding, code, `${message.slice(0, SHORT_MESSAGE_CHARS)} …`);
  }

  #write(
    to: Addressee,
    code: number,
    ms: number,
    content: Uint8Array | null,
    wish: Wish = NO_WISH,
  ): void {
    this.#writeFrom(to, code, ms, wish, content, 0, content === null ? 0 : content.length);
  }

  #writeFrom(
    to: Addressee,
    code: number,
    ms: number,
    { retryAfter, later }: Wish,
    source: Uint8Array | null,
    at: number,
    length: number,
  ): void {
    const ring = this.#replies[to.sync ? 0 : 1];
    const runTime = Math.round(ms * 1000);
    const encoding = source === null ? 0 : to.encoding;
    while (
      !writeReplyRecord(
        ring,
        to.slot,
        to.sequence,
        code,
        runTime,
        encoding,
        retryAfter,
        later,
        source,
        at,
        length,
      )
    ) {
      // The content may lie in the rings of operations: those are not released here.
      ring.publish();
      ring.waitForRoom(ROOM_POLL_MS);
    }
    if (++this.#unpublished >= PUBLISH_EVERY) this.publish();
  }
}

/** What callers without JSON get a bare reply for: a Python function returned nothing, or PHP wrote an empty array. */
function isNothing(value: Result): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

/** A command may return the params of another operation, too. */
function plain(value: JsonValue | OperationParams | object): JsonValue {
  return value instanceof OperationParams ? value.exact() : value as JsonValue;
}

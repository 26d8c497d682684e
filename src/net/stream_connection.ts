import type { Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { FrameReader, PREFIX_BYTES } from "../protocol/frame.ts";
import {
  contentReplyBytes,
  REPLY_HEADER_BYTES,
  replyBytes,
  writeContentReply,
  writeReply,
} from "../protocol/reply.ts";
import type { Caller } from "../router/caller.ts";
import type { ReplyTarget } from "../router/reply_routes.ts";
import type { Identity } from "../auth/identity.ts";
import { Entry, LOGIN_FRAME_BYTES } from "./entry.ts";
import { bodyOf, contentOf, inCharset, smallerReply } from "./fitted_reply.ts";
import { isAnswerable, needsMore } from "./long_message.ts";
import { noteUnread } from "./note_unread.ts";
import { passToRouter } from "./pass_to_router.ts";
import { tellIllegalLength } from "./illegal_length.ts";
import { LEGACY_REPLY_BYTES, type ListenerOptions } from "./listener_options.ts";
import { Refusals } from "./refusals.ts";
import { Stillness } from "./stillness.ts";
import type { StreamHandler } from "./stream_handler.ts";

/** First size of the buffer for replies, in bytes; it doubles as needed. */
const FIRST_OUT_BYTES = 1024;
/** The most that an emptied reply buffer keeps, in bytes. */
export const KEPT_OUT_BYTES = 64 * 1024;
/** After so long others have their turn, in ms; looked at after so many messages. */
const TURN_MS = 1;
const LOOK_EVERY = 16;
/** What tells how to answer a message that is too long is waited for, in ms. */
const LONG_WAIT_MS = 500;
/** How much the newest reply weighs in the average size. */
const REPLY_SIZE_WEIGHT = 1 / 8;

/**
 * One TCP or Unix socket connection: gives the messages it has read to the router, collects replies and sends them, all
 * of a batch in one write. How bytes are read and written is the subclass's.
 *
 * ```
 * open ──end of input, illegal message──► closing (replies that are owed still go out) ──► closed
 *   └────reset, write error, slow reader──────────────────────────────────────────────────────▲
 * ```
 */
export abstract class StreamConnection implements Caller, ReplyTarget {
  readonly hops = 0;
  maxBodyBytes = 0;
  readonly #options: ListenerOptions;
  readonly #entry: Entry;
  readonly routeGeneration: number;
  /** Since when it has left too much unread, in ms of the handler's time; 0 while it has not. */
  slowSince = 0;
  protected state: "open" | "closing" | "closed" = "open";
  /** It ends because of what the caller sent, not because the caller has ended. */
  protected endedInError = false;
  protected readonly reader: FrameReader;
  /** Replies that have collected: the first `outLength` bytes. */
  protected out = new Uint8Array(0);
  protected outLength = 0;
  readonly #slot: number;
  readonly #ended = Promise.withResolvers<void>();
  #accepted = 0;
  #answered = 0;
  /** Average bytes of a reply: what is under way will be about so many more to read. */
  #replySize = 0;
  readonly #refusals = new Refusals();
  /** Too much is owed: input waits. */
  #isPaused = false;
  /** Runs while the head of a message that is too long is waited for. */
  #longTimer: number | undefined;
  /** Messages so far. */
  #messages = 0;
  /** What {@link check} sees. */
  readonly #stillness = new Stillness();

  /**
   * @param address where it comes from; empty for a Unix socket
   * @param subject of the client certificate that it has shown; null where it has shown none
   */
  constructor(readonly handler: StreamHandler, readonly address: string, subject: string | null) {
    const { limits, routes } = handler;
    this.#options = handler.options;
    this.#entry = new Entry(handler, address, subject);
    this.reader = new FrameReader(0);
    this.liftMaxFrame(limits.maxFrame);
    this.#slot = routes.open(this);
    this.routeGeneration = routes.generation(this.#slot);
  }

  /** Sends what has collected, as far as the socket takes it now. */
  protected abstract send(): void;
  /** Reply bytes that the socket has not taken yet. */
  protected abstract get unread(): number;
  /** Looks again whether there is more to read or handle: something was answered, or has been sent. */
  protected abstract resume(): void;
  protected abstract closeSocket(): void;

  get asyncReply(): boolean {
    return this.#options.asyncReply;
  }

  get identity(): Identity | null {
    return this.#entry.identity;
  }

  login(token: string): string {
    const name = this.#entry.login(token);
    this.liftMaxFrame(this.handler.limits.maxFrame);
    return name;
  }

  /** Looks again who it is and whether it may be here: its listener has changed. */
  recheck(): void {
    this.#entry.again();
    if (this.identity?.isOver === true || !this.handler.options.access.admits(this.address)) this.finish();
  }

  /** Resolves when it is closed. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Allows longer messages, of so many bytes with their prefix; never shorter ones than it does. */
  liftMaxFrame(maxFrame: number): void {
    const allowed = this.#entry.isStranger ? Math.min(maxFrame, LOGIN_FRAME_BYTES) : maxFrame;
    this.reader.maxFrame = Math.max(this.reader.maxFrame, allowed);
    const most = this.reader.maxFrame;
    this.maxBodyBytes = (this.#options.legacy ? Math.min(most, LEGACY_REPLY_BYTES) : most) - PREFIX_BYTES -
      REPLY_HEADER_BYTES;
  }

  /** Takes no more messages, sends what is owed, then closes. */
  finish(): void {
    if (this.state === "open" && this.#longTimer !== undefined) return this.#refuseNow();
    const hasWaited = this.#entry.stopWaiting();
    if (this.state === "open") this.state = "closing";
    this.resume();
    this.settle();
    if (hasWaited) this.flush();
  }

  /** The same where the caller may still be sending: a subclass sees to it that the last reply arrives all the same. */
  protected finishInError(): void {
    this.endedInError = true;
    this.finish();
  }

  /** Ends the connection now. Replies that are still to come are dropped. */
  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    clearTimeout(this.#longTimer);
    this.#entry.stopWaiting();
    this.handler.routes.close(this.#slot);
    this.handler.closed(this);
    this.resume();
    this.closeSocket();
    this.#ended.resolve();
  }

  openRoute(): number {
    this.#accepted++;
    return this.#slot;
  }

  answer(id: number, code: number, body: Uint8Array | null): void {
    const { charset } = this.#options;
    if (charset !== null && body !== null) {
      const { encoding, content } = contentOf(body);
      const carried = inCharset(charset, code, encoding, content);
      body = bodyOf(carried);
      code = carried.code;
    }
    const at = this.#reserve(replyBytes(body === null ? 0 : body.length, true));
    this.outLength = writeReply(this.out, at, true, id, code, body);
  }

  refuse(id: number, code: number, body: Uint8Array | null): void {
    if (this.#accepted === this.#answered) this.answer(id, code, body);
    else this.#refusals.add(this.#accepted, id, code, body);
  }

  deliver(
    id: number,
    code: number,
    encoding: Encoding | 0,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    const { charset, legacy } = this.#options;
    if (encoding !== 0 && charset !== null) {
      // A copy: no text is made of shared memory.
      const carried = inCharset(charset, code, encoding, bytes.slice(at, at + length));
      ({ code, content: bytes } = carried);
      at = 0;
      length = bytes.length;
    }
    let size = contentReplyBytes(encoding, length, true);
    if (encoding !== 0 && legacy && size > LEGACY_REPLY_BYTES) {
      const what = code < ReplyCode.Ok ? "error" : "result";
      const why =
        `the ${what} has ${length} bytes; a reply to clients of old has ${LEGACY_REPLY_BYTES} at most`;
      ({ code, encoding, content: bytes } = smallerReply(code, encoding, this.maxBodyBytes, why));
      at = 0;
      length = bytes.length;
      size = contentReplyBytes(encoding, length, true);
    }
    const start = this.#reserve(size);
    this.outLength = writeContentReply(this.out, start, true, id, code, encoding, bytes, at, length);
    this.#answered++;
    this.#replySize += (size - this.#replySize) * REPLY_SIZE_WEIGHT;
    if (this.#refusals.count > 0) this.#releaseRefusals();
  }

  flush(): void {
    if (this.#entry.isWaiting) return;
    if (this.outLength > 0 && this.state !== "closed") this.send();
    this.settle();
    this.resume();
  }

  /**
   * Gives the router the messages that are complete. Where there may be more, "paused" says that too much is owed, and
   * "turn" that others have waited for long enough.
   */
  protected handleMessages(): "more" | "paused" | "turn" {
    const { reader } = this;
    const { router, now } = this.handler;
    if (this.#entry.isWaiting) return "paused";
    let time = now();
    const turnEnd = time + TURN_MS;
    for (let handled = 1; this.state === "open"; handled++) {
      if (handled % LOOK_EVERY === 0) {
        time = now();
        if (time > turnEnd) return "turn";
      }
      if (this.isFull) {
        this.#pause();
        return "paused";
      }
      const next = reader.next();
      if (next === "more") break;
      if (next === "illegal") {
        if (!this.#awaitsLong()) this.#refuseLong();
        break;
      }
      this.#messages++;
      this.handler.received();
      const most = reader.maxFrame - PREFIX_BYTES;
      const { charset } = this.#options;
      if (
        passToRouter(router, this, charset, reader.bytes, reader.at, reader.length, most, time) === "close"
      ) {
        if (this.#entry.wait(() => this.finishInError())) return "paused";
        this.finishInError();
      }
    }
    this.#isPaused = false;
    return "more";
  }

  /** Whether what has come of a message that is too long does not tell yet whom to answer how, and may soon. */
  #awaitsLong(): boolean {
    // Clients of old know no reply to it.
    if (!this.asyncReply || !needsMore(this.reader)) return false;
    this.#longTimer ??= setTimeout(() => this.#refuseNow(), LONG_WAIT_MS);
    return true;
  }

  /** No more of it comes, or not soon. */
  #refuseNow(): void {
    this.#refuseLong();
    this.flush();
  }

  /** Answers a message that is too long where it is one, and ends the connection: nothing behind it can be found. */
  #refuseLong(): void {
    const { bytes, at, length, announced, maxFrame } = this.reader;
    clearTimeout(this.#longTimer);
    this.#longTimer = undefined;
    tellIllegalLength(this.handler.context.limitLog, announced, maxFrame, this.address);
    if (this.asyncReply && isAnswerable(this.reader)) {
      const why = this.#entry.isStranger
        ? `the message has ${announced} bytes, before a login it may have ${maxFrame}: log in first`
        : `the message has ${announced} bytes, max_frame allows ${maxFrame}: send less, or raise it`;
      this.handler.router.refuseUnread(this, bytes, at, length, why);
    }
    this.finishInError();
  }

  /** Counts that input waits, once until it is all read. */
  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    const { limitLog, limits } = this.handler.context;
    const limit = this.#waiting >= limits.maxInFlight ? "max_in_flight" : "max_unread_reply_bytes";
    limitLog.reached(limit);
  }

  /**
   * Ends it where a message has been under way for too long, or nothing has come, or what is owed at the end is not
   * taken. Called about once a second: between two calls all that is noted is the number of messages.
   *
   * @param time in ms, of the handler's
   */
  check(time: number): void {
    const { limits } = this.handler;
    if (this.state === "closing") {
      const { unread } = this;
      if (this.#stillness.lasts(unread === 0 ? "" : "unread", unread, time, limits.slowReaderTimeout)) {
        this.handler.closeSlow(this);
      }
      return;
    }
    if (this.identity !== null && !this.#entry.isWaiting && this.#isUnwelcome(time)) return;
    const isBegun = this.reader.pending > 0;
    const isBusy = this.#isPaused || (!isBegun && this.isOwing);
    const timeout = isBusy ? 0 : isBegun ? limits.frameTimeout : limits.idleTimeout;
    const kind = isBusy ? "" : isBegun ? "begun" : "idle";
    if (!this.#stillness.lasts(kind, this.#messages, time, timeout)) return;
    this.handler.context.limitLog.reached(isBegun ? "frame_timeout" : "idle_timeout");
    if (isBegun && this.isOwing) this.finishInError();
    else this.close();
  }

  /** Ends it where whoever it is may not be here any more, or has not said who it is for too long. */
  #isUnwelcome(time: number): boolean {
    const isLate = this.#entry.isLate(time);
    if (isLate) this.handler.context.limitLog.reached("auth_timeout");
    if (!isLate && !this.identity!.isOver) return false;
    this.finishInError();
    return true;
  }

  /** Whether an operation of the caller is under way. */
  protected get isAwaiting(): boolean {
    return this.#accepted !== this.#answered;
  }

  /** Whether an operation of the caller is under way, or a reply unsent. */
  protected get isOwing(): boolean {
    return this.state !== "closed" &&
      (this.isAwaiting || this.unread > 0 || this.#refusals.count > 0);
  }

  /** Notes how much is unread, and closes a connection that is to end and owes nothing any more. */
  protected settle(): void {
    if (this.state === "closed" || !noteUnread(this.handler, this, this.unread)) return;
    if (this.state === "closing" && !this.isOwing) this.end();
  }

  /** Closes a connection that owes nothing any more. */
  protected end(): void {
    this.close();
  }

  /** Too much is under way, or unread with what is under way: nothing more is taken until that changes. */
  protected get isFull(): boolean {
    const { limits } = this.handler;
    return this.#entry.isWaiting || this.#waiting >= limits.maxInFlight ||
      this.unread + (this.#accepted - this.#answered) * this.#replySize >= limits.maxUnreadReplyBytes;
  }

  /** Operations and errors that are still to be answered. */
  get #waiting(): number {
    return this.#accepted - this.#answered + this.#refusals.count;
  }

  #releaseRefusals(): void {
    this.#refusals.release(this.#answered, (id, code, body) => this.answer(id, code, body));
  }

  /** Makes room in the reply buffer and returns where it is. */
  #reserve(bytes: number): number {
    const needed = this.outLength + bytes;
    if (needed > this.out.length) {
      let size = Math.max(this.out.length, FIRST_OUT_BYTES);
      while (size < needed) size *= 2;
      const grown = new Uint8Array(size);
      grown.set(this.out.subarray(0, this.outLength));
      this.out = grown;
    }
    return this.outLength;
  }
}

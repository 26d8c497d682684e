import type { Access } from "../auth/access.ts";
import type { Encoding } from "../protocol/body.ts";
import { PREFIX_BYTES } from "../protocol/frame.ts";
import { REPLY_HEADER_BYTES } from "../protocol/reply.ts";
import type { ListenerOptions } from "../net/listener_options.ts";
import { noteUnread } from "../net/note_unread.ts";
import type { HandledConnection, StreamHandler } from "../net/stream_handler.ts";
import type { ReplyTarget } from "../router/reply_routes.ts";
import { BodyReader } from "./body_reader.ts";
import { Exchange, type ExchangePlace } from "./exchange.ts";
import { contained, HttpError, tooLong } from "./http_error.ts";
import { HeldRefusal } from "./held_refusal.ts";
import type { HttpServices } from "./http_services.ts";
import { Input } from "./input.ts";
import { LastHandler } from "./last_handler.ts";
import { Output } from "./output.ts";
import { optionsHandler } from "./options_handler.ts";
import { headEnd } from "./request_head.ts";
import type { BodySink, Handler } from "./route.ts";
import { Stillness } from "../net/stillness.ts";
import { WholeBody } from "./whole_body.ts";

/** After so long others have their turn, in ms; looked at after so many steps. */
const TURN_MS = 1;
const LOOK_EVERY = 16;
/** What is read ahead while a request is worked on, and at once of a stream; in bytes. */
const AHEAD_BYTES = 64 * 1024;

const CONTINUE = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n");
const CR = 0x0d;
const LF = 0x0a;

/**
 * One connection that speaks HTTP/1.1: takes one request after another out of what comes, and sends their responses in order.
 * How bytes are read and written is the subclass's.
 *
 * ```
 * head ──► body, or stream ──► answering ──► head; or closing, where the connection is not kept
 * open ──end of input, last response, unsure framing──► closing (what is owed goes out) ──► closed
 * ```
 */
export abstract class HttpConnection implements HandledConnection, ReplyTarget, ExchangePlace {
  slowSince = 0;
  readonly output = new Output();
  readonly routeGeneration: number;
  protected state: "open" | "closing" | "closed" = "open";
  /** It ends because of what the caller sent, who may be sending still. */
  protected endedInError = false;
  /** The caller sends no more. */
  protected sawEnd = false;
  protected readonly input = new Input();
  readonly #exchange: Exchange;
  readonly #slot: number;
  readonly #ended = Promise.withResolvers<void>();
  #stage: "head" | "body" | "stream" | "answering" = "head";
  readonly #body = new BodyReader();
  readonly #whole = new WholeBody();
  #handler: Handler | null = null;
  #sink: BodySink | null = null;
  readonly #last: LastHandler;
  /** Bytes of the head that were looked at, and whether an empty line before it was passed over. */
  #looked = 0;
  #hasPassedLine = false;
  #begun = 0;
  readonly #held = new HeldRefusal();
  /** What {@link check} saw last, and since when. */
  readonly #stillness = new Stillness();

  /** What it is made of is {@link Origin}'s. */
  constructor(
    readonly handler: StreamHandler,
    readonly services: HttpServices,
    readonly address: string,
    readonly subject: string | null,
  ) {
    this.#slot = handler.routes.open(this);
    this.routeGeneration = handler.routes.generation(this.#slot);
    this.#exchange = new Exchange(this, services);
    this.#last = new LastHandler(services.table);
  }

  /** Sends what has collected, as far as the socket takes it now. */
  protected abstract send(): void;
  /** Bytes that the socket has not taken yet. */
  protected abstract get unread(): number;
  /** Looks again whether there is more to read or to work on. */
  protected abstract resume(): void;
  protected abstract closeSocket(): void;

  /** Resolves when it is closed. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get maxBodyBytes(): number {
    return this.services.limits.maxFrame - PREFIX_BYTES - REPLY_HEADER_BYTES;
  }

  get access(): Access {
    return this.handler.options.access;
  }

  get options(): ListenerOptions {
    return this.handler.options;
  }

  get isLast(): boolean {
    const isAllRead = this.sawEnd && this.input.pending === 0;
    return this.state !== "open" || isAllRead || this.services.isStopping();
  }

  /** Each request is held to what counts when it comes. */
  liftMaxFrame(): void {}

  recheck(): void {
    const isOutdated = this.#stage === "stream" && this.#exchange.isOutdated;
    if (isOutdated || !this.access.admits(this.address)) this.finish();
  }

  openRoute(): number {
    return this.#slot;
  }

  deliver(
    id: number,
    code: number,
    encoding: Encoding | 0,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    this.#exchange.replied(id, code, encoding, bytes, at, length);
  }

  flush(): void {
    if (this.state === "closed") return;
    this.#sink?.seal();
    if (this.#stage === "answering" && this.#exchange.isDone) this.#completed();
    if (this.output.length > 0) this.send();
    this.settle();
    this.resume();
  }

  /** Takes no more input, sends what is owed, then closes. */
  finish(): void {
    if (this.state !== "open") return;
    this.state = "closing";
    this.#held.tell();
    if (this.#stage === "stream") {
      this.#abandonStream("the request's body ends before its end");
      this.#sink?.seal();
    }
    this.flush();
  }

  /** Ends the connection now. Replies that are still to come are dropped. */
  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.#held.drop();
    this.handler.routes.close(this.#slot);
    this.handler.closed(this);
    this.resume();
    this.closeSocket();
    this.#ended.resolve();
  }

  /** Room for the next read. */
  protected space(): Uint8Array<ArrayBuffer> {
    const { head } = this.#exchange;
    const needed = this.#stage === "stream" ? AHEAD_BYTES : this.#stage === "body" ? head.length : 0;
    return this.input.space(Math.max(0, needed));
  }

  /** Whether nothing more is to be read now. */
  protected get isFull(): boolean {
    return this.isBlocked && (this.#stage === "stream" || this.input.pending >= AHEAD_BYTES);
  }

  /** Whether nothing can be done with what has come until something is answered, or was sent. */
  protected get isBlocked(): boolean {
    if (this.#stage === "answering") return !this.#exchange.isDone;
    return this.unread >= this.services.limits.maxUnreadReplyBytes || this.#sink?.isFull === true;
  }

  /** Works on what has come; "paused" where it is blocked, "turn" where others have waited for long enough. */
  protected handleInput(): "more" | "paused" | "turn" {
    const { now } = this.handler;
    const turnEnd = now() + TURN_MS;
    for (let handled = 1; this.state === "open"; handled++) {
      if (handled % LOOK_EVERY === 0 && now() > turnEnd) return "turn";
      if (this.isBlocked) return "paused";
      try {
        if (!this.#step()) return "more";
      } catch (error) {
        this.#refuse(contained(error, this.services.log));
      }
    }
    return "more";
  }

  /** One step on; false where it takes more input. */
  #step(): boolean {
    switch (this.#stage) {
      case "head":
        return this.#takeHead();
      case "body":
        return this.#takeBody();
      case "stream":
        return this.#takeStream(this.#sink!);
      case "answering":
        this.#completed();
        return true;
    }
  }

  #takeHead(): boolean {
    const { input } = this;
    if (!this.#hasPassedLine && input.pending >= 2 && input.bytes[input.at] === CR) {
      // Old clients send an empty line behind a body.
      this.#hasPassedLine = true;
      if (input.bytes[input.at + 1] === LF) input.at += 2;
    }
    if (input.pending === 0) return false;
    const exchange = this.#exchange;
    const { head } = exchange;
    if (this.#looked === 0) {
      this.#begun++;
      exchange.begin();
    }
    const end = headEnd(input.bytes, input.at, input.at + this.#looked, input.end);
    if (end < 0) {
      this.#looked = input.pending;
      return false;
    }
    head.read(input.bytes, input.at, end);
    input.at = end;
    this.#looked = 0;
    this.#hasPassedLine = false;
    this.handler.context.counters.httpMessages++;
    this.#body.begin(head.length);
    this.#stage = "body";
    this.#admit();
    if (head.length < 0 || head.length > input.pending) head.keep();
    return true;
  }

  /** What the head alone decides. Throws HttpError. */
  #admit(): void {
    const exchange = this.#exchange;
    const { head } = exchange;
    const { limits, table } = this.services;
    exchange.admit();
    const handler = head.method === "OPTIONS"
      ? optionsHandler(exchange, table)
      : this.#last.find(head.method, head.target);
    this.#handler = handler;
    if (!handler.streams && head.length > limits.maxFrame) {
      throw tooLong(`has ${head.length} bytes`, limits.maxFrame);
    }
    if (head.expectsContinue && this.input.pending === 0) this.output.add(CONTINUE);
    if (!handler.streams) return;
    this.#sink = handler.open(exchange);
    this.#stage = "stream";
  }

  #takeBody(): boolean {
    const { input } = this;
    const exchange = this.#exchange;
    const { length } = exchange.head;
    if (length >= 0) {
      if (input.pending < length) return false;
      exchange.hasBody(input.bytes, input.at, length);
      input.at += length;
    } else {
      const { maxFrame } = this.services.limits;
      const read = this.#whole.read(this.#body, input, maxFrame);
      if (read === "long") throw tooLong("is too long", maxFrame);
      if (read === "more") return false;
      exchange.hasBody(this.#whole.bytes, 0, this.#whole.length);
    }
    this.#stage = "answering";
    if (this.#handler?.streams === false) this.#handler.handle(exchange);
    this.#whole.clear();
    return true;
  }

  #takeStream(sink: BodySink): boolean {
    const { input } = this;
    const body = this.#body;
    const next = body.next(input);
    if (next === "more") return false;
    if (next === "piece") {
      const taken = sink.take(input.bytes, body.at, body.length);
      if (taken < body.length) body.giveBack(input, body.length - taken);
      return true;
    }
    this.#stage = "answering";
    sink.end();
    return true;
  }

  /** Answers what is wrong with a request; where it is not read to its end, that ends the connection. */
  #refuse(error: HttpError): void {
    const exchange = this.#exchange;
    const { input } = this;
    const { length } = exchange.head;
    if (error.status === 413) {
      this.handler.context.limitLog.reached("max_frame", { max_frame: this.services.limits.maxFrame });
    }
    if (this.#sink !== null) {
      this.endedInError = true;
      this.#abandonStream(error.message);
      return;
    }
    const isRead = this.#stage === "answering" ||
      (this.#stage === "body" && length >= 0 && length <= input.pending);
    if (isRead && !error.closes) {
      if (this.#stage === "body") input.at += length;
    } else {
      exchange.closes = true;
      this.endedInError = true;
    }
    this.#stage = "answering";
    if (exchange.isDone) return;
    this.#held.hold(error, (error) => exchange.refuseRequest(error), () => this.flush());
  }

  /** Nothing more of a stream is taken: what is under way is answered, and the connection ends. */
  #abandonStream(message: string): void {
    this.#exchange.closes = true;
    this.#stage = "answering";
    this.#sink?.fail(message);
  }

  /** The response is written: the next request may be read, or the connection ends. */
  #completed(): void {
    this.#sink?.seal();
    this.#sink = null;
    this.#handler = null;
    this.#stage = "head";
    if (this.#exchange.closes && this.state === "open") this.state = "closing";
  }

  /** Whether more of a batch's lines are owed. */
  protected get isAwaiting(): boolean {
    return this.#sink?.isAwaiting === true;
  }

  /** Whether something is owed to the caller. */
  protected get isOwing(): boolean {
    return this.state !== "closed" && (this.#stage === "answering" || this.unread > 0);
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

  /** Ends it where it keeps the server waiting; called about once a second. */
  check(time: number): void {
    const { limits, context: { limitLog } } = this.handler;
    if (this.state === "closing") {
      const isStuck = this.unread > 0 &&
        this.#stillness.lasts("unread", this.unread, time, limits.slowReaderTimeout);
      if (isStuck) this.handler.closeSlow(this);
      return;
    }
    const isIdle = this.#stage === "head" && this.input.pending === 0;
    if (isIdle && this.isLast) return this.finish();
    if (isIdle) {
      if (!this.#stillness.lasts("idle", this.#begun, time, limits.keepAliveTimeout)) return;
      limitLog.reached("keep_alive_timeout");
      return this.finish();
    }
    const isPartial = this.#sink?.isPartial ?? true;
    const count = this.#sink?.taken ?? this.#begun;
    const timeout = isPartial ? limits.frameTimeout : limits.keepAliveTimeout;
    const kind = this.isBlocked ? "" : isPartial ? "partial" : "between";
    if (!this.#stillness.lasts(kind, count, time, timeout)) return;
    limitLog.reached(isPartial ? "frame_timeout" : "keep_alive_timeout");
    this.#refuse(
      new HttpError(408, `the request did not come to its end within ${timeout / 1000} s`, {}, true),
    );
    this.flush();
  }
}

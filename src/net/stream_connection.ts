import type { Encoding } from "../protocol/body.ts";
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
import type { StreamHandler } from "./stream_listener.ts";

/** First size of the buffer for replies, in bytes; it doubles as needed. */
const FIRST_OUT_BYTES = 1024;
/** The most that an emptied reply buffer keeps, in bytes. */
const KEPT_OUT_BYTES = 64 * 1024;
/** A caller that leaves so many times the bound unread is closed at once. */
const UNREAD_HARD_FACTOR = 8;

/** An error that waits for the results of the requests before it. */
interface Refusal {
  /** Sync operations of this connection that are to be answered first. */
  readonly after: number;
  readonly id: number;
  readonly code: number;
  readonly body: Uint8Array | null;
}

/**
 * One TCP or Unix socket connection: reads messages, gives them to the router, collects replies and writes them, all of
 * a batch in one write.
 *
 * ```
 * open ──end of input, illegal message──► closing (replies that are owed still go out) ──► closed
 *   └────reset, write error, slow reader──────────────────────────────────────────────────────▲
 * ```
 */
export class StreamConnection implements Caller, ReplyTarget {
  readonly asyncReply: boolean;
  readonly maxBodyBytes: number;
  readonly routeGeneration: number;
  /** Resolves when it is closed and nothing of it goes on. */
  ended: Promise<void> = Promise.resolve();
  /** Since when it has left too much unread, monotonic in ms; 0 while it has not. */
  slowSince = 0;
  readonly #slot: number;
  readonly #reader: FrameReader;
  #state: "open" | "closing" | "closed" = "open";
  #out = new Uint8Array(0);
  #outLength = 0;
  /** The buffer that is being written, to be filled again afterwards. */
  #spare = new Uint8Array(0);
  #writingLength = 0;
  #accepted = 0;
  #answered = 0;
  #refusals: Refusal[] = [];
  /** Lets the paused read loop, or the closing connection, look again. */
  #resume: (() => void) | null = null;

  constructor(readonly socket: Deno.Conn, readonly handler: StreamHandler) {
    const { limits, routes } = handler;
    this.asyncReply = handler.asyncReply;
    this.maxBodyBytes = limits.maxFrame - PREFIX_BYTES - REPLY_HEADER_BYTES;
    this.#reader = new FrameReader(limits.maxFrame);
    this.#slot = routes.open(this);
    this.routeGeneration = routes.generation(this.#slot);
  }

  /** Begins to serve. */
  start(): void {
    this.ended = this.#run();
  }

  async #run(): Promise<void> {
    try {
      while (this.#state === "open") {
        const count = await this.socket.read(this.#reader.space());
        if (count === null) break;
        this.#reader.received(count);
        while (this.#handleMessages() === "paused") await this.#change();
      }
      this.finish();
      while (this.#isOwing) await this.#change();
    } catch {
      // The caller reset the connection, or it was closed under the pending read: nobody is left to tell.
    }
    this.close();
  }

  /** Takes no more messages, sends what is owed, then closes. */
  finish(): void {
    if (this.#state === "open") this.#state = "closing";
    this.#resume?.();
    this.#closeWhenDone();
  }

  /** Ends the connection now. Replies that are still to come are dropped. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.handler.routes.close(this.#slot);
    this.handler.closed(this);
    this.#resume?.();
    try {
      this.socket.close();
    } catch {
      // It was closed already, by the other side's reset.
    }
  }

  openRoute(): number {
    this.#accepted++;
    return this.#slot;
  }

  answer(id: number, code: number, body: Uint8Array | null): void {
    const at = this.#reserve(replyBytes(body === null ? 0 : body.length, true));
    this.#outLength = writeReply(this.#out, at, true, id, code, body);
  }

  refuse(id: number, code: number, body: Uint8Array | null): void {
    if (this.#accepted === this.#answered) this.answer(id, code, body);
    else this.#refusals.push({ after: this.#accepted, id, code, body });
  }

  deliver(
    id: number,
    code: number,
    encoding: Encoding | 0,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    const start = this.#reserve(contentReplyBytes(encoding, length, true));
    this.#outLength = writeContentReply(this.#out, start, true, id, code, encoding, bytes, at, length);
    this.#answered++;
    if (this.#refusals.length > 0) this.#releaseRefusals();
  }

  /** Sends what has collected, unless a write is under way: then it goes with the next one. */
  flush(): void {
    if (this.#outLength > 0 && this.#writingLength === 0 && this.#state !== "closed") this.#write();
    this.#checkUnread();
    this.#resume?.();
    if (this.#state === "closing") this.#closeWhenDone();
  }

  #handleMessages(): "more" | "paused" {
    const reader = this.#reader;
    const { router } = this.handler;
    while (this.#state === "open" && !this.#isPaused()) {
      const next = reader.next();
      if (next === "more") break;
      if (next === "illegal") {
        this.finish();
        break;
      }
      this.handler.received();
      if (router.handleContained(this, reader.bytes, reader.at, reader.length) === "close") this.finish();
    }
    router.dispatch();
    this.flush();
    return this.#state === "open" && this.#isPaused() ? "paused" : "more";
  }

  /** Too much is under way or unread: nothing more is read until that changes. */
  #isPaused(): boolean {
    const { limits } = this.handler;
    const owed = this.#accepted - this.#answered + this.#refusals.length;
    return owed >= limits.maxInFlight || this.#unread >= limits.maxUnreadReplyBytes;
  }

  /** Whether an operation of the caller is under way, or a reply unsent. */
  get #isOwing(): boolean {
    return this.#state !== "closed" &&
      (this.#accepted !== this.#answered || this.#unread > 0 || this.#refusals.length > 0);
  }

  #closeWhenDone(): void {
    if (!this.#isOwing) this.close();
  }

  get #unread(): number {
    return this.#outLength + this.#writingLength;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = () => {
        this.#resume = null;
        resolve();
      };
    });
  }

  #releaseRefusals(): void {
    let count = 0;
    for (const { after, id, code, body } of this.#refusals) {
      if (after > this.#answered) break;
      this.answer(id, code, body);
      count++;
    }
    this.#refusals.splice(0, count);
  }

  /** Makes room in the reply buffer and returns where it is. */
  #reserve(bytes: number): number {
    const needed = this.#outLength + bytes;
    if (needed > this.#out.length) {
      let size = Math.max(this.#out.length, FIRST_OUT_BYTES);
      while (size < needed) size *= 2;
      const grown = new Uint8Array(size);
      grown.set(this.#out.subarray(0, this.#outLength));
      this.#out = grown;
    }
    return this.#outLength;
  }

  async #write(): Promise<void> {
    try {
      while (this.#outLength > 0) {
        const bytes = this.#out;
        const length = this.#outLength;
        this.#out = this.#spare;
        this.#spare = bytes;
        this.#writingLength = length;
        this.#outLength = 0;
        for (let sent = 0; sent < length;) {
          sent += await this.socket.write(bytes.subarray(sent, length));
          this.#writingLength = length - sent;
        }
      }
      if (this.#spare.length > KEPT_OUT_BYTES) this.#spare = new Uint8Array(0);
      if (this.#out.length > KEPT_OUT_BYTES) this.#out = new Uint8Array(0);
    } catch {
      // The caller has gone.
      this.close();
    }
    this.#writingLength = 0;
    this.#checkUnread();
    this.#resume?.();
    if (this.#state === "closing") this.#closeWhenDone();
  }

  #checkUnread(): void {
    const { limits, now } = this.handler;
    const unread = this.#unread;
    if (unread < limits.maxUnreadReplyBytes) this.slowSince = 0;
    else if (unread >= limits.maxUnreadReplyBytes * UNREAD_HARD_FACTOR) this.handler.closeSlow(this);
    else if (this.slowSince === 0) this.slowSince = now();
  }
}

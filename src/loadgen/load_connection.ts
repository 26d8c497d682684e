import { readU32 } from "../protocol/bytes.ts";
import { FrameReader } from "../protocol/frame.ts";
import { MINI_REPLY_BYTES, REPLY_HEADER_BYTES } from "../protocol/reply.ts";
import { type LoadPlan, MAX_LOAD_FRAME_BYTES } from "./plan.ts";
import type { LoadTally } from "./tally.ts";
import { LoadWindow } from "./window.ts";

/** First size of the buffer for replies, in bytes. */
const FIRST_READ_BYTES = 8 * 1024;
const US_PER_MS = 1000;

/** What the connections of a load share: what they send, and who says when and counts. */
export interface SharedLoad {
  readonly plan: LoadPlan;
  readonly tally: LoadTally;
  /** How many of so many wanted requests may leave now; they count as sent. */
  grant(wanted: number, now: number): number;
  /** A connection has counted the replies of one read. */
  answered(now: number): void;
  /** A connection has ended with so many requests unanswered. */
  lost(unanswered: number): void;
}

/**
 * One connection of a load. All that a read has answered is replaced in one write; nothing is allocated for a message.
 * How bytes are read and written is the subclass's.
 */
export abstract class LoadConnection {
  protected readonly frames = new FrameReader(MAX_LOAD_FRAME_BYTES, FIRST_READ_BYTES);
  /** What the socket has not taken yet of the write under way; null where there is none. */
  protected unwritten: Uint8Array<ArrayBuffer> | null = null;
  protected isClosed = false;
  /** Requests that were answered on it. */
  replies = 0;
  readonly #window: LoadWindow;
  #unanswered = 0;

  constructor(readonly run: SharedLoad) {
    this.#window = new LoadWindow(run.plan);
  }

  /** Fills the window. */
  abstract start(): void;
  /** Writes what is `unwritten`. */
  protected abstract write(): void;
  protected abstract closeSocket(): void;

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.closeSocket();
  }

  /** The connection has ended by itself: what it has unanswered is lost. */
  protected lose(): void {
    if (this.isClosed) return;
    this.close();
    this.run.lost(this.#unanswered);
  }

  /** Handles so many bytes that were read into `frames`. */
  protected received(count: number): void {
    const now = performance.now();
    this.frames.received(count);
    if (!this.#takeReplies(now)) return this.lose();
    this.send(now);
    this.run.answered(now);
  }

  /** Sends what may be sent, unless a write is under way. */
  protected send(now: number): void {
    while (this.unwritten === null && !this.isClosed) {
      const count = this.run.grant(this.#window.room, now);
      if (count === 0) return;
      this.#unanswered += count;
      this.unwritten = this.#window.take(count, now);
      this.write();
    }
  }

  /** Counts the replies that are complete; false where the bytes are none. */
  #takeReplies(now: number): boolean {
    const { frames } = this;
    for (let found = frames.next(); found !== "more"; found = frames.next()) {
      if (found === "illegal") {
        this.run.tally.stray++;
        return false;
      }
      this.#takeReply(frames.bytes, frames.at, frames.length, now);
    }
    return true;
  }

  #takeReply(bytes: Uint8Array, at: number, length: number, now: number): void {
    const { tally } = this.run;
    const isWhole = length === MINI_REPLY_BYTES ||
      (length > REPLY_HEADER_BYTES && readU32(bytes, at + 8) === length - REPLY_HEADER_BYTES);
    const sentAt = isWhole ? this.#window.settle(readU32(bytes, at)) : -1;
    if (sentAt < 0) tally.stray++;
    else {
      this.#unanswered--;
      this.replies++;
      tally.reply(readU32(bytes, at + 4), (now - sentAt) * US_PER_MS);
    }
  }
}

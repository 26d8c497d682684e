import { readU32 } from "../protocol/bytes.ts";
import { FrameReader } from "../protocol/frame.ts";
import { MINI_REPLY_BYTES, REPLY_HEADER_BYTES } from "../protocol/reply.ts";
import { MAX_LOAD_FRAME_BYTES } from "./load_plan.ts";
import type { LoadRun } from "./load_run.ts";
import { LoadWindow } from "./load_window.ts";

/** First size of the buffer for replies, in bytes. */
const FIRST_READ_BYTES = 8 * 1024;
const US_PER_MS = 1000;

/** One connection of a load. All that a read has answered is replaced in one write; nothing is allocated for a message. */
export class LoadConnection {
  readonly #window: LoadWindow;
  readonly #frames = new FrameReader(MAX_LOAD_FRAME_BYTES, FIRST_READ_BYTES);
  /** What the socket has not taken yet of the write under way; null where there is none. */
  #unwritten: Uint8Array<ArrayBuffer> | null = null;
  #unanswered = 0;
  #closed = false;
  readonly #written = (count: number) => this.#continue(count);
  readonly #failed = () => this.#lose();

  /** Owns the connection from here on. */
  constructor(readonly conn: Deno.Conn, readonly run: LoadRun) {
    this.#window = new LoadWindow(run.plan);
  }

  /** Fills the window and reads until the connection ends. */
  async read(): Promise<void> {
    this.#send(performance.now());
    try {
      while (!this.#closed) {
        const count = await this.conn.read(this.#frames.space());
        if (count === null) break;
        this.#frames.received(count);
        const now = performance.now();
        if (!this.#takeReplies(now)) break;
        this.#send(now);
        this.run.answered(now);
      }
    } catch {
      // A reset, or closed under the read: what was unanswered is lost in either case.
    }
    this.#lose();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.conn.close();
  }

  /** Counts the replies that are complete; false where the bytes are none. */
  #takeReplies(now: number): boolean {
    const frames = this.#frames;
    const { tally } = this.run;
    for (let found = frames.next(); found !== "more"; found = frames.next()) {
      if (found === "illegal") {
        tally.stray++;
        return false;
      }
      const { bytes, at, length } = frames;
      const isMini = length === MINI_REPLY_BYTES;
      const isWhole = isMini ||
        (length > REPLY_HEADER_BYTES && readU32(bytes, at + 8) === length - REPLY_HEADER_BYTES);
      const sentAt = isWhole ? this.#window.settle(readU32(bytes, at)) : -1;
      if (sentAt < 0) tally.stray++;
      else {
        this.#unanswered--;
        tally.reply(readU32(bytes, at + 4), (now - sentAt) * US_PER_MS);
      }
    }
    return true;
  }

  #send(now: number): void {
    if (this.#unwritten !== null || this.#closed) return;
    const count = this.run.grant(this.#window.room, now);
    if (count === 0) return;
    this.#unanswered += count;
    this.#unwritten = this.#window.take(count, now);
    this.conn.write(this.#unwritten).then(this.#written, this.#failed);
  }

  #continue(count: number): void {
    const rest = this.#unwritten!;
    if (this.#closed) return;
    if (count < rest.length) {
      this.#unwritten = rest.subarray(count);
      this.conn.write(this.#unwritten).then(this.#written, this.#failed);
      return;
    }
    this.#unwritten = null;
    if (this.#window.room > 0) this.#send(performance.now());
  }

  #lose(): void {
    if (this.#closed) return;
    this.close();
    this.run.lost(this.#unanswered);
  }
}

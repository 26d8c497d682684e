import { setImmediate } from "node:timers";
import { FrameReader } from "../../src/protocol/frame.ts";
import { readReply, type Reply } from "../../src/protocol/reply.ts";
import { within } from "./until.ts";

/** Bytes of one read. */
const READ_BYTES = 65_536;
/** The longest message a test expects, in bytes. */
const MAX_FRAME = 16 * 1024 * 1024;

/** A bare stream socket to the server: sends what bytes it is given, reads frames as they come. */
export class RawConnection implements Disposable {
  readonly #frames = new FrameReader(MAX_FRAME);
  readonly #buffer = new Uint8Array(READ_BYTES);
  #reading: Promise<boolean> | null = null;

  constructor(readonly socket: Deno.Conn) {}

  [Symbol.dispose](): void {
    this.close();
  }

  close(): void {
    try {
      this.socket.close();
    } catch {
      // It was closed already.
    }
  }

  /** Says that no more is sent. */
  async closeWrite(): Promise<void> {
    await this.socket.closeWrite();
  }

  /** Sends the segments one after the other; the server gets a turn after each. */
  async send(...segments: Uint8Array[]): Promise<void> {
    for (const segment of segments) {
      for (let sent = 0; sent < segment.length;) sent += await this.socket.write(segment.subarray(sent));
      if (segments.length > 1) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** The next message with its prefix, or null where the server has closed the connection. */
  async frame(): Promise<Uint8Array | null> {
    while (true) {
      const frame = this.#next();
      if (frame !== null) return frame;
      this.#reading ??= this.#read();
      const open = await within("a reply", this.#reading);
      this.#reading = null;
      if (open) continue;
      if (this.#frames.pending > 0) throw new Error("the server closed in the middle of a message");
      return null;
    }
  }

  /** The next message of those that have come; null where there is none. */
  #next(): Uint8Array | null {
    const next = this.#frames.next();
    if (next === "illegal") throw new Error("the server sent a message of an illegal length");
    if (next !== "message") return null;
    const { bytes, at, length } = this.#frames;
    return bytes.slice(at - 4, at + length);
  }

  /** The next so many messages; throws where the server closes before. */
  async frames(count: number): Promise<Uint8Array[]> {
    const frames: Uint8Array[] = [];
    while (frames.length < count) {
      const frame = this.#next() ?? await this.frame();
      if (frame === null) throw new Error(`the server closed after ${frames.length} of ${count} replies`);
      frames.push(frame);
    }
    return frames;
  }

  /** The next reply; throws where the server closes before. */
  async reply(): Promise<Reply> {
    const [frame] = await this.frames(1);
    return readReply(frame!.subarray(4));
  }

  async replies(count: number): Promise<Reply[]> {
    return (await this.frames(count)).map((frame) => readReply(frame.subarray(4)));
  }

  /** False at the end of the stream; a reset is an end, too. */
  async #read(): Promise<boolean> {
    let count: number | null;
    try {
      count = await this.socket.read(this.#buffer);
    } catch {
      return false;
    }
    if (count === null) return false;
    this.#frames.push(this.#buffer.subarray(0, count));
    return true;
  }
}

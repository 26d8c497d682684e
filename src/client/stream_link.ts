import { concat } from "../protocol/bytes.ts";
import { FrameReader } from "../protocol/frame.ts";
import { systemReason } from "../system_reason.ts";
import type { LinkEvents } from "./link.ts";
import { QueuedLink } from "./queued_link.ts";
import type { StreamSocket } from "./runtime_sockets.ts";

/** A connection over TCP, TLS or a Unix socket. What is sent while a write is under way leaves in one write after it. */
export class StreamLink extends QueuedLink {
  override readonly prefixed = true;
  override readonly maxMessageBytes: number;
  readonly #reading: Promise<void>;

  /** Owns the connection from here on. `maxFrame` bounds a message either way, in bytes. */
  constructor(readonly socket: StreamSocket, maxFrame: number, events: LinkEvents) {
    super(events);
    this.maxMessageBytes = maxFrame;
    this.#reading = this.#read();
  }

  /** Does not wait for a write that the server does not read: Deno ends such a one only when the server closes. */
  override async close(): Promise<void> {
    this.end();
    await this.#reading;
  }

  protected override async sendWaiting(): Promise<void> {
    // Lets the caller's whole turn gather, so that the first of many calls does not leave alone.
    await Promise.resolve();
    try {
      while (this.waiting.length > 0 && !this.isClosed) {
        let bytes = joined(this.waiting);
        this.waiting = [];
        this.waitingBytes = 0;
        while (bytes.length > 0) bytes = bytes.subarray(await this.socket.write(bytes));
      }
    } catch (error) {
      this.lose(`writing failed: ${systemReason(error, "connect")}`);
    }
    this.sending = undefined;
  }

  async #read(): Promise<void> {
    const frames = new FrameReader(this.maxMessageBytes);
    try {
      for (;;) {
        const count = await this.socket.read(frames.space());
        if (count === null) return this.lose("the server closed the connection");
        frames.received(count);
        for (let found = frames.next(); found !== "more"; found = frames.next()) {
          if (found === "illegal") {
            return this.lose(
              `a reply has no legal length, or more than the ${frames.maxFrame} bytes of maxFrame`,
            );
          }
          this.events.message(frames.bytes.subarray(frames.at, frames.at + frames.length));
          if (this.isClosed) return;
        }
      }
    } catch (error) {
      this.lose(`reading failed: ${systemReason(error, "connect")}`);
    }
  }

  protected override closeSocket(): void {
    this.socket.close();
  }
}

function joined(messages: readonly Uint8Array[]): Uint8Array {
  const [first] = messages;
  if (first !== undefined && messages.length === 1) return first;
  return concat(messages);
}

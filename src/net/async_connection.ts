import { setImmediate } from "node:timers";
import { KEPT_OUT_BYTES, StreamConnection } from "./stream_connection.ts";
import type { StreamHandler } from "./stream_handler.ts";

/** How long a caller that was told of its error may go on sending, in ms; of a read of what nobody will read, bytes. */
const LINGER_MS = 1000;
const DISCARDED_BYTES = 64 * 1024;

/** A connection over Deno's own sockets: an awaited read after another, an awaited write while the next replies collect. */
export class AsyncConnection extends StreamConnection {
  /** The buffer that is being written, to be filled again afterwards. */
  #spare = new Uint8Array(0);
  #writing = 0;
  #lingerTimer: number | undefined;
  /** Lets the paused read loop, or the closing connection, look again. */
  #wake: (() => void) | null = null;

  constructor(readonly socket: Deno.Conn, handler: StreamHandler, address: string) {
    super(handler, address, null);
    this.#serve();
  }

  protected override get unread(): number {
    return this.outLength + this.#writing;
  }

  protected override resume(): void {
    this.#wake?.();
  }

  protected override closeSocket(): void {
    clearTimeout(this.#lingerTimer);
    try {
      this.socket.close();
    } catch {
      // It was closed already, by the other side's reset.
    }
  }

  protected override send(): void {
    if (this.#writing === 0) this.#write();
  }

  async #serve(): Promise<void> {
    try {
      while (this.state === "open") {
        const count = await this.socket.read(this.reader.space());
        if (count === null) break;
        this.reader.received(count);
        for (let next = this.#handle(); next !== "more"; next = this.#handle()) {
          await (next === "paused" ? this.#change() : othersTurn());
        }
      }
      this.finish();
      while (this.isOwing) await this.#change();
      if (this.endedInError) await this.#linger();
    } catch {
      // The caller reset the connection, or it was closed under the pending read: nobody is left to tell.
    }
    this.close();
  }

  /** Who was told of its error reads it in {@link #linger}. */
  protected override end(): void {
    if (!this.endedInError) return this.close();
    this.#lingerTimer ??= setTimeout(() => this.close(), LINGER_MS);
  }

  /** Closed with input unread, a TCP socket resets, and what it has not sent yet is lost: the caller closes first. */
  async #linger(): Promise<void> {
    this.end();
    await (this.socket as Deno.TcpConn | Deno.UnixConn).closeWrite();
    const discarded = new Uint8Array(DISCARDED_BYTES);
    while (await this.socket.read(discarded) !== null);
  }

  #handle(): "more" | "paused" | "turn" {
    const outcome = this.handleMessages();
    this.handler.router.dispatch();
    this.flush();
    return outcome;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null;
        resolve();
      };
    });
  }

  async #write(): Promise<void> {
    try {
      while (this.outLength > 0) {
        const bytes = this.out;
        const length = this.outLength;
        this.out = this.#spare;
        this.#spare = bytes;
        this.#writing = length;
        this.outLength = 0;
        for (let sent = 0; sent < length;) {
          sent += await this.socket.write(bytes.subarray(sent, length));
          this.#writing = length - sent;
        }
      }
      if (this.#spare.length > KEPT_OUT_BYTES) this.#spare = new Uint8Array(0);
      if (this.out.length > KEPT_OUT_BYTES) this.out = new Uint8Array(0);
    } catch {
      // The caller has gone.
      this.close();
    }
    this.#writing = 0;
    this.settle();
    this.resume();
  }
}

function othersTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => resolve()));
}

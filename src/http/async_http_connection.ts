import { setImmediate } from "node:timers";
import type { StreamHandler } from "../net/stream_handler.ts";
import { HttpConnection } from "./http_connection.ts";
import type { HttpServices } from "./http_services.ts";

/** How long a caller that was told of its error may go on sending, in ms; of a read of what nobody will read, bytes. */
const LINGER_MS = 1000;
const DISCARDED_BYTES = 64 * 1024;

/** An HTTP connection over Deno's own sockets: an awaited read after another, an awaited write while the next responses collect. */
export class AsyncHttpConnection extends HttpConnection {
  /** Bytes that are being written. */
  #writing = 0;
  #lingerTimer: number | undefined;
  /** Lets the paused read loop, or the closing connection, look again. */
  #wake: (() => void) | null = null;

  constructor(readonly socket: Deno.Conn, handler: StreamHandler, services: HttpServices, address: string) {
    super(handler, services, address, null);
    this.#serve();
  }

  protected override get unread(): number {
    return this.output.length + this.#writing;
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

  /** Who was told of its error reads it in {@link #linger}. */
  protected override end(): void {
    if (!this.endedInError) return this.close();
    this.#lingerTimer ??= setTimeout(() => this.close(), LINGER_MS);
  }

  async #serve(): Promise<void> {
    try {
      while (this.state === "open") {
        const count = await this.socket.read(this.space());
        this.sawEnd = count === null;
        if (count === null) break;
        this.input.received(count);
        for (let next = this.#work(); next !== "more" && this.state === "open"; next = this.#work()) {
          if (next === "turn") await othersTurn();
          else while (this.isBlocked && this.state === "open") await this.#change();
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

  /** Closed with input unread, a TCP socket resets, and what it has not sent yet is lost: the caller closes first. */
  async #linger(): Promise<void> {
    this.end();
    await (this.socket as Deno.TcpConn).closeWrite();
    const discarded = new Uint8Array(DISCARDED_BYTES);
    while (await this.socket.read(discarded) !== null);
  }

  #work(): "more" | "paused" | "turn" {
    const outcome = this.handleInput();
    this.services.router.dispatch();
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
      while (this.output.length > 0) {
        const { bytes, length } = this.output.take();
        this.#writing = length;
        for (let sent = 0; sent < length;) {
          sent += await this.socket.write(bytes.subarray(sent, length));
          this.#writing = length - sent;
        }
      }
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

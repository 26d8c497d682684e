import { AsyncConnection } from "./async_connection.ts";
import type { StreamHandler } from "./stream_handler.ts";
import type { StreamListener } from "./listen.ts";

/** After an accept that failed (no descriptor left), the next one is tried after this long; in ms. */
const ACCEPT_PAUSE_MS = 100;

/** Accepts connections over Deno's own sockets. */
export class AsyncListener implements StreamListener {
  readonly #accepting: Promise<void>;
  #closed = false;
  #pause: { timer: number; end: () => void } | null = null;

  constructor(readonly listener: Deno.Listener, readonly handler: StreamHandler) {
    this.#accepting = this.#accept();
  }

  get address(): Deno.Addr {
    return this.listener.addr;
  }

  async stopAccepting(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#pause !== null) {
      clearTimeout(this.#pause.timer);
      this.#pause.end();
    }
    this.listener.close();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    while (!this.#closed) {
      try {
        this.#serve(await this.listener.accept());
      } catch (error) {
        if (this.#closed) return;
        this.handler.context.log.error("a connection could not be accepted", { error: String(error) });
        await this.#wait(ACCEPT_PAUSE_MS);
      }
    }
  }

  #serve(socket: Deno.Conn): void {
    if (!this.handler.admits()) return socket.close();
    if (socket.remoteAddr.transport === "tcp") {
      try {
        const tcp = socket as Deno.TcpConn;
        tcp.setNoDelay(true);
        tcp.setKeepAlive(true);
      } catch {
        // The caller has gone already; the first read will tell.
      }
    }
    this.handler.opened(new AsyncConnection(socket, this.handler));
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.#pause = null;
        resolve();
      };
      this.#pause = { timer: setTimeout(end, ms), end };
    });
  }
}

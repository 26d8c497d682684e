import { systemReason } from "../system_reason.ts";
import type { ConnectionMaker } from "./connection_maker.ts";
import type { StreamHandler } from "./stream_handler.ts";
import type { StreamListener } from "./stream_listener.ts";
import type { ListenSocket } from "./unix_socket.ts";

/** After an accept that failed (no descriptor left), the next one is tried after this long; in ms. */
const ACCEPT_PAUSE_MS = 100;
/** An IPv4 address that came over an IPv6 socket is the same as over any other. */
const MAPPED = /^::ffff:(?=[\d.]+$)/;

/** Accepts connections over Deno's own sockets. */
export class AsyncListener implements StreamListener {
  readonly canServeTls = false;
  #accepting: Promise<void> | null = null;
  #closed = false;
  #pause: { timer: number; end: () => void } | null = null;

  constructor(
    readonly listener: ListenSocket,
    readonly handler: StreamHandler,
    readonly maker: ConnectionMaker,
  ) {}

  get address(): Deno.Addr {
    return this.listener.addr;
  }

  begin(): void {
    if (!this.#closed) this.#accepting ??= this.#accept();
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
        // No descriptor left? Then one of the reserve lets the next connection be told so: it is closed.
        if (this.handler.context.admission.reserve.release()) continue;
        this.handler.context.log.error("a connection could not be accepted", {
          error: systemReason(error, "listen"),
        });
        await this.#wait(ACCEPT_PAUSE_MS);
      }
    }
  }

  #serve(socket: Deno.Conn): void {
    const { admission } = this.handler.context;
    const { remoteAddr } = socket;
    const address = remoteAddr.transport === "tcp" ? remoteAddr.hostname.replace(MAPPED, "") : "";
    if (!this.handler.admits(address)) {
      socket.close();
      return admission.reserve.refill();
    }
    if (remoteAddr.transport === "tcp") {
      try {
        const tcp = socket as Deno.TcpConn;
        tcp.setNoDelay(true);
        tcp.setKeepAlive(true);
      } catch {
        // The caller has gone already; the first read will tell.
      }
    }
    this.handler.opened(this.maker.overSocket(socket, this.handler, address));
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

import { textOf } from "../text_of.ts";
import { TlsSocket } from "../tls/tls_socket.ts";
import type { ConnectionMaker } from "./connection_maker.ts";
import type { EpollLoop } from "./epoll_loop.ts";
import type { EpollHandler } from "./epoll_set.ts";
import {
  EPOLLIN,
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOCK_NONBLOCK_CLOEXEC,
  SOCKADDR_BYTES,
  SOL_SOCKET,
  TCP_NODELAY,
} from "./libc.ts";
import type { HandledConnection, StreamHandler } from "./stream_handler.ts";
import type { StreamListener } from "./stream_listener.ts";
import { DescriptorIo } from "./stream_io.ts";
import { socketAddressText } from "./socket_address.ts";
import { TlsHandshake } from "./tls_handshake.ts";
import type { ListenSocket } from "./unix_socket.ts";

/** Connections accepted at a time, before others have their turn. */
const ACCEPT_BATCH = 16;
/** Connections that the kernel holds for a listener at most, as Linux comes. */
const MAX_BACKLOG = 4096;
/** After an accept that failed the next one is tried after this long, in ms. */
const ACCEPT_PAUSE_MS = 100;
/** A C int, 1, in the machine's byte order. */
const ONE = new Uint8Array(new Int32Array([1]).buffer);

/** Accepts connections on a listening socket that Deno has opened, and serves them with epoll. */
export class EpollListener implements StreamListener, EpollHandler {
  readonly canServeTls = true;
  readonly #address = new Uint8Array(SOCKADDR_BYTES);
  readonly #addressLength = new Uint32Array(1);
  #timer: number | undefined;
  #begun = false;
  #closed = false;

  /** @param fd the listener's descriptor */
  constructor(
    readonly listener: ListenSocket,
    readonly fd: number,
    readonly handler: StreamHandler,
    readonly loop: EpollLoop,
    readonly maker: ConnectionMaker,
  ) {}

  get address(): Deno.Addr {
    return this.listener.addr;
  }

  begin(): void {
    if (this.#begun || this.#closed) return;
    this.#begun = true;
    this.loop.add(this.fd, EPOLLIN, this);
  }

  ready(): void {
    const { admission } = this.handler.context;
    for (let i = 0; i < ACCEPT_BATCH; i++) {
      let fd = this.#acceptOne();
      // Nobody is left to accept; or, where the first one fails, no descriptor is: one of the reserve lets the caller be
      // told so, and admits nobody.
      if (fd < 0 && i > 0) return;
      if (fd < 0 && admission.reserve.release()) fd = this.#acceptOne();
      if (fd < 0) return this.#pause();
      this.#admit(fd);
    }
  }

  stopAccepting(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#begun) this.#endAccepting();
    this.listener.close();
    return Promise.resolve();
  }

  /** Who is connected already, and only waits to be accepted, is served. */
  #endAccepting(): void {
    this.loop.remove(this.fd);
    for (let i = 0, fd = this.#acceptOne(); fd >= 0; fd = ++i < MAX_BACKLOG ? this.#acceptOne() : -1) {
      this.#admit(fd);
    }
  }

  #admit(fd: number): void {
    const { libc } = this.loop;
    const { admission } = this.handler.context;
    const address = this.handler.transport === "tcp" ? socketAddressText(this.#address) : "";
    if (!this.handler.admits(address)) {
      libc.close(fd);
      admission.reserve.refill();
      return;
    }
    if (this.handler.transport === "tcp") {
      libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, ONE, ONE.length);
      libc.setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, ONE, ONE.length);
    }
    const connection = this.#serve(fd, address);
    if (connection === null) libc.close(fd);
    else this.handler.opened(connection);
  }

  /** As the listener's options are now; null where there is no memory for TLS. */
  #serve(fd: number, address: string): HandledConnection | null {
    const { loop, handler, maker } = this;
    const { tls } = handler.options;
    if (tls === null) return maker.overDescriptor(new DescriptorIo(loop.libc, fd), loop, handler, address);
    try {
      return new TlsHandshake(fd, new TlsSocket(tls.context, fd), loop, handler, maker, address);
    } catch (error) {
      handler.context.log.error("a TLS connection could not be begun", { address, error: textOf(error) });
      return null;
    }
  }

  /** Takes the next connection and where it comes from; -1 where there is none, or no descriptor for it. */
  #acceptOne(): number {
    this.#addressLength[0] = this.#address.length;
    return this.loop.libc.accept4(this.fd, this.#address, this.#addressLength, SOCK_NONBLOCK_CLOEXEC);
  }

  #pause(): void {
    this.handler.context.admission.reserve.refill();
    this.loop.change(this.fd, 0);
    this.#timer = setTimeout(() => this.loop.change(this.fd, EPOLLIN), ACCEPT_PAUSE_MS);
  }
}

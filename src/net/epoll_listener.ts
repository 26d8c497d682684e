import { EpollConnection } from "./epoll_connection.ts";
import type { EpollLoop } from "./epoll_loop.ts";
import type { EpollHandler } from "./epoll_set.ts";
import {
  EPOLLIN,
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOCK_NONBLOCK_CLOEXEC,
  SOL_SOCKET,
  TCP_NODELAY,
} from "./libc.ts";
import type { StreamHandler } from "./stream_handler.ts";
import type { StreamListener } from "./listen.ts";

/** Connections accepted at a time, before others have their turn. */
const ACCEPT_BATCH = 64;
/** After an accept that failed (no descriptor left), the next one is tried after this long; in ms. */
const ACCEPT_PAUSE_MS = 100;
/** A C int, 1, in the machine's byte order. */
const ONE = new Uint8Array(new Int32Array([1]).buffer);

/** Accepts connections on a listening socket that Deno has opened, and serves them with epoll. */
export class EpollListener implements StreamListener, EpollHandler {
  #timer: number | undefined;
  #closed = false;

  /** @param fd the listener's descriptor */
  constructor(
    readonly listener: Deno.Listener,
    readonly fd: number,
    readonly handler: StreamHandler,
    readonly loop: EpollLoop,
  ) {
    loop.add(fd, EPOLLIN, this);
  }

  get address(): Deno.Addr {
    return this.listener.addr;
  }

  ready(): void {
    const { libc } = this.loop;
    for (let i = 0; i < ACCEPT_BATCH; i++) {
      const fd = libc.accept4(this.fd, null, null, SOCK_NONBLOCK_CLOEXEC);
      if (fd < 0) {
        // Nobody is left to accept; or, where the first one fails, no descriptor is.
        if (i === 0) this.#pause();
        return;
      }
      if (!this.handler.admits()) {
        libc.close(fd);
        continue;
      }
      if (this.handler.transport === "tcp") {
        libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, ONE, ONE.length);
        libc.setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, ONE, ONE.length);
      }
      this.handler.opened(new EpollConnection(fd, this.loop, this.handler));
    }
  }

  stopAccepting(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    clearTimeout(this.#timer);
    this.loop.remove(this.fd);
    this.listener.close();
    return Promise.resolve();
  }

  #pause(): void {
    this.handler.context.log.error("a connection could not be accepted; is there a descriptor left?");
    this.loop.change(this.fd, 0);
    this.#timer = setTimeout(() => this.loop.change(this.fd, EPOLLIN), ACCEPT_PAUSE_MS);
  }
}

import { readU16 } from "../protocol/bytes.ts";
import { EpollConnection } from "./epoll_connection.ts";
import type { EpollHandler, EpollLoop } from "./epoll_loop.ts";
import {
  EPOLLIN,
  IPPROTO_TCP,
  type Libc,
  SO_ACCEPTCONN,
  SO_KEEPALIVE,
  SOCK_NONBLOCK_CLOEXEC,
  SOCKADDR_BYTES,
  SOL_SOCKET,
  TCP_NODELAY,
} from "./libc.ts";
import type { StreamHandler } from "./stream_handler.ts";
import type { StreamListener } from "./stream_listener.ts";

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

  private constructor(
    readonly listener: Deno.Listener,
    readonly fd: number,
    readonly handler: StreamHandler,
    readonly loop: EpollLoop,
  ) {
    loop.add(fd, EPOLLIN, this);
  }

  /** Opens the socket and finds its descriptor, which Deno does not tell: a new one that listens at its address. */
  static open(listen: () => Deno.Listener, handler: StreamHandler, loop: EpollLoop): EpollListener {
    const before = new Set(listeningSockets(loop.libc));
    const listener = listen();
    const fresh = listeningSockets(loop.libc).filter((fd) =>
      !before.has(fd) && listensAt(loop.libc, fd, listener.addr)
    );
    if (fresh.length !== 1) {
      listener.close();
      throw new Error(`the new listening socket is not among the descriptors: found ${fresh.length}`);
    }
    return new EpollListener(listener, fresh[0]!, handler, loop);
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

function listeningSockets(libc: Libc): number[] {
  const value = new Int32Array(1);
  const length = new Uint32Array([value.byteLength]);
  const isListening = (fd: number) =>
    libc.getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, value, length) === 0 && value[0] === 1;
  return [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name)).filter(isListening);
}

/**
 * Whether the socket's address is that one; another thread may open sockets at the same time.
 *
 * ```
 * 0            2
 * | family     | port, big-endian ... |     TCP
 * | family     | path, NUL ... |            Unix
 * ```
 */
function listensAt(libc: Libc, fd: number, address: Deno.Addr): boolean {
  const name = new Uint8Array(SOCKADDR_BYTES);
  const length = new Uint32Array([name.length]);
  if (libc.getsockname(fd, name, length) !== 0) return false;
  if (address.transport === "tcp") return readU16(name, 2) === address.port;
  const path = name.subarray(2, length[0]!);
  const end = path.indexOf(0);
  return new TextDecoder().decode(end < 0 ? path : path.subarray(0, end)) === (address as Deno.UnixAddr).path;
}

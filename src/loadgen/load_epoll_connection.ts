import { EPOLLIN, EPOLLOUT, MSG_NOSIGNAL } from "../net/libc.ts";
import { LoadConnection, type SharedLoad } from "./load_connection.ts";
import type { LoadEpoll } from "./epoll.ts";

const MSG_DONTWAIT = 0x40;

/** A connection of a load over a descriptor of its own, read and written when epoll says so. */
export class LoadEpollConnection extends LoadConnection {
  #watched = EPOLLIN;

  /** Owns the descriptor, a connected socket, from here on. */
  constructor(readonly fd: number, readonly epoll: LoadEpoll, run: SharedLoad) {
    super(run);
    epoll.add(fd, EPOLLIN, this);
  }

  override start(): void {
    this.send(performance.now());
    this.#watch();
  }

  /** Reads once, so that all others have their turn before what is left. */
  ready(events: number): void {
    if (this.isClosed) return;
    if ((events & EPOLLOUT) !== 0) {
      this.write();
      this.send(performance.now());
    }
    if ((events & ~EPOLLOUT) !== 0) {
      const space = this.frames.space();
      const count = this.epoll.libc.recv(this.fd, space, space.length, MSG_DONTWAIT);
      // Ready, and yet nothing: the end, or an error.
      if (count <= 0) return this.lose();
      this.received(count);
    }
    this.#watch();
  }

  protected override write(): void {
    while (this.unwritten !== null) {
      const rest = this.unwritten;
      const count = this.epoll.libc.send(this.fd, rest, rest.length, MSG_DONTWAIT | MSG_NOSIGNAL);
      // The socket is full, or broken: an event tells which.
      if (count <= 0) return;
      this.unwritten = count < rest.length ? rest.subarray(count) : null;
    }
  }

  protected override closeSocket(): void {
    this.epoll.remove(this.fd);
    this.epoll.libc.close(this.fd);
  }

  #watch(): void {
    const wanted = EPOLLIN | (this.unwritten === null ? 0 : EPOLLOUT);
    if (this.isClosed || wanted === this.#watched) return;
    this.#watched = wanted;
    this.epoll.change(this.fd, wanted);
  }
}

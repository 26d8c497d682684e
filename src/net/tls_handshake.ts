import type { TlsSocket } from "../tls/tls_socket.ts";
import type { ConnectionMaker } from "./connection_maker.ts";
import type { EpollLoop } from "./epoll_loop.ts";
import type { EpollHandler } from "./epoll_set.ts";
import { EPOLLIN, EPOLLOUT } from "./libc.ts";
import type { HandledConnection, StreamHandler } from "./stream_handler.ts";
import { DescriptorIo } from "./stream_io.ts";
import { TlsIo } from "./tls_io.ts";

/** How long a caller whose handshake has failed may take to read why, and to close, in ms. */
const LINGER_MS = 1000;

/**
 * A connection until its TLS handshake is over; what it becomes then takes its place, and nothing of it has reached the router.
 *
 * ```
 * going ──done──► over (a connection of the maker's)
 *   ├──failed──► lingering ──caller closes, or a second──► closed
 *   └──handshake_timeout, caller gone, stop──► closed
 * ```
 */
export class TlsHandshake implements HandledConnection, EpollHandler {
  readonly slowSince = 0;
  #state: "going" | "lingering" | "over" | "closed" = "going";
  #wantsWrite = false;
  #lingerTimer: number | undefined;
  readonly #begunAt: number;
  readonly #plain: DescriptorIo;
  readonly #ended = Promise.withResolvers<void>();

  constructor(
    readonly fd: number,
    readonly tls: TlsSocket,
    readonly loop: EpollLoop,
    readonly handler: StreamHandler,
    readonly maker: ConnectionMaker,
    readonly address: string,
  ) {
    this.#begunAt = handler.time;
    this.#plain = new DescriptorIo(loop.libc, fd);
    loop.add(fd, EPOLLIN, this);
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  liftMaxFrame(): void {}

  recheck(): void {
    if (!this.handler.options.access.admits(this.address)) this.close();
  }

  ready(): void {
    if (this.#state === "lingering") {
      if (this.#plain.discard() <= 0) this.close();
      return;
    }
    const { handshakes, counters, limitLog } = this.handler.context;
    const result = handshakes.spend(() => this.tls.handshake());
    if (result === "done") {
      counters.tlsHandshakes++;
      return this.#handOver();
    }
    if (result === "failed") {
      counters.tlsFailed++;
      // Whoever only looks whether somebody listens is no reason for a line.
      if (this.tls.wasLeft) limitLog.count("tls_handshake", 1);
      else limitLog.reached("tls_handshake", { address: this.address, error: this.tls.problem });
      return this.tls.wasLeft ? this.close() : this.#linger();
    }
    if (this.tls.wantsWrite === this.#wantsWrite) return;
    this.#wantsWrite = this.tls.wantsWrite;
    this.loop.change(this.fd, this.#wantsWrite ? EPOLLOUT : EPOLLIN);
  }

  check(time: number): void {
    const { limits, context } = this.handler;
    const isLate = limits.handshakeTimeout > 0 && time - this.#begunAt >= limits.handshakeTimeout;
    if (this.#state !== "going" || !isLate) return;
    context.counters.tlsFailed++;
    context.limitLog.reached("handshake_timeout", { address: this.address });
    this.close();
  }

  finish(): void {
    this.close();
  }

  close(): void {
    if (this.#state === "over" || this.#state === "closed") return;
    this.#state = "closed";
    clearTimeout(this.#lingerTimer);
    this.loop.remove(this.fd);
    this.handler.closed(this);
    this.tls.free();
    this.#plain.close();
    this.#ended.resolve();
  }

  #handOver(): void {
    const { loop, handler, address } = this;
    this.#state = "over";
    loop.remove(this.fd);
    const io = new TlsIo(loop.libc, this.fd, this.tls, handler.context.counters);
    handler.replaced(this, this.maker.overDescriptor(io, loop, handler, address));
    this.#ended.resolve();
  }

  /** Closed with input unread, a socket resets, and the alert that says what is wrong would be lost. */
  #linger(): void {
    this.#state = "lingering";
    this.#plain.shutdownWrite();
    this.loop.change(this.fd, EPOLLIN);
    this.#lingerTimer = setTimeout(() => this.close(), LINGER_MS);
  }
}

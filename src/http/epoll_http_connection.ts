import type { EpollLoop } from "../net/epoll_loop.ts";
import type { EpollHandler } from "../net/epoll_set.ts";
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from "../net/libc.ts";
import type { StreamHandler } from "../net/stream_handler.ts";
import type { Holdable } from "../net/held_back.ts";
import { BROKEN, type StreamIo } from "../net/stream_io.ts";
import { HttpConnection } from "./http_connection.ts";
import type { HttpServices } from "./http_services.ts";

/**
 * How long a caller that was told of its error may take to close before its connection is closed all the same, in ms. While it
 * still sends what it had begun, it gets up to so many times that.
 */
const LINGER_MS = 1000;
const MAX_LINGERS = 5;

/** Lines of a batch wait for those that are still owed while they have no more bytes than this. */
const HOLD_BYTES = 32 * 1024;

/** An HTTP connection over a descriptor of its own, read and written when epoll says so. */
export class EpollHttpConnection extends HttpConnection implements EpollHandler, Holdable {
  /** Of the output, the bytes that the socket has taken. */
  #sent = 0;
  /** The socket took less than it was given: the rest waits for room. */
  #blocked = false;
  /** What has come waits until something is answered, or for the next turn. */
  #paused = false;
  /** The loop has it send what has collected. */
  #held = false;
  /** The last response is sent, and what still comes is thrown away. */
  #lingering = false;
  #lingerTimer: number | undefined;
  #hasDiscarded = false;
  #watched = EPOLLIN;

  constructor(
    readonly io: StreamIo,
    readonly loop: EpollLoop,
    handler: StreamHandler,
    services: HttpServices,
    address: string,
  ) {
    super(handler, services, address, io.certificateSubject);
    loop.add(io.fd, EPOLLIN, this);
  }

  /** Reads once, however much there is: what is left makes the socket ready again, after all others had their turn. */
  ready(events: number): void {
    if ((events & EPOLLOUT) !== 0) this.flush();
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP | this.io.wants)) === 0 || this.state === "closed") return;
    if (this.#lingering) return this.#discard();
    if (this.state === "closing" || this.isFull || this.sawEnd) {
      if ((events & (EPOLLERR | EPOLLHUP)) !== 0) this.close();
      return;
    }
    const count = this.#receive();
    if (count > 0) this.#work();
    else if (count === 0) {
      this.sawEnd = true;
      // What has come before the end is answered first.
      if (!this.#paused) this.finish();
    } else if (count === BROKEN || (events & (EPOLLERR | EPOLLHUP)) !== 0) this.close();
    this.#watch();
  }

  #receive(): number {
    const { io, input } = this;
    const count = io.recv(this.space());
    if (count <= 0) return count;
    input.received(count);
    for (let more = count; more > 0 && io.hasPending;) {
      more = io.recv(this.space());
      if (more > 0) input.received(more);
    }
    return count;
  }

  /** Sends what has collected; what is owed more of may wait for that, so that both leave in one write. */
  override flush(): void {
    if (this.#held && this.#mayWait) return;
    this.#held = this.#mayWait && this.loop.hold(this);
    if (!this.#held) super.flush();
  }

  sendHeld(): void {
    if (!this.#held) return;
    this.#held = false;
    super.flush();
  }

  get #mayWait(): boolean {
    const { length } = this.output;
    return length > 0 && length < HOLD_BYTES && this.isAwaiting && this.state === "open" && !this.#paused &&
      !this.#blocked;
  }

  protected override get unread(): number {
    return this.output.length - this.#sent;
  }

  protected override resume(): void {
    if (this.#paused && this.state === "open" && !this.isBlocked) this.#work();
    this.#watch();
  }

  protected override send(): void {
    const { output } = this;
    while (this.#sent < output.length) {
      const rest = this.#sent === 0 ? output.bytes : output.bytes.subarray(this.#sent);
      const count = this.io.send(rest, output.length - this.#sent);
      // The socket is full, or broken: an event tells which.
      if (count <= 0) {
        this.#blocked = true;
        return;
      }
      this.#sent += count;
    }
    this.#blocked = false;
    this.#sent = 0;
    output.clear();
  }

  /**
   * Closed with input unread, a TCP socket resets, and what it has not sent yet is lost: where that may be, it first
   * closes its sending side and waits for the caller to do the same.
   */
  protected override end(): void {
    if (this.#lingering) return;
    if (this.sawEnd || (!this.endedInError && !this.io.hasUnsent())) return this.close();
    this.#lingering = true;
    this.#linger(1);
    this.io.shutdownWrite();
    this.#watch();
  }

  protected override closeSocket(): void {
    clearTimeout(this.#lingerTimer);
    this.loop.remove(this.io.fd);
    this.io.close();
  }

  #linger(times: number): void {
    this.#hasDiscarded = false;
    this.#lingerTimer = setTimeout(() => {
      if (this.#hasDiscarded && times < MAX_LINGERS) this.#linger(times + 1);
      else this.close();
    }, LINGER_MS);
  }

  #discard(): void {
    if (this.io.discard() <= 0) this.close();
    else this.#hasDiscarded = true;
  }

  #work(): void {
    this.#paused = this.handleInput() !== "more";
    if (this.sawEnd && !this.#paused) this.finish();
    else this.loop.touch(this);
  }

  /** Asks for the events that are of use now. */
  #watch(): void {
    if (this.state === "closed") return;
    const reads = this.#lingering || (this.state === "open" && !this.isFull && !this.sawEnd);
    const wanted = (reads ? EPOLLIN : 0) | (this.#blocked ? EPOLLOUT : 0) | this.io.wants;
    if (wanted === this.#watched) return;
    this.#watched = wanted;
    this.loop.change(this.io.fd, wanted);
  }
}

import type { EpollLoop } from "./epoll_loop.ts";
import type { EpollHandler } from "./epoll_set.ts";
import type { Holdable } from "./held_back.ts";
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, MSG_NOSIGNAL, SHUT_WR, SIOCOUTQ } from "./libc.ts";
import { KEPT_OUT_BYTES, StreamConnection } from "./stream_connection.ts";
import type { StreamHandler } from "./stream_handler.ts";

/**
 * How long a caller that was told of its error may take to close before its connection is closed all the same, in ms. While it
 * still sends what it had begun, it gets up to so many times that.
 */
const LINGER_MS = 1000;
const MAX_LINGERS = 30;
/** Replies wait for those that are still owed while they have no more bytes than this. */
const HOLD_BYTES = 16 * 1024;
/** Where input goes that nobody will read. */
const DISCARDED = new Uint8Array(64 * 1024);

/** Where the kernel says how many bytes are unsent. */
const UNSENT = new Int32Array(1);

/** A connection over a descriptor of its own, read and written when epoll says so. */
export class EpollConnection extends StreamConnection implements EpollHandler, Holdable {
  /** Of the bytes in `out`, those that the socket has taken. */
  #sent = 0;
  /** The socket took less than it was given: the rest waits for room. */
  #blocked = false;
  /** The caller sends no more. */
  #sawEnd = false;
  /** The last reply is sent and the sending side closed: what still comes is thrown away until the caller closes, too. */
  #lingering = false;
  #lingerTimer: number | undefined;
  /** Something came since the timer runs. */
  #hasDiscarded = false;
  #watched = EPOLLIN;
  /** Messages may be left in the buffer, or input that is not read, until something has been answered. */
  #paused = false;
  /** The loop has it send what has collected. */
  #held = false;

  constructor(readonly fd: number, readonly loop: EpollLoop, handler: StreamHandler, address: string) {
    super(handler, address);
    loop.add(fd, EPOLLIN, this);
  }

  /** Reads once, however much there is: what is left makes the socket ready again, after all others had their turn. */
  ready(events: number): void {
    if ((events & EPOLLOUT) !== 0) this.flush();
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) === 0 || this.state === "closed") return;
    if (this.#lingering) return this.#discard();
    if (this.state === "closing" || this.#paused) {
      if ((events & (EPOLLERR | EPOLLHUP)) !== 0) this.close();
      return;
    }
    const space = this.reader.space();
    const count = this.loop.libc.recv(this.fd, space, space.length, 0);
    if (count > 0) {
      this.reader.received(count);
      this.#handle();
    } else if (count === 0) {
      this.#sawEnd = true;
      this.finish();
    } else if ((events & (EPOLLERR | EPOLLHUP)) !== 0) this.close();
    this.#watch();
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
    return this.outLength > 0 && this.outLength < HOLD_BYTES && this.isAwaiting && this.state === "open" &&
      !this.#paused && !this.#blocked;
  }

  protected override get unread(): number {
    return this.outLength - this.#sent;
  }

  protected override resume(): void {
    if (this.#paused && this.state === "open" && !this.isFull) this.#handle();
    this.#watch();
  }

  /**
   * Closed with input unread, a TCP socket resets, and what it has not sent yet is lost: where that may be, it first
   * closes its sending side and waits for the caller to do the same.
   */
  protected override end(): void {
    if (this.#lingering) return;
    if (this.#sawEnd || (!this.endedInError && !this.#hasUnsent())) return this.close();
    this.#lingering = true;
    this.#linger(1);
    this.loop.libc.shutdown(this.fd, SHUT_WR);
    this.#watch();
  }

  /** Whether the kernel still holds bytes that the caller's side has not taken. */
  #hasUnsent(): boolean {
    return this.loop.libc.ioctl(this.fd, SIOCOUTQ, UNSENT) === 0 && UNSENT[0]! > 0;
  }

  #linger(times: number): void {
    this.#hasDiscarded = false;
    this.#lingerTimer = setTimeout(() => {
      if (this.#hasDiscarded && times < MAX_LINGERS) this.#linger(times + 1);
      else this.close();
    }, LINGER_MS);
  }

  #discard(): void {
    const count = this.loop.libc.recv(this.fd, DISCARDED, DISCARDED.length, 0);
    if (count <= 0) this.close();
    else this.#hasDiscarded = true;
  }

  protected override closeSocket(): void {
    clearTimeout(this.#lingerTimer);
    this.loop.remove(this.fd);
    this.loop.libc.close(this.fd);
  }

  protected override send(): void {
    const { libc } = this.loop;
    while (this.#sent < this.outLength) {
      const rest = this.#sent === 0 ? this.out : this.out.subarray(this.#sent);
      const count = libc.send(this.fd, rest, this.outLength - this.#sent, MSG_NOSIGNAL);
      // The socket is full, or broken: an event tells which.
      if (count <= 0) {
        this.#blocked = true;
        return;
      }
      this.#sent += count;
    }
    this.#blocked = false;
    this.#sent = 0;
    this.outLength = 0;
    if (this.out.length > KEPT_OUT_BYTES) this.out = new Uint8Array(0);
  }

  #handle(): void {
    this.#paused = false;
    this.#paused = this.handleMessages() !== "more";
    this.loop.touch(this);
  }

  /** Asks for the events that are of use now. */
  #watch(): void {
    if (this.state === "closed") return;
    const reads = this.#lingering || (this.state === "open" && !this.#paused);
    const wanted = (reads ? EPOLLIN : 0) | (this.#blocked ? EPOLLOUT : 0);
    if (wanted === this.#watched) return;
    this.#watched = wanted;
    this.loop.change(this.fd, wanted);
  }
}

import type { EpollLoop } from "./epoll_loop.ts";
import type { EpollHandler } from "./epoll_set.ts";
import type { Holdable } from "./held_back.ts";
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from "./libc.ts";
import { KEPT_OUT_BYTES, StreamConnection } from "./stream_connection.ts";
import type { StreamHandler } from "./stream_handler.ts";
import { BROKEN, type StreamIo } from "./stream_io.ts";

/**
 * How long a caller that was told of its error may take to close before its connection is closed all the same, in ms. While it
 * still sends what it had begun, it gets up to so many times that.
 */
const LINGER_MS = 1000;
const MAX_LINGERS = 30;
/** Replies wait for those that are still owed while they have no more bytes than this. */
const HOLD_BYTES = 16 * 1024;

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

  constructor(readonly io: StreamIo, readonly loop: EpollLoop, handler: StreamHandler, address: string) {
    super(handler, address, io.certificateSubject);
    loop.add(io.fd, EPOLLIN, this);
  }

  /** The subject of its certificate, as in RFC 2253; null where it has shown none. */
  get certificateSubject(): string | null {
    return this.io.certificateSubject;
  }

  /** Reads once, however much there is: what is left makes the socket ready again, after all others had their turn. */
  ready(events: number): void {
    if ((events & EPOLLOUT) !== 0) this.flush();
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP | this.io.wants)) === 0 || this.state === "closed") return;
    if (this.#lingering) return this.#discard();
    if (this.state === "closing" || this.#paused) {
      if ((events & (EPOLLERR | EPOLLHUP)) !== 0) this.close();
      return;
    }
    const count = this.#receive();
    if (count > 0) this.#handle();
    else if (count === 0) {
      this.#sawEnd = true;
      this.finish();
    } else if (count === BROKEN || (events & (EPOLLERR | EPOLLHUP)) !== 0) this.close();
    this.#watch();
  }

  /** Reads into the reader. */
  #receive(): number {
    const { io, reader } = this;
    const count = io.recv(reader.space());
    if (count <= 0) return count;
    reader.received(count);
    for (let more = count; more > 0 && io.hasPending;) {
      more = io.recv(reader.space());
      if (more > 0) reader.received(more);
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
    if (this.#sawEnd || (!this.endedInError && !this.io.hasUnsent())) return this.close();
    this.#lingering = true;
    this.#linger(1);
    this.io.shutdownWrite();
    this.#watch();
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

  protected override closeSocket(): void {
    clearTimeout(this.#lingerTimer);
    this.loop.remove(this.io.fd);
    this.io.close();
  }

  protected override send(): void {
    while (this.#sent < this.outLength) {
      const rest = this.#sent === 0 ? this.out : this.out.subarray(this.#sent);
      const count = this.io.send(rest, this.outLength - this.#sent);
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
    const wanted = (reads ? EPOLLIN : 0) | (this.#blocked ? EPOLLOUT : 0) | this.io.wants;
    if (wanted === this.#watched) return;
    this.#watched = wanted;
    this.loop.change(this.io.fd, wanted);
  }
}

import type { Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import {
  contentReplyBytes,
  REPLY_HEADER_BYTES,
  replyBytes,
  writeContentReply,
  writeReply,
} from "../protocol/reply.ts";
import type { Caller } from "../router/caller.ts";
import type { ReplyTarget } from "../router/reply_routes.ts";
import { type DatagramListener, MAX_DATAGRAM_BYTES, MIN_DATAGRAM_BYTES } from "./datagram_listener.ts";
import type { EpollLoop } from "./epoll_loop.ts";
import type { EpollHandler } from "./epoll_set.ts";
import { droppedDatagrams } from "./find_descriptor.ts";
import { EPOLLIN, MSG_DONTWAIT, MSG_NOSIGNAL, SO_RCVBUF, SO_RCVBUFFORCE, SOL_SOCKET } from "./libc.ts";
import { ADDRESS_BYTES, MessageBatch } from "./message_batch.ts";
import type { NetContext } from "./stream_handler.ts";

/** Datagrams received or sent with one call. */
const BATCH = 64;
/** Room for one datagram that is received, in bytes. */
const SLOT_BYTES = 65_536;
/** Room for the replies of one call, in bytes. */
const SEND_BYTES = 1024 * 1024;
/** What the kernel is asked to hold for us while the thread is busy, in bytes. */
const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024;

/** UDP over a descriptor that Deno has opened: many datagrams a call, replies of a batch in one. */
export class EpollDatagrams implements DatagramListener, EpollHandler, Caller {
  readonly maxBodyBytes = MAX_DATAGRAM_BYTES - REPLY_HEADER_BYTES;
  readonly sent = Promise.resolve();
  routeGeneration = 0;
  owed = 0;
  readonly #received = new MessageBatch(BATCH, BATCH * SLOT_BYTES);
  readonly #replies = new MessageBatch(BATCH, SEND_BYTES);
  /** The datagram that is being handled. */
  #current = 0;
  #count = 0;
  #used = 0;
  #receiving = true;
  #closed = false;

  constructor(
    readonly socket: Deno.DatagramConn,
    readonly fd: number,
    public asyncReply: boolean,
    readonly context: NetContext,
    readonly loop: EpollLoop,
  ) {
    const size = new Uint8Array(new Int32Array([RECEIVE_BUFFER_BYTES]).buffer);
    // The second one, for who may not go over the system's limit, gives as much as that allows.
    if (loop.libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, size.length) !== 0) {
      loop.libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, size, size.length);
    }
    for (let i = 0; i < BATCH; i++) this.#received.point(i, i * SLOT_BYTES, SLOT_BYTES, ADDRESS_BYTES);
    loop.add(fd, EPOLLIN, this);
  }

  get address(): Deno.NetAddr {
    return this.socket.addr as Deno.NetAddr;
  }

  ready(): void {
    const { router, counters } = this.context;
    const batch = this.#received;
    const count = this.loop.libc.recvmmsg(this.fd, batch.headers, BATCH, MSG_DONTWAIT, null);
    for (let i = 0; i < count; i++) {
      const length = batch.length(i);
      if (length >= MIN_DATAGRAM_BYTES) {
        counters.udpMessages++;
        this.#current = i;
        router.handleContained(this, batch.data, i * SLOT_BYTES, length);
      }
      batch.setAddressLength(i, ADDRESS_BYTES);
    }
    this.loop.touch(this);
  }

  openRoute(): number {
    const { routes } = this.context;
    const batch = this.#received;
    const at = this.#current * ADDRESS_BYTES;
    const address = batch.addresses.slice(at, at + batch.addressLength(this.#current));
    const route = new DatagramRoute(this, address);
    this.owed++;
    route.slot = routes.open(route);
    this.routeGeneration = routes.generation(route.slot);
    return route.slot;
  }

  answer(id: number, code: number, body: Uint8Array | null): void {
    const batch = this.#received;
    const at = this.#current * ADDRESS_BYTES;
    const address = batch.addresses.subarray(at, at + batch.addressLength(this.#current));
    const start = this.#reserve(replyBytes(body === null ? 0 : body.length, false), address);
    writeReply(this.#replies.data, start, false, id, code, body);
  }

  /** Datagrams have no order. */
  refuse(id: number, code: number, body: Uint8Array | null): void {
    this.answer(id, code, body);
  }

  /** Sends the reply of a sync operation. */
  deliver(
    address: Uint8Array,
    id: number,
    code: number,
    encoding: Encoding | 0,
    source: Uint8Array,
    at: number,
    length: number,
  ): void {
    this.owed--;
    const size = contentReplyBytes(encoding, length, false);
    if (size > MAX_DATAGRAM_BYTES) {
      const start = this.#reserve(replyBytes(0, false), address);
      writeReply(this.#replies.data, start, false, id, ReplyCode.Pack, null);
      return;
    }
    const start = this.#reserve(size, address);
    writeContentReply(this.#replies.data, start, false, id, code, encoding, source, at, length);
  }

  /** Sends what has collected. What the kernel does not take is lost, as it would be on the way, and counted. */
  flush(): void {
    const { libc } = this.loop;
    for (let sent = 0; sent < this.#count;) {
      const count = libc.sendmmsg(
        this.fd,
        this.#replies.from(sent),
        this.#count - sent,
        MSG_DONTWAIT | MSG_NOSIGNAL,
      );
      if (count > 0) sent += count;
      else {
        this.context.counters.repliesDropped++;
        sent++;
      }
    }
    this.#count = 0;
    this.#used = 0;
  }

  dropped(): number | null {
    return droppedDatagrams(this.fd);
  }

  stopReceiving(): void {
    if (!this.#receiving) return;
    this.#receiving = false;
    this.loop.remove(this.fd);
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.flush();
    this.stopReceiving();
    this.socket.close();
    return Promise.resolve();
  }

  /** Makes room for a reply and returns where it goes. */
  #reserve(bytes: number, address: Uint8Array): number {
    if (this.#count === BATCH || this.#used + bytes > SEND_BYTES) this.flush();
    const batch = this.#replies;
    const at = this.#used;
    batch.point(this.#count, at, bytes, address.length);
    batch.addresses.set(address, this.#count * ADDRESS_BYTES);
    this.#count++;
    this.#used += bytes;
    return at;
  }
}

/** The sender of one datagram that waits for its result. */
class DatagramRoute implements ReplyTarget {
  slot = 0;

  constructor(readonly listener: EpollDatagrams, readonly address: Uint8Array) {}

  deliver(
    id: number,
    code: number,
    encoding: Encoding | 0,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    this.listener.context.routes.close(this.slot);
    this.listener.deliver(this.address, id, code, encoding, bytes, at, length);
  }

  flush(): void {
    this.listener.flush();
  }
}

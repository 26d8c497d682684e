import { DatagramCaller } from "./datagram_caller.ts";
import type { DatagramListener } from "./datagram_listener.ts";
import type { EpollLoop } from "./epoll_loop.ts";
import type { EpollHandler } from "./epoll_set.ts";
import { droppedDatagrams } from "./find_descriptor.ts";
import { EPOLLIN, MSG_DONTWAIT, MSG_NOSIGNAL, SO_RCVBUF, SO_RCVBUFFORCE, SOL_SOCKET } from "./libc.ts";
import type { ListenerOptions } from "./listener_options.ts";
import { ADDRESS_BYTES, MessageBatch } from "./message_batch.ts";
import { SYSTEM_PEERS } from "./peers.ts";
import type { NetContext } from "./stream_handler.ts";

/** Datagrams received or sent with one call. */
const BATCH = 64;
/** Batches that are still taken when the socket is to take no more: what the kernel holds of short ones. */
const LAST_BATCHES = 256;
/** Room for one datagram that is received, in bytes. */
const SLOT_BYTES = 65_536;
/** Room for the replies of one call, in bytes. */
const SEND_BYTES = 1024 * 1024;
/** What the kernel is asked to hold for us while the thread is busy, in bytes. */
const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024;

/** UDP over a descriptor that Deno has opened: many datagrams a call, replies of a batch in one. */
export class EpollDatagrams extends DatagramCaller<Uint8Array> implements DatagramListener, EpollHandler {
  readonly sent = Promise.resolve();
  readonly #received = new MessageBatch(BATCH, BATCH * SLOT_BYTES);
  readonly #replies = new MessageBatch(BATCH, SEND_BYTES);
  protected override readonly out = this.#replies.data;
  /** Of the datagram that is being handled. */
  #sender = new Uint8Array(0);
  #count = 0;
  #used = 0;
  #receiving = false;
  #closed = false;

  constructor(
    readonly socket: Deno.DatagramConn,
    readonly fd: number,
    options: ListenerOptions,
    context: NetContext,
    readonly loop: EpollLoop,
  ) {
    super(options, context, SYSTEM_PEERS);
    const size = new Uint8Array(new Int32Array([RECEIVE_BUFFER_BYTES]).buffer);
    // The second one, for who may not go over the system's limit, gives as much as that allows.
    if (loop.libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, size.length) !== 0) {
      loop.libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, size, size.length);
    }
    for (let i = 0; i < BATCH; i++) this.#received.point(i, i * SLOT_BYTES, SLOT_BYTES, ADDRESS_BYTES);
  }

  get address(): Deno.NetAddr {
    return this.socket.addr as Deno.NetAddr;
  }

  begin(): void {
    if (this.#receiving || this.#closed) return;
    this.#receiving = true;
    this.loop.add(this.fd, EPOLLIN, this);
  }

  ready(): void {
    this.#take();
    this.loop.touch(this);
  }

  /** Takes a batch and returns how many there were. */
  #take(): number {
    const batch = this.#received;
    const count = this.loop.libc.recvmmsg(this.fd, batch.headers, BATCH, MSG_DONTWAIT, null);
    for (let i = 0; i < count; i++) {
      const at = i * ADDRESS_BYTES;
      this.#sender = batch.addresses.subarray(at, at + batch.addressLength(i));
      this.received(batch.data, i * SLOT_BYTES, batch.length(i));
      batch.setAddressLength(i, ADDRESS_BYTES);
    }
    return count;
  }

  protected override get sender(): Uint8Array {
    return this.#sender;
  }

  protected override keepSender(): Uint8Array {
    return this.sender.slice();
  }

  /** Sends what has collected. What the kernel does not take is lost, as it would be on the way, and counted. */
  override flush(): void {
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
    // What has come already is taken.
    for (let i = 0; i < LAST_BATCHES && this.#take() > 0;) i++;
    this.loop.touch(this);
    this.settled();
  }

  protected override settled(): void {
    if (!this.#receiving && this.owed === 0) void this.close();
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.flush();
    if (this.#receiving) this.loop.remove(this.fd);
    this.#receiving = false;
    this.socket.close();
    return Promise.resolve();
  }

  protected override reserve(bytes: number, address: Uint8Array): number {
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

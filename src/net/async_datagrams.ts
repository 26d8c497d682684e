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
import type { NetContext } from "./stream_handler.ts";

/** Replies that wait for the socket; what comes on top is dropped, as the network would. */
const MAX_WAITING_REPLIES = 16_384;
/** What was sent is cleared out of the list each time it has grown to so many. */
const CLEAR_EVERY = 1024;

interface Datagram {
  readonly bytes: Uint8Array;
  readonly to: Deno.NetAddr;
}

/** UDP over Deno's own socket: one datagram a call. */
export class AsyncDatagrams implements DatagramListener {
  readonly #waiting: Datagram[] = [];
  #sending = false;
  /** Resolves when no reply waits to be sent. */
  sent: Promise<void> = Promise.resolve();
  owed = 0;
  #ignoring = false;
  #closed = false;
  #receiving: Promise<void>;

  constructor(
    readonly socket: Deno.DatagramConn,
    public asyncReply: boolean,
    readonly context: NetContext,
  ) {
    this.#receiving = this.#receive();
  }

  get address(): Deno.NetAddr {
    return this.socket.addr as Deno.NetAddr;
  }

  /** Sends a datagram after those that wait already. */
  send(bytes: Uint8Array, to: Deno.NetAddr): void {
    if (this.#closed || this.#waiting.length >= MAX_WAITING_REPLIES) {
      this.context.counters.repliesDropped++;
      return;
    }
    this.#waiting.push({ bytes, to });
    if (!this.#sending) this.sent = this.#send();
  }

  stopReceiving(): void {
    this.#ignoring = true;
  }

  dropped(): null {
    return null;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.socket.close();
    await this.#receiving;
  }

  async #receive(): Promise<void> {
    const { router, counters, log } = this.context;
    const buffer = new Uint8Array(MAX_DATAGRAM_BYTES);
    while (!this.#closed) {
      try {
        const [bytes, from] = await this.socket.receive(buffer);
        if (this.#ignoring || bytes.length < MIN_DATAGRAM_BYTES) continue;
        counters.udpMessages++;
        router.handleContained(new UdpCaller(this, from as Deno.NetAddr), bytes, 0, bytes.length);
        router.dispatch();
      } catch (error) {
        if (!this.#closed) log.error("a datagram could not be received", { error: String(error) });
      }
    }
  }

  async #send(): Promise<void> {
    this.#sending = true;
    for (let next = 0; next < this.#waiting.length;) {
      const { bytes, to } = this.#waiting[next++]!;
      if (next === CLEAR_EVERY) {
        this.#waiting.splice(0, next);
        next = 0;
      }
      try {
        await this.socket.send(bytes, to);
      } catch (error) {
        this.context.counters.repliesDropped++;
        if (!this.#closed) this.context.log.warn("a datagram could not be sent", { error: String(error) });
      }
    }
    this.#waiting.length = 0;
    this.#sending = false;
  }
}

/** The sender of one datagram. */
class UdpCaller implements Caller, ReplyTarget {
  readonly maxBodyBytes = MAX_DATAGRAM_BYTES - REPLY_HEADER_BYTES;
  routeGeneration = 0;
  #slot = 0;

  constructor(readonly listener: AsyncDatagrams, readonly from: Deno.NetAddr) {}

  get asyncReply(): boolean {
    return this.listener.asyncReply;
  }

  openRoute(): number {
    const { routes } = this.listener.context;
    this.listener.owed++;
    this.#slot = routes.open(this);
    this.routeGeneration = routes.generation(this.#slot);
    return this.#slot;
  }

  answer(id: number, code: number, body: Uint8Array | null): void {
    const bytes = new Uint8Array(replyBytes(body === null ? 0 : body.length, false));
    writeReply(bytes, 0, false, id, code, body);
    this.listener.send(bytes, this.from);
  }

  /** Datagrams have no order. */
  refuse(id: number, code: number, body: Uint8Array | null): void {
    this.answer(id, code, body);
  }

  deliver(
    id: number,
    code: number,
    encoding: Encoding | 0,
    source: Uint8Array,
    at: number,
    length: number,
  ): void {
    this.listener.context.routes.close(this.#slot);
    this.listener.owed--;
    const bytes = new Uint8Array(contentReplyBytes(encoding, length, false));
    if (bytes.length > MAX_DATAGRAM_BYTES) return this.answer(id, ReplyCode.Pack, null);
    writeContentReply(bytes, 0, false, id, code, encoding, source, at, length);
    this.listener.send(bytes, this.from);
  }

  flush(): void {
    // What was delivered is on its way already.
  }
}

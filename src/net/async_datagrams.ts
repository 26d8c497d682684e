import { systemReason } from "../system_reason.ts";
import { DatagramCaller } from "./datagram_caller.ts";
import { type DatagramListener, MAX_DATAGRAM_BYTES } from "./datagram_listener.ts";
import type { ListenerOptions } from "./listener_options.ts";
import { DENO_PEERS } from "./peers.ts";
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
export class AsyncDatagrams extends DatagramCaller<Deno.NetAddr> implements DatagramListener {
  protected override out = new Uint8Array(0);
  readonly #waiting: Datagram[] = [];
  #isSending = false;
  /** Resolves when no reply waits to be sent. */
  sent: Promise<void> = Promise.resolve();
  #sender: Deno.NetAddr;
  #ignoring = false;
  #closed = false;
  #receiving: Promise<void> | null = null;

  constructor(readonly socket: Deno.DatagramConn, options: ListenerOptions, context: NetContext) {
    super(options, context, DENO_PEERS);
    this.#sender = this.address;
  }

  get address(): Deno.NetAddr {
    return this.socket.addr as Deno.NetAddr;
  }

  protected override get sender(): Deno.NetAddr {
    return this.#sender;
  }

  protected override keepSender(): Deno.NetAddr {
    return this.#sender;
  }

  /** Puts a datagram behind those that wait already. */
  protected override reserve(bytes: number, to: Deno.NetAddr): number {
    this.out = new Uint8Array(bytes);
    if (this.#closed || this.#waiting.length >= MAX_WAITING_REPLIES) this.context.counters.repliesDropped++;
    else this.#waiting.push({ bytes: this.out, to });
    return 0;
  }

  override flush(): void {
    if (!this.#isSending && this.#waiting.length > 0) this.sent = this.#send();
  }

  begin(): void {
    this.#ignoring = false;
    if (!this.#closed) this.#receiving ??= this.#receive();
  }

  stopReceiving(): void {
    this.#ignoring = true;
    this.settled();
  }

  /** Closes once all that is owed has been sent. */
  protected override settled(): void {
    if (!this.#ignoring || this.owed > 0) return;
    this.flush();
    void this.sent.then(() => this.close());
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
    const { router, log } = this.context;
    const buffer = new Uint8Array(MAX_DATAGRAM_BYTES);
    while (!this.#closed) {
      try {
        const [bytes, from] = await this.socket.receive(buffer);
        if (this.#ignoring) continue;
        this.#sender = from as Deno.NetAddr;
        this.received(bytes, 0, bytes.length);
        router.dispatch();
        this.flush();
      } catch (error) {
        if (!this.#closed) {
          log.error("a datagram could not be received", { error: systemReason(error, "connect") });
        }
      }
    }
  }

  async #send(): Promise<void> {
    this.#isSending = true;
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
        if (!this.#closed) {
          this.context.log.warn("a datagram could not be sent", { error: systemReason(error, "connect") });
        }
      }
    }
    this.#waiting.length = 0;
    this.#isSending = false;
  }
}

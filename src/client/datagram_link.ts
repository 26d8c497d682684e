import { systemReason } from "../system_reason.ts";
import type { DatagramAddress } from "./address.ts";
import { isFrom } from "./datagram_address.ts";
import type { LinkEvents } from "./link.ts";
import { QueuedLink } from "./queued_link.ts";
import { type DatagramSocket, MAX_DATAGRAM_BYTES } from "./runtime_sockets.ts";

/** A UDP socket that talks to one server. Nothing is sent again, and nothing tells whether the server is there. */
export class DatagramLink extends QueuedLink {
  override readonly prefixed = false;
  override readonly maxMessageBytes = MAX_DATAGRAM_BYTES;
  readonly #receiving: Promise<void>;

  /** Owns the socket from here on. `server` holds an IP address as {@link resolveDatagram} gives it. */
  constructor(readonly socket: DatagramSocket, readonly server: DatagramAddress, events: LinkEvents) {
    super(events);
    this.#receiving = this.#receive();
  }

  override async close(): Promise<void> {
    this.end();
    await this.#receiving;
    await this.sending;
  }

  protected override async sendWaiting(): Promise<void> {
    try {
      for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
        this.waitingBytes -= next.length;
        await this.socket.send(next, this.server);
      }
    } catch (error) {
      this.lose(`sending failed: ${systemReason(error, "connect")}`);
    }
    this.sending = undefined;
  }

  async #receive(): Promise<void> {
    try {
      for (;;) {
        const datagram = await this.socket.receive();
        if (this.isClosed) return;
        if (isFrom(datagram, this.server)) this.events.message(datagram.bytes);
      }
    } catch (error) {
      this.lose(`receiving failed: ${systemReason(error, "connect")}`);
    }
  }

  protected override closeSocket(): void {
    this.socket.close();
  }
}

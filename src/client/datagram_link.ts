import { systemReason } from "../system_reason.ts";
import type { DatagramAddress } from "./address.ts";
import { isFrom, localHost } from "./datagram_address.ts";
import type { LinkEvents } from "./link.ts";
import { QueuedLink } from "./queued_link.ts";

/** The most that a UDP datagram carries, in bytes. */
const MAX_DATAGRAM_BYTES = 65_507;

/** A UDP socket that talks to one server. Nothing is sent again, and nothing tells whether the server is there. */
export class DatagramLink extends QueuedLink {
  override readonly prefixed = false;
  override readonly maxMessageBytes = MAX_DATAGRAM_BYTES;
  readonly #socket: Deno.DatagramConn;
  readonly #receiving: Promise<void>;

  /** Opens a socket on a free port. `server` holds an IP address as {@link resolveDatagram} gives it. */
  constructor(readonly server: DatagramAddress, events: LinkEvents) {
    super(events);
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname: localHost(server), port: 0 });
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
        await this.#socket.send(next, this.server);
      }
    } catch (error) {
      this.lose(`sending failed: ${systemReason(error, "connect")}`);
    }
    this.sending = undefined;
  }

  async #receive(): Promise<void> {
    const buffer = new Uint8Array(MAX_DATAGRAM_BYTES);
    try {
      for (;;) {
        const [bytes, from] = await this.#socket.receive(buffer);
        if (this.isClosed) return;
        if (isFrom(from, this.server)) this.events.message(bytes);
      }
    } catch (error) {
      this.lose(`receiving failed: ${systemReason(error, "connect")}`);
    }
  }

  protected override closeSocket(): void {
    this.#socket.close();
  }
}

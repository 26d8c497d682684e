import { systemReason } from "../system_reason.ts";
import type { DatagramAddress } from "./address.ts";
import { isFrom, localHost } from "./datagram_address.ts";
import type { Link, LinkEvents } from "./link.ts";

/** The most that a UDP datagram carries, in bytes. */
const MAX_DATAGRAM_BYTES = 65_507;

/** A UDP socket that talks to one server. Nothing is sent again, and nothing tells whether the server is there. */
export class DatagramLink implements Link {
  readonly prefixed = false;
  readonly maxMessageBytes = MAX_DATAGRAM_BYTES;
  waitingBytes = 0;
  readonly #socket: Deno.DatagramConn;
  #waiting: Uint8Array[] = [];
  #sending: Promise<void> | undefined;
  readonly #receiving: Promise<void>;
  #closed = false;

  /** Opens a socket on a free port. `server` holds an IP address as {@link resolveDatagram} gives it. */
  constructor(readonly server: DatagramAddress, readonly events: LinkEvents) {
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname: localHost(server), port: 0 });
    this.#receiving = this.#receive();
  }

  send(message: Uint8Array): void {
    if (this.#closed) return;
    this.#waiting.push(message);
    this.waitingBytes += message.length;
    this.#sending ??= this.#send();
  }

  async close(): Promise<void> {
    this.#end();
    await this.#receiving;
    await this.#sending;
  }

  async #send(): Promise<void> {
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        this.waitingBytes -= next.length;
        await this.#socket.send(next, this.server);
      }
    } catch (error) {
      this.#lose(`sending failed: ${systemReason(error, "connect")}`);
    }
    this.#sending = undefined;
  }

  async #receive(): Promise<void> {
    const buffer = new Uint8Array(MAX_DATAGRAM_BYTES);
    try {
      for (;;) {
        const [bytes, from] = await this.#socket.receive(buffer);
        if (this.#closed) return;
        if (isFrom(from, this.server)) this.events.message(bytes);
      }
    } catch (error) {
      this.#lose(`receiving failed: ${systemReason(error, "connect")}`);
    }
  }

  #lose(why: string): void {
    if (this.#closed) return;
    this.#end();
    this.events.lost(why);
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    this.#socket.close();
  }
}

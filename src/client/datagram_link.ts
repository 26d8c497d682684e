import { lookup } from "node:dns/promises";
import { systemReason } from "../system_reason.ts";
import type { DatagramAddress } from "./address.ts";
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

  /** Opens a socket on a free port. `server` holds an IP address as {@link resolve} gives it. */
  constructor(readonly server: DatagramAddress, readonly events: LinkEvents) {
    const hostname = server.hostname.includes(":") ? "::" : "0.0.0.0";
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
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
        if (this.#isServer(from)) this.events.message(bytes);
      }
    } catch (error) {
      this.#lose(`receiving failed: ${systemReason(error, "connect")}`);
    }
  }

  /** Anyone may send to the socket; only the server is listened to. */
  #isServer(from: Deno.Addr): boolean {
    return from.transport === "udp" && from.port === this.server.port &&
      from.hostname === this.server.hostname;
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

/** The address with its host as the IP address, spelled as the system spells that of a sender. */
export async function resolve(server: DatagramAddress): Promise<DatagramAddress> {
  const { address } = await lookup(server.hostname);
  return {
    ...server,
    hostname: ANY_HOST.get(address) ?? (address.includes(":") ? shortest(address) : address),
  };
}

/** Replies from a server at "any address" of this machine come from the loopback one. */
const ANY_HOST = new Map([["0.0.0.0", "127.0.0.1"], ["::", "::1"]]);

function shortest(ipv6: string): string {
  const url = URL.parse(`http://[${ipv6}]`);
  return url === null ? ipv6 : url.hostname.slice(1, -1);
}

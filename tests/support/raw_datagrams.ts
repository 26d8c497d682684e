import { readReply, type Reply } from "../../src/protocol/reply.ts";
import { within } from "./until.ts";

/** A bare UDP socket to the server. */
export class RawDatagrams implements Disposable {
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });

  constructor(readonly server: Deno.NetAddr) {}

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  async send(...datagrams: Uint8Array[]): Promise<void> {
    for (const datagram of datagrams) await this.#socket.send(datagram, this.server);
  }

  /** The next datagram that comes. */
  async datagram(): Promise<Uint8Array> {
    const [bytes] = await within("a datagram", this.#socket.receive());
    return bytes;
  }

  async reply(): Promise<Reply> {
    return readReply(await this.datagram());
  }
}

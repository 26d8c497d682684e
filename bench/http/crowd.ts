import { setTimeout as pause } from "node:timers/promises";

/** What the connections of a crowd have sent, by turns: nothing, a part of a head, a part of a body. */
const PARTS = [
  "",
  "GET /readyz HTTP/1.1\r\nHo",
  'POST /v1/echo/1001 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"a":',
].map((text) => new TextEncoder().encode(text));
const DIAL_BATCH = 64;
/** An upload that is refused early, and one that is given up. */
const LONG = new TextEncoder().encode(
  `POST /v1/echo/1001 HTTP/1.1\r\nHost: a\r\nContent-Length: ${100 * 1024 * 1024}\r\n\r\n${"x".repeat(4096)}`,
);
const CUT = new TextEncoder().encode(
  "POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n" +
    'ff\r\n{"plugin":"echo","command":1001}\n{"plugin":',
);

/** Connections that wait for nothing, or do not end what they have begun. */
export class Crowd implements Disposable {
  readonly #sockets: Deno.TcpConn[] = [];
  #ends = false;

  constructor(readonly port: number) {}

  async dial(count: number): Promise<void> {
    while (this.#sockets.length < count) {
      const batch = Math.min(DIAL_BATCH, count - this.#sockets.length);
      this.#sockets.push(...await Promise.all(Array.from({ length: batch }, () => this.#connect())));
    }
    for (const [at, socket] of this.#sockets.entries()) {
      const part = PARTS[at % PARTS.length]!;
      if (part.length > 0) await socket.write(part);
    }
  }

  /** Uploads 100 MB that are refused, and gives up batches in the middle, one after the other, until {@link rest}; how many. */
  async misbehave(everyMs: number): Promise<number> {
    let count = 0;
    for (this.#ends = false; !this.#ends; count++) {
      const socket = await this.#connect();
      try {
        await socket.write(count % 2 === 0 ? LONG : CUT);
        if (count % 2 === 0) await socket.read(new Uint8Array(1024));
      } catch {
        // The server has closed it already.
      }
      socket.close();
      await pause(everyMs);
    }
    return count;
  }

  rest(): void {
    this.#ends = true;
  }

  [Symbol.dispose](): void {
    this.rest();
    for (const socket of this.#sockets.splice(0)) socket.close();
  }

  #connect(): Promise<Deno.TcpConn> {
    return Deno.connect({ hostname: "127.0.0.1", port: this.port });
  }
}

import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { connect, type Socket } from "node:net";
import { connect as connectTls, rootCertificates } from "node:tls";
import type { DatagramAddress, StreamAddress } from "./address.ts";
import {
  ALPN,
  authorities,
  checkServerName,
  type Datagram,
  type DatagramSocket,
  isHostName,
  type RuntimeSockets,
  type StreamSocket,
  type TlsOptions,
} from "./runtime_sockets.ts";

/** Datagrams that wait to be received; further ones are lost, as the system loses them. */
const MAX_WAITING_DATAGRAMS = 4096;

/** Sockets of node:net, node:tls and node:dgram, which Node, Bun and Deno have. */
export const sockets: RuntimeSockets = {
  checkTls: checkServerName,

  openStream(address, tls, timeoutMs, signal) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const socket = dial(address, tls);
      const timer = setTimeout(() => end(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", giveUp);
        socket.off("error", end);
        socket.off("close", closed);
      };
      const end = (error: Error) => {
        settle();
        // What comes after the first error is told to nobody.
        socket.on("error", () => {});
        socket.destroy();
        reject(error);
      };
      const giveUp = () => end(signal?.reason);
      const closed = () => end(new Error("the server closed the connection"));
      signal?.addEventListener("abort", giveUp, { once: true });
      socket.once("error", end);
      socket.once("close", closed);
      socket.once(address.transport === "tls" ? "secureConnect" : "connect", () => {
        settle();
        resolve(new NodeStream(socket));
      });
    });
  },

  openDatagrams(localHost) {
    return new Promise((resolve, reject) => {
      const socket = createSocket(localHost.includes(":") ? "udp6" : "udp4");
      socket.once("error", reject);
      socket.bind(0, localHost, () => {
        socket.off("error", reject);
        resolve(new NodeDatagrams(socket));
      });
    });
  },
};

function dial(address: StreamAddress, tls: TlsOptions): Socket {
  if (address.transport === "unix") return connect({ path: address.path });
  const { transport, hostname: host, port } = address;
  if (transport === "tcp") return connect({ host, port, noDelay: true });
  const ca = authorities(tls);
  const { cert, key, serverName = host } = tls;
  const socket = connectTls({
    host,
    port,
    ALPNProtocols: [ALPN],
    // SNI takes no IP address.
    ...isHostName(serverName) ? { servername: serverName } : {},
    // `ca` takes the place of those that are trusted anyway.
    ...ca.length === 0 ? {} : { ca: [...rootCertificates, ...ca] },
    ...cert === undefined || key === undefined ? {} : { cert, key },
  });
  socket.setNoDelay(true);
  return socket;
}

/** What somebody waits for. */
interface Waiting<T> {
  resolve(value: T): void;
  reject(reason: unknown): void;
}

class NodeStream implements StreamSocket {
  /** Has come and was not read. */
  #chunk: Uint8Array | null = null;
  #reading: (Waiting<number | null> & { readonly into: Uint8Array }) | null = null;
  #hasEnded = false;
  #error: Error | null = null;

  constructor(readonly socket: Socket) {
    // Paused while a chunk waits, so at most what the runtime reads at once is held here.
    socket.on("data", (chunk: Uint8Array) => {
      this.#chunk = this.#chunk === null ? chunk : joined(this.#chunk, chunk);
      socket.pause();
      this.#serve();
    });
    socket.on("end", () => {
      this.#hasEnded = true;
      this.#serve();
    });
    socket.on("error", (error: Error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the connection is closed")));
  }

  read(into: Uint8Array): Promise<number | null> {
    return new Promise((resolve, reject) => {
      this.#reading = { into, resolve, reject };
      this.#serve();
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#error !== null) return reject(this.#error);
      this.socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
    });
  }

  close(): void {
    this.socket.destroy();
    this.#fail(new Error("the connection is closed"));
  }

  #serve(): void {
    const reading = this.#reading;
    if (reading === null) return;
    if (this.#chunk !== null) {
      const part = this.#chunk.subarray(0, reading.into.length);
      reading.into.set(part);
      this.#chunk = part.length === this.#chunk.length ? null : this.#chunk.subarray(part.length);
      this.#reading = null;
      if (this.#chunk === null) this.socket.resume();
      reading.resolve(part.length);
    } else if (this.#hasEnded || this.#error !== null) {
      this.#reading = null;
      if (this.#hasEnded) reading.resolve(null);
      else reading.reject(this.#error);
    }
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#serve();
  }
}

class NodeDatagrams implements DatagramSocket {
  readonly #waiting: Datagram[] = [];
  #receiving: Waiting<Datagram> | null = null;
  #error: Error | null = null;

  constructor(readonly socket: UdpSocket) {
    socket.on("message", (bytes, { address, port }) => {
      if (this.#waiting.length < MAX_WAITING_DATAGRAMS) {
        this.#waiting.push({ bytes, hostname: address, port });
      }
      this.#serve();
    });
    socket.on("error", (error: Error) => this.#fail(error));
  }

  send(bytes: Uint8Array, { hostname, port }: DatagramAddress): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#error !== null) return reject(this.#error);
      this.socket.send(bytes, port, hostname, (error) => error ? reject(error) : resolve());
    });
  }

  receive(): Promise<Datagram> {
    return new Promise((resolve, reject) => {
      this.#receiving = { resolve, reject };
      this.#serve();
    });
  }

  close(): void {
    if (this.#error === null) this.socket.close();
    this.#fail(new Error("the socket is closed"));
  }

  #serve(): void {
    const receiving = this.#receiving;
    if (receiving === null) return;
    const next = this.#waiting.shift();
    if (next === undefined && this.#error === null) return;
    this.#receiving = null;
    if (next === undefined) receiving.reject(this.#error);
    else receiving.resolve(next);
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#serve();
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

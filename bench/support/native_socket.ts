import { dialSockets, socketAddress } from "../../src/loadgen/dial.ts";
import type { StreamAddress } from "../../src/client/mod.ts";
import { type Libc, MSG_DONTWAIT, MSG_NOSIGNAL, SHUT_WR, SOL_SOCKET } from "../../src/net/libc.ts";

const SO_LINGER = 13;
/** struct linger: on, for 0 seconds. Closed so, a TCP socket resets. */
const LINGER_NOT = new Uint8Array(new Int32Array([1, 0]).buffer);

/** A connected stream socket that does what Deno's own cannot: send without waiting, and reset. */
export class NativeSocket implements Disposable {
  #isOpen = true;

  constructor(readonly libc: Libc, readonly fd: number) {}

  /**
   * Connects so many at once; those that the server did not take are left out.
   *
   * @param prepare told of each descriptor before it connects
   */
  static async dial(
    libc: Libc,
    address: StreamAddress,
    count: number,
    prepare?: (fd: number) => void,
  ): Promise<NativeSocket[]> {
    const system = socketAddress(address);
    if (system === null) throw new Error("an IPv4 address or a path of at most 107 bytes is needed");
    const fds = await dialSockets(libc, system, count, prepare);
    return fds.filter((fd) => fd >= 0).map((fd) => new NativeSocket(libc, fd));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Sends what the kernel takes now; the count, or -1 where it takes nothing or the connection is broken. */
  send(bytes: Uint8Array<ArrayBuffer>, length = bytes.length): number {
    return this.libc.send(this.fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  /** Reads what is there; 0 at the end, -1 where nothing has come or the connection is broken. */
  receive(bytes: Uint8Array<ArrayBuffer>): number {
    return this.libc.recv(this.fd, bytes, bytes.length, MSG_DONTWAIT);
  }

  /** Says that no more is sent. */
  shutdown(): void {
    this.libc.shutdown(this.fd, SHUT_WR);
  }

  /** Ends the connection without a word: TCP resets. */
  reset(): void {
    this.libc.setsockopt(this.fd, SOL_SOCKET, SO_LINGER, LINGER_NOT, LINGER_NOT.length);
    this.close();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.libc.close(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

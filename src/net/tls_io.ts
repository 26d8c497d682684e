import type { ServerCounters } from "../observe/server_stats.ts";
import type { TlsSocket } from "../tls/tls_socket.ts";
import { EPOLLOUT, type Libc } from "./libc.ts";
import { DescriptorIo, type StreamIo } from "./stream_io.ts";

/** A socket with TLS over it, its handshake over. */
export class TlsIo implements StreamIo {
  readonly certificateSubject: string | null;
  readonly #plain: DescriptorIo;

  constructor(libc: Libc, readonly fd: number, readonly tls: TlsSocket, readonly counters: ServerCounters) {
    this.#plain = new DescriptorIo(libc, fd);
    this.certificateSubject = tls.certificateSubject;
    counters.tlsOpen++;
  }

  get hasPending(): boolean {
    return this.tls.hasMore;
  }

  get wants(): number {
    return this.tls.wantsWrite ? EPOLLOUT : 0;
  }

  /** Of one record at most. */
  recv(into: Uint8Array<ArrayBuffer>): number {
    return this.tls.read(into);
  }

  /** What it does not take must come first the next time. */
  send(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    return this.tls.write(bytes, length);
  }

  discard(): number {
    return this.#plain.discard();
  }

  hasUnsent(): boolean {
    return this.#plain.hasUnsent();
  }

  shutdownWrite(): void {
    this.tls.end();
    this.#plain.shutdownWrite();
  }

  close(): void {
    this.tls.end();
    this.tls.free();
    this.#plain.close();
    this.counters.tlsOpen--;
  }
}

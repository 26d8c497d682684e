import { type Libc, MSG_NOSIGNAL, SHUT_WR, SIOCOUTQ } from "./libc.ts";

/** What a read or write says that has moved nothing: later it may, or it never will, and no event tells of that. */
export const NOTHING_NOW = -1;
export const BROKEN = -2;

/** Bytes in and out of a connected socket, without waiting; the descriptor is its own. */
export interface StreamIo {
  readonly fd: number;
  /** Bytes are left of what was read last: the descriptor is not ready for them, so they are to be read at once. */
  readonly hasPending: boolean;
  /** Events that reading waits for, beside EPOLLIN. */
  readonly wants: number;
  /** The subject of the certificate that the caller has shown, as in RFC 2253; null where it has shown none. */
  readonly certificateSubject: string | null;
  /** Reads: how many bytes, 0 at the end of the stream, {@link NOTHING_NOW} (also where an event tells of an error), or {@link BROKEN}. */
  recv(into: Uint8Array<ArrayBuffer>): number;
  /** Writes the first so many bytes: how many it took; 0 or less where it takes none now, or is broken, which an event tells. */
  send(bytes: Uint8Array<ArrayBuffer>, length: number): number;
  /** Reads what nobody will look at: below 1 at the end. */
  discard(): number;
  /** Whether bytes are under way that the other side's system has not taken. */
  hasUnsent(): boolean;
  /** Says that no more is sent. */
  shutdownWrite(): void;
  close(): void;
}

/** Where the kernel says how many bytes are unsent. */
const UNSENT = new Int32Array(1);
/** Where input goes that nobody will read. */
const DISCARDED = new Uint8Array(64 * 1024);

/** A plain socket. */
export class DescriptorIo implements StreamIo {
  readonly hasPending: boolean = false;
  readonly wants: number = 0;
  readonly certificateSubject: string | null = null;

  constructor(readonly libc: Libc, readonly fd: number) {}

  recv(into: Uint8Array<ArrayBuffer>): number {
    return this.libc.recv(this.fd, into, into.length, 0);
  }

  send(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    return this.libc.send(this.fd, bytes, length, MSG_NOSIGNAL);
  }

  discard(): number {
    return this.libc.recv(this.fd, DISCARDED, DISCARDED.length, 0);
  }

  hasUnsent(): boolean {
    return this.libc.ioctl(this.fd, SIOCOUTQ, UNSENT) === 0 && UNSENT[0]! > 0;
  }

  shutdownWrite(): void {
    this.libc.shutdown(this.fd, SHUT_WR);
  }

  close(): void {
    this.libc.close(this.fd);
  }
}

import { IPPROTO_TCP, type Libc, SOCKADDR_BYTES, TCP_NODELAY } from "../net/libc.ts";
import { writeU16 } from "../protocol/bytes.ts";
import type { StreamAddress } from "../client/address.ts";

const AF_UNIX = 1;
const AF_INET = 2;
const SOCK_STREAM_CLOEXEC = 0o2000001;
/** A C int, 1, in the machine's byte order. */
const ONE = new Uint8Array(new Int32Array([1]).buffer);

/** The address in the form of the system; null where it is none that {@link dialSockets} can use: IPv6, a host's name. */
export function socketAddress(address: StreamAddress): Uint8Array<ArrayBuffer> | null {
  if (address.transport === "unix") return unixAddress(address.path);
  const host = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address.hostname)?.slice(1).map(Number);
  return host === undefined ? null : inetAddress(address.port, host);
}

/**
 * Opens so many sockets to the address at once; -1 for each that could not be connected.
 *
 * @param prepare told of each socket before it connects
 */
export async function dialSockets(
  libc: Libc,
  address: Uint8Array<ArrayBuffer>,
  count: number,
  prepare: (fd: number) => void = () => {},
): Promise<number[]> {
  const family = new Uint16Array(address.buffer, 0, 1)[0]!;
  return await Promise.all(Array.from({ length: count }, async () => {
    const fd = libc.socket(family, SOCK_STREAM_CLOEXEC, 0);
    if (fd < 0) return fd;
    prepare(fd);
    if (await libc.connect(fd, address, address.length) !== 0) {
      libc.close(fd);
      return -1;
    }
    if (family === AF_INET) libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, ONE, ONE.length);
    return fd;
  }));
}

/**
 * ```
 * 0        2                  4      8
 * | family | port, big-endian | host | 0 (8 bytes) |
 * ```
 */
function inetAddress(port: number, host: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  new Uint16Array(bytes.buffer, 0, 1)[0] = AF_INET;
  writeU16(bytes, 2, port);
  bytes.set(host, 4);
  return bytes;
}

/**
 * ```
 * 0        2
 * | family | path, NUL |
 * ```
 */
function unixAddress(path: string): Uint8Array<ArrayBuffer> | null {
  const name = new TextEncoder().encode(path);
  const bytes = new Uint8Array(2 + name.length + 1);
  if (bytes.length > SOCKADDR_BYTES) return null;
  new Uint16Array(bytes.buffer, 0, 1)[0] = AF_UNIX;
  bytes.set(name, 2);
  return bytes;
}

import { readU16 } from "../protocol/bytes.ts";
import { type Libc, SOCKADDR_BYTES } from "./libc.ts";

/** A socket that Deno has opened, and its descriptor; null where it was not found. */
export interface Opened<Socket> {
  readonly socket: Socket;
  readonly fd: number | null;
}

/** Opens a socket and finds its descriptor, which Deno does not tell: a new one that has the socket's address. */
export function openWithDescriptor<Socket extends { readonly addr: Deno.Addr; readonly bound?: Deno.Addr }>(
  libc: Libc,
  open: () => Socket,
): Opened<Socket> {
  const before = socketNames(libc);
  const socket = open();
  const fresh: number[] = [];
  for (const [fd, name] of socketNames(libc)) {
    // Another thread may have closed a socket whose number ours has got: then the names differ.
    if (isName(name, socket.bound ?? socket.addr) && !isSame(name, before.get(fd))) fresh.push(fd);
  }
  return { socket, fd: fresh.length === 1 ? fresh[0]! : null };
}

/** How many datagrams the kernel has thrown away because a socket's buffer was full; null where it does not tell. */
export function droppedDatagrams(fd: number): number | null {
  try {
    return readDrops(fd);
  } catch {
    // No /proc, or no descriptor left to read it with.
    return null;
  }
}

function readDrops(fd: number): number {
  const inode = /\d+/.exec(Deno.readLinkSync(`/proc/self/fd/${fd}`))?.[0];
  for (const table of ["/proc/net/udp", "/proc/net/udp6"]) {
    for (const line of Deno.readTextFileSync(table).split("\n")) {
      const fields = line.trim().split(/\s+/);
      if (fields[INODE_FIELD] === inode) return Number(fields[DROPS_FIELD]);
    }
  }
  return 0;
}

/** Fields of a line of /proc/net/udp. */
const INODE_FIELD = 9;
const DROPS_FIELD = 12;

function listDescriptors(): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync("/proc/self/fd")];
  } catch {
    return [];
  }
}

/** The addresses of all sockets this process has open, by descriptor. */
function socketNames(libc: Libc): Map<number, Uint8Array> {
  const names = new Map<number, Uint8Array>();
  for (const entry of listDescriptors()) {
    const name = new Uint8Array(SOCKADDR_BYTES);
    const length = new Uint32Array([name.length]);
    const fd = Number(entry.name);
    if (libc.getsockname(fd, name, length) === 0) names.set(fd, name.subarray(0, length[0]!));
  }
  return names;
}

function isSame(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/**
 * Whether the socket's name is that address; another thread may open sockets at the same time.
 *
 * ```
 * 0        2
 * | family | port, big-endian ... |     TCP, UDP
 * | family | path, NUL ... |            Unix
 * ```
 */
function isName(name: Uint8Array, address: Deno.Addr): boolean {
  if (address.transport === "tcp" || address.transport === "udp") return readU16(name, 2) === address.port;
  const path = name.subarray(2);
  const end = path.indexOf(0);
  return new TextDecoder().decode(end < 0 ? path : path.subarray(0, end)) === (address as Deno.UnixAddr).path;
}

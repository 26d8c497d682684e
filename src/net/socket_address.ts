import { readU16 } from "../protocol/bytes.ts";

const AF_INET6 = 10;
const PORT_AT = 2;
const IPV4_AT = 4;
const IPV4_BYTES = 4;
const IPV6_AT = 8;
const IPV6_BYTES = 16;
/** Of the ten zeros and two 0xff in front of an IPv4 address that IPv6 carries. */
const MAPPED_BYTES = 12;

/**
 * Where the host lies in a sockaddr; {@link hostBytes} says how long it is. An IPv4 address that came over an IPv6 socket is the same as
 * over any other.
 *
 * ```
 * 0        2      4            8             24
 * | family | port | IPv4       |                       family: least byte first
 * | family | port | flow label | IPv6        | scope
 * ```
 */
export function hostAt(bytes: Uint8Array): number {
  if (bytes[0] !== AF_INET6) return IPV4_AT;
  return isMapped(bytes) ? IPV6_AT + MAPPED_BYTES : IPV6_AT;
}

/** How many bytes a host has that lies there: 4 or 16. */
export function hostBytes(at: number): number {
  return at === IPV6_AT ? IPV6_BYTES : IPV4_BYTES;
}

/** The internet address in a sockaddr as text, to tell callers apart by. */
export function socketAddressText(bytes: Uint8Array): string {
  const at = hostAt(bytes);
  const address = bytes.subarray(at, at + hostBytes(at));
  if (address.length === IPV4_BYTES) return address.join(".");
  const groups = Array.from({ length: 8 }, (_, group) => readU16(address, 2 * group).toString(16));
  return groups.join(":");
}

/** The port in a sockaddr. */
export function socketPort(bytes: Uint8Array): number {
  return readU16(bytes, PORT_AT);
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < MAPPED_BYTES; i++) {
    if (bytes[IPV6_AT + i] !== (i < MAPPED_BYTES - 2 ? 0 : 0xff)) return false;
  }
  return true;
}

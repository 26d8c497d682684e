import { readU16 } from "../protocol/bytes.ts";

const AF_INET6 = 10;
const FAMILY_BYTES = 2;
/** Of the ten zeros and two 0xff in front of an IPv4 address that IPv6 carries. */
const MAPPED_BYTES = 12;

/**
 * The internet address in a sockaddr as text, to tell callers apart by; an IPv4 address that came over an IPv6 socket is
 * the same as over any other.
 *
 * ```
 * 0        2      4            8             24
 * | family | port | IPv4       |                       family: the machine's byte order
 * | family | port | flow label | IPv6        | scope
 * ```
 */
export function socketAddressText(bytes: Uint8Array): string {
  const family = new DataView(bytes.buffer, bytes.byteOffset, FAMILY_BYTES).getUint16(0, true);
  if (family !== AF_INET6) return bytes.subarray(4, 8).join(".");
  const address = bytes.subarray(8, 24);
  if (isMapped(address)) return address.subarray(MAPPED_BYTES).join(".");
  const groups = Array.from({ length: 8 }, (_, group) => readU16(address, 2 * group).toString(16));
  return groups.join(":");
}

function isMapped(address: Uint8Array): boolean {
  return address.subarray(0, MAPPED_BYTES).every((byte, i) => byte === (i < MAPPED_BYTES - 2 ? 0 : 0xff));
}

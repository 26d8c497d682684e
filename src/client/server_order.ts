import { lookup } from "node:dns/promises";
import type { ServerAddress } from "./address.ts";

/** Those that the C client knows come first, as there. */
const TRANSPORTS = ["tcp", "udp", "tls", "unix"];
const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** The IPv4 address of a host; rejects where it has none. */
export type FindIpv4 = (hostname: string) => Promise<string>;

/**
 * The places of servers in the order of the C client, so that a key finds the same one from both: by transport, address and port,
 * the last two as a little-endian machine reads their bytes. Those that are equal stay in their order.
 */
export async function serverOrder(
  addresses: readonly ServerAddress[],
  find: FindIpv4 = findIpv4,
): Promise<number[]> {
  const ranks = await Promise.all(addresses.map((address) => rank(address, find)));
  return ranks.map((_, index) => index).sort((a, b) => compare(ranks[a]!, ranks[b]!));
}

async function rank(address: ServerAddress, find: FindIpv4): Promise<readonly number[]> {
  const transport = TRANSPORTS.indexOf(address.transport);
  if (address.transport === "unix") return [transport, Infinity, 0];
  const { hostname, port } = address;
  const ip = hostname.includes(":")
    ? ""
    : IPV4.test(hostname)
    ? hostname
    : await find(hostname).catch(() => "");
  const [, a, b, c, d] = (IPV4.exec(ip) ?? []).map(Number);
  const asCompared = d === undefined ? Infinity : ((d * 256 + c!) * 256 + b!) * 256 + a!;
  return [transport, asCompared, (port & 0xff) << 8 | port >> 8];
}

function compare(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((part, index) => part !== other[index]);
  return at < 0 ? 0 : one[at]! < other[at]! ? -1 : 1;
}

async function findIpv4(hostname: string): Promise<string> {
  return (await lookup(hostname, { family: 4 })).address;
}

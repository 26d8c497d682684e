import { lookup } from "node:dns/promises";
import type { ServerAddress } from "./address.ts";

/** Those that the C client knows come first, as there. */
const TRANSPORTS = ["tcp", "udp", "tls", "unix"];
const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** The IPv4 address of a host; rejects where it has none. */
export type FindIpv4 = (hostname: string) => Promise<string>;

export interface ServerOrder {
  /** Where each one stands in the list that was given. */
  readonly places: readonly number[];
  /** False where a name was not found: it stands behind those of its transport, and may do otherwise later. */
  readonly isCertain: boolean;
}

/**
 * The places of servers in the order of the C client, so that a key finds the same one from both: by transport, address and port,
 * the last two as a little-endian machine reads their bytes. Those that are equal stay in their order.
 */
export async function serverOrder(
  addresses: readonly ServerAddress[],
  find: FindIpv4 = findIpv4,
): Promise<ServerOrder> {
  let isCertain = true;
  const findOrNot = (hostname: string) =>
    find(hostname).catch(() => {
      isCertain = false;
      return "";
    });
  const ranks = await Promise.all(addresses.map((address) => rank(address, findOrNot)));
  const places = ranks.map((_, index) => index).sort((a, b) => compare(ranks[a]!, ranks[b]!));
  return { places, isCertain };
}

async function rank(address: ServerAddress, find: FindIpv4): Promise<readonly number[]> {
  const transport = TRANSPORTS.indexOf(address.transport);
  if (address.transport === "unix") return [transport, Infinity, 0];
  const { hostname, port } = address;
  const ip = hostname.includes(":") ? "" : IPV4.test(hostname) ? hostname : await find(hostname);
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

import { hashOf } from "../router/hash.ts";
import { isLoopbackHost } from "./own_addresses.ts";
import { hostAt, hostBytes, socketAddressText, socketPort } from "./socket_address.ts";

/** Looks into the addresses of senders, however a kind of socket writes them. */
export interface Peers<Address> {
  port(address: Address): number;
  /** As text, IPv4 that came over IPv6 as such. */
  host(address: Address): string;
  /** Of the host alone. */
  hash(address: Address): number;
  isLoopback(address: Address): boolean;
}

/** Nobody outside knows which hosts have the same hash. */
const SEED = crypto.getRandomValues(new Int32Array(1))[0]!;
const IPV4_BYTES = 4;
const IPV6_LOOPBACK = [...Array<number>(15).fill(0), 1];

/** Addresses as the system writes them. */
export const SYSTEM_PEERS: Peers<Uint8Array> = {
  port: socketPort,
  host: socketAddressText,
  hash(address) {
    const at = hostAt(address);
    return hashOf(address, at, hostBytes(at), SEED);
  },
  isLoopback(address) {
    const at = hostAt(address);
    return hostBytes(at) === IPV4_BYTES
      ? address[at] === 127
      : IPV6_LOOPBACK.every((byte, i) => byte === address[at + i]);
  },
};

const encoder = new TextEncoder();

/** Addresses as Deno writes them. */
export const DENO_PEERS: Peers<Deno.NetAddr> = {
  port: ({ port }) => port,
  host: ({ hostname }) => hostname,
  hash({ hostname }) {
    const bytes = encoder.encode(hostname);
    return hashOf(bytes, 0, bytes.length, SEED);
  },
  isLoopback: ({ hostname }) => isLoopbackHost(hostname),
};

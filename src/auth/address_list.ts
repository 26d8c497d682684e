import { BlockList, isIP } from "node:net";

const MAPPED = /^::ffff:(?=\d+\.)/i;

/** A net, or one address. */
export interface AddressNet {
  readonly address: string;
  readonly family: "ipv4" | "ipv6";
  /** Bits that count. */
  readonly prefix: number;
}

/** What one is written as. */
export const EXPECTED_NET = 'an address or a net such as "192.0.2.7", "10.0.0.0/8" or "2001:db8::/32"';

/** `10.0.0.0/8`, `2001:db8::/32` or one address; undefined where it is none. IPv4 is not written as IPv6. */
export function parseNet(text: string): AddressNet | undefined {
  const [, address = "", digits] = /^([\da-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0 || MAPPED.test(address)) return undefined;
  const bits = version === 4 ? 32 : 128;
  const prefix = digits === undefined ? bits : Number(digits);
  return prefix > bits ? undefined : { address, family: version === 4 ? "ipv4" : "ipv6", prefix };
}

/** The net as it is written. */
export function netText({ address, family, prefix }: AddressNet): string {
  return prefix === (family === "ipv4" ? 32 : 128) ? address : `${address}/${prefix}`;
}

/** Tells which addresses are in one of its nets. */
export class AddressList {
  readonly #list = new BlockList();

  constructor(nets: readonly AddressNet[]) {
    for (const { address, prefix, family } of nets) this.#list.addSubnet(address, prefix, family);
  }

  /** @param address IPv4 that came over IPv6 may be written either way */
  has(address: string): boolean {
    const plain = plainAddress(address);
    const version = isIP(plain);
    return version !== 0 && this.#list.check(plain, version === 4 ? "ipv4" : "ipv6");
  }
}

/** An address without its zone; IPv4 that came over IPv6 as such. */
export function plainAddress(address: string): string {
  return address.replace(MAPPED, "").replace(/%.*$/, "");
}

/**
 * What counts are kept by: an IPv4 address, or the 64 bits of an IPv6 address that belong to its net, as whoever has such a
 * net has all addresses in it. "" for Unix sockets.
 */
export function addressKey(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(":")) return plain;
  const [head = "", tail] = plain.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const after = tail === "" ? [] : tail.split(":");
    // IPv4 at the end stands for two groups.
    const taken = after.length + (tail.includes(".") ? 1 : 0);
    while (groups.length + taken < 8) groups.push("0");
    groups.push(...after);
  }
  return `${groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}

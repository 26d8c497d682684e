import { mismatch } from "./config_error.ts";

/** Where a TCP or UDP socket listens; port 0 lets the system choose. */
export interface InetAddress {
  readonly hostname: string;
  readonly port: number;
}

/** `host:port`, `[::1]:port`, or `:port` for every IPv4 interface. Throws ConfigError. */
export function parseAddress(value: unknown): InetAddress {
  const [, ipv6, host, digits] = typeof value === "string"
    ? /^(?:\[([\da-fA-F:.]+)\]|([^\s:\[\]/]*)):(\d{1,5})$/.exec(value) ?? []
    : [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) {
    throw mismatch('an address such as "127.0.0.1:26000", "[::1]:26000" or ":26000"', value);
  }
  return { hostname: ipv6 ?? (host || "0.0.0.0"), port };
}

/** The address as {@link parseAddress} reads it. */
export function formatAddress({ hostname, port }: InetAddress): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

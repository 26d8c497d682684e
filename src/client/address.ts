/** Where a server listens. */
export type ServerAddress = StreamAddress | DatagramAddress;

/** Of a stream: TCP, TLS over TCP, or a Unix socket. */
export type StreamAddress =
  | { readonly transport: "tcp" | "tls"; readonly hostname: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

export interface DatagramAddress {
  readonly transport: "udp";
  readonly hostname: string;
  readonly port: number;
}

/** Of TCP, TLS and UDP where an address has none. */
export const DEFAULT_PORT = 26_000;
const URL_FORM =
  /^(?<transport>tcp|tls|udp):\/\/(?:\[(?<ipv6>[^\]\s]+)\]|(?<host>[^:/\s[\]]+))(?::(?<port>\d{1,5}))?$/;
const UNIX_FORM = /^unix:\/\/(?<path>.+)$/;

/** The address for messages: `tcp 127.0.0.1:26000`, `udp [::1]:26000`, `unix /run/mevent.sock`. */
export function describeAddress(address: ServerAddress): string {
  if (address.transport === "unix") return `unix ${address.path}`;
  const { transport, hostname, port } = address;
  return hostname.includes(":") ? `${transport} [${hostname}]:${port}` : `${transport} ${hostname}:${port}`;
}

/**
 * Reads `tcp://host:port`, `tls://host:port`, `udp://host:port`, `unix:///run/mevent.sock`; without a port it is 26000. Throws
 * TypeError.
 */
export function parseAddress(text: string): ServerAddress {
  const path = UNIX_FORM.exec(text)?.groups?.path;
  if (path !== undefined) return { transport: "unix", path };
  const { transport, ipv6, host, port = DEFAULT_PORT } = URL_FORM.exec(text)?.groups ?? {};
  const hostname = ipv6 ?? host;
  const number = Number(port);
  if (hostname === undefined || number < 1 || number > 65_535) {
    throw new TypeError(
      `the address is ${
        JSON.stringify(text)
      }: give tcp://host:port, tls://host:port, udp://host:port or unix:///path`,
    );
  }
  if (transport === "udp") return { transport, hostname, port: number };
  return { transport: transport === "tls" ? "tls" : "tcp", hostname, port: number };
}

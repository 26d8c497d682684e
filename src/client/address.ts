/** Where a server listens. */
export type ServerAddress = StreamAddress | DatagramAddress;

export type StreamAddress =
  | { readonly transport: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

export interface DatagramAddress {
  readonly transport: "udp";
  readonly hostname: string;
  readonly port: number;
}

/** The address for messages: `tcp 127.0.0.1:26000`, `udp [::1]:26000`, `unix /run/mevent.sock`. */
export function describeAddress(address: ServerAddress): string {
  if (address.transport === "unix") return `unix ${address.path}`;
  const { transport, hostname, port } = address;
  return hostname.includes(":") ? `${transport} [${hostname}]:${port}` : `${transport} ${hostname}:${port}`;
}

import type { ServerConfig } from "../config/config.ts";
import type { KeyPath } from "../config/config_error.ts";
import type { Layers } from "../config/layers.ts";
import { isTable } from "../config/is_table.ts";
import { formatAddress } from "../config/address.ts";
import { systemReason } from "../system_reason.ts";
import { type SocketRights, withRights } from "../net/socket_rights.ts";
import { UnixSocket } from "../net/unix_socket.ts";
import { addressHolder, type ListenAddress } from "./address_holder.ts";
import { isStaleSocket } from "../net/stale_socket.ts";

/** What is said of an address of the config. */
export interface AddressRemark {
  /** Of the key that it stands at. */
  readonly path: KeyPath;
  readonly message: string;
  /** Somebody listens there: the server itself, mostly, while its config is looked at. */
  readonly isInUse: boolean;
}

/** Listens on all of the addresses for a moment, as a start would, and says which cannot be had. */
export async function checkAddresses(
  listeners: readonly (ListenAddress & Partial<SocketRights>)[],
  paths: readonly KeyPath[],
  server: Pick<ServerConfig, "control" | "controlTcp">,
): Promise<AddressRemark[]> {
  const wanted = [
    ...listeners.map((config, at) => ({ config, path: paths[at] ?? [] })),
    ...server.controlTcp.map((address) => ({
      config: { transport: "tcp", ...address } as const,
      path: ["server", "control_tcp"],
    })),
    ...server.control === "auto" || server.control === "none" ? [] : [{
      config: { transport: "unix", path: server.control } as const,
      path: ["server", "control"],
    }],
  ];
  const remarks: AddressRemark[] = [];
  const held: { readonly config: ListenAddress; readonly socket: { close(): void } | null }[] = [];
  try {
    for (const { config, path } of wanted) {
      try {
        held.push({ config, socket: await listen(config) });
      } catch (error) {
        const other = held.find((each) => isSamePort(each.config, config));
        remarks.push({ path, ...await reasonOf(config, error, other?.config) });
      }
    }
  } finally {
    for (const { socket } of held) socket?.close();
  }
  return remarks;
}

/** @param other an address of the same config that may be what takes this one */
async function reasonOf(config: ListenAddress, error: unknown, other: ListenAddress | undefined) {
  const cannot = `cannot listen on ${nameOf(config)}`;
  if (!(error instanceof Deno.errors.AddrInUse)) {
    return { message: `${cannot}: ${systemReason(error, "listen")}`, isInUse: false };
  }
  if (other !== undefined) {
    return { message: `${cannot}: ${nameOf(other)} of this config takes it`, isInUse: false };
  }
  return { message: `${cannot}: the address is in use: ${await addressHolder(config)}`, isInUse: true };
}

/**
 * The keys at which the addresses of a config's listeners stand, in their order.
 *
 * @param listeners by the index of a `[[listener]]`: that of its table in the file
 */
export function addressPaths(layers: Layers, listeners: readonly number[]): KeyPath[] {
  const tables: unknown = layers.document["listener"];
  const all = [
    { table: layers.server, path: ["server"] as KeyPath },
    ...listeners.map((index, at) => ({
      table: Array.isArray(tables) ? tables[at] as unknown : {},
      path: ["listener", index] as KeyPath,
    })),
  ];
  return all.flatMap(({ table, path }) =>
    ["tcp", "udp", "unix", "http"].flatMap((transport) => {
      const value = isTable(table) ? table[transport] : undefined;
      if (value === undefined || value === "") return [];
      if (!Array.isArray(value)) return [[...path, transport]];
      return value.map((_, at) => [...path, transport, at]);
    })
  );
}

/** Null where nothing need be held: a socket's file that nobody listens at is replaced at a start. */
async function listen(config: ListenAddress & Partial<SocketRights>): Promise<{ close(): void } | null> {
  switch (config.transport) {
    case "tcp":
    case "http":
      return Deno.listen({ hostname: config.hostname, port: config.port });
    case "udp":
      return Deno.listenDatagram({ transport: "udp", hostname: config.hostname, port: config.port });
    case "unix": {
      const { path, mode, group } = config;
      if (await isStaleSocket(path)) return null;
      const open = () => UnixSocket.listen(path);
      return mode === undefined ? open() : withRights(path, { mode, group }, open);
    }
  }
}

function isSamePort(one: ListenAddress, other: ListenAddress): boolean {
  const ofTcp = ({ transport }: ListenAddress) => transport === "tcp" || transport === "http";
  return one.transport !== "unix" && other.transport !== "unix" && ofTcp(one) === ofTcp(other) &&
    one.port === other.port;
}

function nameOf(config: ListenAddress): string {
  return config.transport === "unix" ? `unix ${config.path}` : `${config.transport} ${formatAddress(config)}`;
}

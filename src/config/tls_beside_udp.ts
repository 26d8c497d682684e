import { isLoopbackHost } from "../net/own_addresses.ts";
import { parseAddress } from "./address.ts";
import { ConfigError, type ConfigProblem, type KeyPath } from "./config_error.ts";
import { isTable, type Table } from "./is_table.ts";

/**
 * Of a `[server]` that has `tls`: a UDP address that is to be reached from outside. Who asks for TLS would hardly think that it is
 * left plain. What is no legal value is passed over.
 */
export function tlsBesideUdp({ tls, udp }: Table): (ConfigProblem & { readonly path: KeyPath })[] {
  if (!isTable(tls)) return [];
  const open = [udp].flat().find((address) => !isLocal(address));
  if (open === undefined) return [];
  const message = `UDP has no TLS, and ${
    JSON.stringify(open)
  } would be plain: say udp = "", or give it a [[listener]] of its own`;
  return [{ path: ["server", "tls"], message }];
}

function isLocal(address: unknown): boolean {
  if (address === "") return true;
  try {
    const { hostname } = parseAddress(address);
    return hostname === "localhost" || isLoopbackHost(hostname);
  } catch (error) {
    if (error instanceof ConfigError) return true;
    throw error;
  }
}

import { Connection } from "../client/connection.ts";
import type { StreamAddress } from "../client/address.ts";
import type { InetListenerConfig, UnixListenerConfig } from "../config/config.ts";
import { isTable } from "../config/is_table.ts";
import { DEFAULT_PORT } from "../control/control_path.ts";

/** What every mevent answers with its figures. */
const STATS_PLUGIN = "Reserve.Stats";
const STATS_COMMAND = 1000;
/** Whoever holds an address gets so long to say that it is a mevent, in ms. */
const ASK_MS = 1000;
/** Longest answer of one, in bytes. */
const MAX_ANSWER = 16 * 1024 * 1024;

/** Where a socket listens, or is to. */
export type ListenAddress =
  | Pick<InetListenerConfig, "transport" | "hostname" | "port">
  | Pick<UnixListenerConfig, "transport" | "path">;

/** A sentence on who listens at an address that is taken, and what to do about it. Never rejects. */
export async function addressHolder(config: ListenAddress): Promise<string> {
  const pid = await meventAt(config);
  const other = "name another address";
  if (pid === null) {
    const look = config.transport === "unix" ? "" : `; ss -lnp${config.transport[0]} says who listens where`;
    return `something else listens there: ${other}${look}`;
  }
  return `an mevent (pid ${pid}) is running there: ${stopCommand(config)} stops it; or ${other}`;
}

function stopCommand(config: ListenAddress): string {
  if (config.transport === "unix") return `mevent stop --unix ${config.path}`;
  return config.port === DEFAULT_PORT ? "mevent stop" : `mevent stop --port ${config.port}`;
}

/** The pid of the mevent that listens there, null where none says so. One on UDP has the same port on TCP, mostly. */
async function meventAt(config: ListenAddress): Promise<number | null> {
  const address: StreamAddress = config.transport === "unix"
    ? { transport: "unix", path: config.path }
    : { transport: "tcp", hostname: config.hostname, port: config.port };
  try {
    await using client = await Connection.connect(address, { timeoutMs: ASK_MS, maxFrame: MAX_ANSWER });
    const { value } = await client.request(STATS_PLUGIN, STATS_COMMAND, {});
    return isTable(value) && typeof value["pid"] === "number" ? value["pid"] : null;
  } catch {
    // Nobody, or somebody who speaks something else.
    return null;
  }
}

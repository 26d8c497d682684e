import { formatAddress, parseAddress } from "./address.ts";
import { ConfigError, type ConfigProblem, type KeyPath, keyText } from "./config_error.ts";
import { parseUnixSocket } from "./unix_socket.ts";
import { isTable, type Table } from "./is_table.ts";

/** A problem, and the place that was there before. */
export interface Clash extends ConfigProblem {
  readonly path: KeyPath;
  readonly first: KeyPath;
}

/** Names, numbers and addresses that are given more than once; what is no legal value is passed over. */
export function clashesOf(server: Table, document: Table): Clash[] {
  return [
    ...repeated(rowKeys(document, "plugin", "name")),
    ...repeated(rowKeys(document, "plugin", "biz")),
    ...repeated(rowKeys(document, "token", "name")),
    ...repeated(rowKeys(document, "token", "hash")),
    ...repeated(rowKeys(document, "certificate", "subject")),
    ...repeated(rowKeys(document, "alert", "name")),
    ...repeated(rowKeys(document, "receiver", "name")),
    ...repeated(listenerKeys(server, document["listener"])),
  ];
}

/** A value as people would write it, and the key path where it stands. */
type Place = readonly [value: string, path: KeyPath];

function* rowKeys(document: Table, table: string, key: string): Iterable<Place> {
  for (const [at, row] of rows(document[table])) {
    const value = row[key];
    if (typeof value === "string" || typeof value === "number") {
      yield [JSON.stringify(value), [table, at, key]];
    }
  }
}

function* listenerKeys(server: Table, listeners: unknown): Iterable<Place> {
  const tables: [KeyPath, Table][] = [[["server"], server]];
  for (const [at, listener] of rows(listeners)) tables.push([["listener", at], listener]);
  for (const [path, table] of tables) {
    for (const transport of ["tcp", "udp", "unix", "http"]) {
      for (const value of [table[transport]].flat()) {
        const address = transport === "unix" ? socketPath(value) : normalAddress(value);
        if (typeof address === "string" && address !== "") {
          // Both are of TCP.
          const space = transport === "http" ? "tcp" : transport;
          yield [`${space} ${address}`, [...path, transport]];
        }
      }
    }
  }
}

/** The address in its one form, or undefined where it is none or its port is the system's choice. */
function normalAddress(value: unknown): string | undefined {
  try {
    const address = parseAddress(value);
    return address.port === 0 ? undefined : formatAddress(address);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** The path of a Unix socket, or undefined where the value is none. */
function socketPath(value: unknown): string | undefined {
  try {
    return parseUnixSocket(value).path;
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

function* rows(list: unknown): Iterable<[at: number, row: Table]> {
  const items: unknown[] = Array.isArray(list) ? list : [];
  for (const [at, item] of items.entries()) if (isTable(item)) yield [at, item];
}

function repeated(places: Iterable<Place>): Clash[] {
  const seen = new Map<string, KeyPath>();
  const clashes: Clash[] = [];
  for (const [value, path] of places) {
    const first = seen.get(value);
    if (first === undefined) seen.set(value, path);
    else clashes.push({ path, first, message: `${value} stands at ${keyText(first)} already` });
  }
  return clashes;
}

import { isLoopbackHost } from "../net/own_addresses.ts";
import { formatAddress, parseAddress } from "./address.ts";
import { ConfigError, type ConfigProblem, type KeyPath, keyText } from "./config_error.ts";
import { isTable, type Table } from "./is_table.ts";

/** A problem, and the key that it is about. */
interface KeyProblem extends ConfigProblem {
  readonly path: KeyPath;
}

/** What is wrong with who may reach the server, and what is allowed but is to be said. */
export interface Exposure {
  readonly problems: readonly KeyProblem[];
  readonly warnings: readonly string[];
}

/** Keys of addresses that other machines may reach. */
const NETWORKED = ["tcp", "http", "udp", "control_tcp"];

/** Looks at who may use each listener; what is no legal value is passed over. */
export function exposureOf(server: Table, listeners: unknown): Exposure {
  const rows: unknown[] = Array.isArray(listeners) ? listeners : [];
  const tables: [KeyPath, Table][] = [[["server"], server]];
  for (const [at, row] of rows.entries()) if (isTable(row)) tables.push([["listener", at], row]);
  const problems = tables.flatMap(([path, table]) => [...misfits(table, path)]);
  const open = tables.flatMap(([path, table]) => openAddresses(table, path));
  return {
    problems: [...problems, ...open.filter(({ isMeant }) => !isMeant).map(problemOf)],
    warnings: open.filter(({ isMeant }) => isMeant).map(({ path, address }) =>
      `${keyText(path)}: INSECURE: everybody who reaches ${address} may do everything (insecure = true)`
    ),
  };
}

/** An address that other machines reach, of which nothing says who may use it. */
interface OpenAddress {
  readonly path: KeyPath;
  readonly address: string;
  /** The config says that it is to be so. */
  readonly isMeant: boolean;
}

function openAddresses(table: Table, path: KeyPath): OpenAddress[] {
  const isMeant = table["insecure"] === true;
  return NETWORKED.filter((key) => !isProtected(table, key)).flatMap((key) =>
    reachable(table[key]).map((address) => ({ path: [...path, key], address, isMeant }))
  );
}

function isProtected(table: Table, key: string): boolean {
  const { auth } = table;
  if (hasAllow(table)) return true;
  if (key === "udp") return false;
  const hasAuth = auth === "token" || auth === "certificate";
  return hasAuth || (key !== "control_tcp" && hasClientCa(table));
}

function hasAllow({ allow }: Table): boolean {
  return Array.isArray(allow) ? allow.length > 0 : typeof allow === "string" && allow !== "";
}

function hasUnix({ unix }: Table): boolean {
  return unix !== undefined && [unix].flat().some((each) => each !== "");
}

function hasClientCa({ tls }: Table): boolean {
  return isTable(tls) && tls["client_ca"] !== undefined;
}

function problemOf({ path, address }: OpenAddress): KeyProblem {
  const key = path.at(-1);
  const ways = key === "udp"
    ? ['allow = ["10.0.0.0/8"]']
    : ['auth = "token"', 'allow = ["10.0.0.0/8"]', ...key === "control_tcp" ? [] : ["tls with a client_ca"]];
  return {
    path,
    message: `${address} is reached from other machines, and nothing says who may use it: set ${
      ways.join(", ")
    } (docs/auth.md); or insecure = true where everybody may do everything`,
  };
}

/** What does not go together. */
function* misfits(table: Table, path: KeyPath): Iterable<KeyProblem> {
  const { auth } = table;
  const own = path[0] === "server";
  if (auth === "token" || auth === "certificate") {
    if (addressesOf(table["udp"]).length > 0) {
      const otherwise = own ? 'set udp = "", and give UDP a [[listener]] of its own' : "leave it out";
      yield {
        path: [...path, "auth"],
        message: `a datagram has no login, so ${auth} cannot be had for ${
          keyText([...path, "udp"])
        }: ${otherwise}`,
      };
    }
    if (auth === "certificate" && hasUnix(table)) {
      yield {
        path: [...path, "auth"],
        message: "a Unix socket has no certificates: give it a [[listener]] of its own, with another auth",
      };
    } else if (auth === "certificate" && !hasClientCa(table)) {
      yield { path: [...path, "auth"], message: "client certificates need tls = { …, client_ca = … }" };
    }
  }
  if (!own && table["unix"] !== undefined && hasAllow(table)) {
    yield {
      path: [...path, "allow"],
      message: "a Unix socket has no addresses: its mode and group say who may connect",
    };
  }
}

/** Those that are not of this machine alone, as they are written. */
function reachable(value: unknown): string[] {
  return addressesOf(value).filter(({ hostname }) =>
    !isLoopbackHost(hostname) && !/^(?:.+\.)?localhost$/i.test(hostname)
  ).map(formatAddress);
}

function addressesOf(value: unknown) {
  const texts: unknown[] = value === undefined || value === "" ? [] : [value].flat();
  return texts.flatMap((text) => {
    try {
      return parseAddress(text);
    } catch (error) {
      if (error instanceof ConfigError) return [];
      throw error;
    }
  });
}

/** A connection text of the C daemon as what the `sql` plugin is told. */
export interface DatabaseUrl {
  /** Without the password. */
  readonly url: string;
  readonly password: string | undefined;
  /** `host:port` for the plugin's permissions; undefined for a file or a socket. */
  readonly net: string | undefined;
  /** The file, or the socket's path. */
  readonly path: string | undefined;
  /** Words that have no counterpart: `connect_timeout=5`. */
  readonly rest: readonly string[];
}

const SCHEMES = new Map([
  ["pgsql", { scheme: "postgres", port: "5432" }],
  ["postgres", { scheme: "postgres", port: "5432" }],
  ["mysql", { scheme: "mysql", port: "3306" }],
]);
const WORD = /(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s;]*))/g;

/**
 * Reads `pgsql:dbname=shop host=db user=app password=…`, and the same of `mysql:` (words parted by `;` too) and `sqlite:PATH`.
 * Undefined for what is none of these.
 */
export function databaseUrl(text: string): DatabaseUrl | undefined {
  const [, kind = "", rest = ""] = /^(\w+):(.*)$/s.exec(text.trim()) ?? [];
  if (kind === "sqlite") {
    return { url: `sqlite:${rest}`, password: undefined, net: undefined, path: rest, rest: [] };
  }
  const known = SCHEMES.get(kind);
  if (known === undefined) return undefined;
  const words = new Map<string, string>();
  for (const [, key = "", quoted, bare = ""] of rest.matchAll(WORD)) {
    words.set(key, quoted === undefined ? bare : quoted.replace(/\\(.)/g, "$1"));
  }
  const take = (...names: string[]): string | undefined => {
    const name = names.find((each) => words.has(each));
    const value = name === undefined ? undefined : words.get(name);
    for (const each of names) words.delete(each);
    return value === "" ? undefined : value;
  };
  const database = take("dbname", "database");
  const named = take("host", "hostaddr") ?? "127.0.0.1";
  const port = take("port") ?? known.port;
  const user = take("user", "username");
  const password = take("password", "passwd");
  const socket = take("unix_socket", "socket") ?? (named.startsWith("/") ? named : undefined);
  const host = named.includes(":") ? `[${named}]` : named;
  const who = user === undefined ? "" : `${encodeURIComponent(user)}@`;
  const where = socket === undefined ? `${host}:${port}` : "";
  const query = socket === undefined ? "" : `?socket=${encodeURI(socket)}`;
  return {
    url: `${known.scheme}://${who}${where}/${encodeURIComponent(database ?? "")}${query}`,
    password,
    net: socket === undefined ? `${host}:${port}` : undefined,
    path: socket,
    rest: [...words].map(([key, value]) => `${key}=${value}`),
  };
}

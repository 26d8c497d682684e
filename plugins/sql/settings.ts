import type { JsonObject } from "mevent/plugin";
import { readFileSync } from "node:fs";
import { ConfigTable, isTable, SettingsError } from "../config_table.ts";
import type { Database } from "./database.ts";
import { MysqlDatabase } from "./mysql.ts";
import { PostgresDatabase } from "./postgres.ts";
import type { ServerAddress } from "./server_address.ts";
import { SqliteDatabase } from "./sqlite.ts";

/** `[plugin.config]` of the plugin, checked. */
export interface Settings {
  readonly database: Database;
  /** The tables that rows may go into, each with the columns that may be written; null is all of them. */
  readonly tables: ReadonlyMap<string, readonly string[] | null>;
  /** SQL by its name. */
  readonly statements: ReadonlyMap<string, string>;
  readonly queries: ReadonlyMap<string, string>;
  /** Operations of one transaction. */
  readonly batch: number;
  /** How long the first of them waits for others, in ms. */
  readonly wait: number;
  /** Rows that a query may answer. */
  readonly maxRows: number;
  readonly exactlyOnce: boolean;
  /** Tables with a column for the operation's id: what is there already is not written again. */
  readonly idempotency: ReadonlyMap<string, string>;
}

const POSTGRES_PORT = 5432;
const MYSQL_PORT = 3306;
const BATCH = { least: 1, most: 10_000 };
const MAX_ROWS = { least: 1, most: 100_000 };
/** In ms. */
const BELOW_A_MINUTE = { least: 0, most: 59_999 };

/**
 * Reads the config. Throws SettingsError, which repeats no value, for it may hold the password; and what Deno throws where a
 * file or variable may not be read.
 */
export function readSettings(config: JsonObject): Settings {
  const table = new ConfigTable(config, "config");
  const settings: Settings = {
    database: databaseOf(table),
    tables: tablesOf(table),
    statements: new Map(Object.entries(table.textTable("statements"))),
    queries: new Map(Object.entries(table.textTable("queries"))),
    batch: table.whole("batch", BATCH, 1000),
    wait: table.duration("wait", BELOW_A_MINUTE, 10),
    maxRows: table.whole("max_rows", MAX_ROWS, 1000),
    exactlyOnce: table.bool("exactly_once", true),
    idempotency: new Map(Object.entries(table.textTable("idempotency"))),
  };
  table.end();
  for (const [name, column] of settings.idempotency) {
    const columns = settings.tables.get(name);
    if (columns === undefined) {
      throw table.wrong("idempotency", `names ${JSON.stringify(name)}, which is not one of the tables`);
    }
    if (columns?.includes(column)) {
      throw table.wrong(
        "idempotency",
        `names the column ${column} of ${name}, which callers may write; name one of its own`,
      );
    }
  }
  if (settings.tables.size + settings.statements.size + settings.queries.size === 0) {
    throw new SettingsError("config names nothing that may be done: tables, statements or queries");
  }
  return settings;
}

function databaseOf(table: ConfigTable): Database {
  const text = urlOf(table);
  const scheme = /^([a-z]+):/.exec(text)?.[1];
  switch (scheme) {
    case "sqlite": {
      const path = text.slice("sqlite:".length).replace(/^\/\//, "");
      if (path === "") throw table.wrong("url", "names no file: sqlite:./data.db");
      for (const key of ["password_env", "password_file", "tls", "ca_file", "connect_timeout", "prepare"]) {
        if (table.has(key)) throw table.wrong(key, "is of no use for SQLite");
      }
      return new SqliteDatabase(path, table.choice("synchronous", ["full", "normal"], "full"));
    }
    case "postgres":
    case "postgresql":
      return new PostgresDatabase(
        addressOf(table, text, POSTGRES_PORT),
        table.has("prepare") ? table.bool("prepare", true) : undefined,
      );
    case "mysql":
    case "mariadb":
      if (table.has("prepare")) throw table.wrong("prepare", "is for PostgreSQL alone");
      return new MysqlDatabase(addressOf(table, text, MYSQL_PORT));
    default:
      throw table.wrong("url", "is to begin with sqlite:, postgres://, mysql:// or mariadb://");
  }
}

/** The URL, wherever it stands: it may hold the password. */
function urlOf(table: ConfigTable): string {
  const given = ["url", "url_env", "url_file"].filter((key) => table.has(key));
  if (given.length !== 1) throw table.wrong("url", "is to be given once, as url, url_env or url_file");
  return variable(table, "url_env") ?? firstLine(table, "url_file") ?? table.text("url");
}

function addressOf(table: ConfigTable, text: string, defaultPort: number): ServerAddress {
  if (table.has("synchronous")) throw table.wrong("synchronous", "is for SQLite alone");
  const { url, user, password, database } = partsOf(table, text);
  if ([...url.searchParams.keys()].some((name) => name !== "socket")) {
    throw table.wrong("url", "has a parameter that is not known; there is ?socket=PATH alone");
  }
  if (user === "") throw table.wrong("url", "names no user: postgres://user@host/database");
  if (database === "") throw table.wrong("url", "names no database: postgres://user@host/database");
  const socket = url.searchParams.get("socket") ?? undefined;
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (host === "" && socket === undefined) throw table.wrong("url", "names no host");
  const port = url.port === "" ? defaultPort : Number(url.port);
  return {
    host,
    port,
    socket,
    user,
    password: passwordOf(table, password),
    database,
    tls: tlsOf(table),
    connectTimeout: table.duration("connect_timeout", BELOW_A_MINUTE, 5000),
    place: `${url.protocol}//${user}@${socket ?? `${host}:${port}`}/${database}`,
  };
}

function partsOf(table: ConfigTable, text: string) {
  try {
    const url = new URL(text);
    const [user = "", password = "", database = ""] = [url.username, url.password, url.pathname.slice(1)].map(
      decodeURIComponent,
    );
    return { url, user, password, database };
  } catch {
    throw table.wrong("url", "is no URL: postgres://user@host:5432/database, special characters as %40");
  }
}

/** @param own what the URL itself has */
function passwordOf(table: ConfigTable, own: string): string {
  const others = ["password_env", "password_file"].filter((key) => table.has(key));
  if (Number(own !== "") + others.length > 1) {
    throw new SettingsError(
      "config has the password in more than one place: url, password_env, password_file",
    );
  }
  return variable(table, "password_env") ?? firstLine(table, "password_file") ?? own;
}

function tlsOf(table: ConfigTable): ServerAddress["tls"] {
  const tls = table.value("tls") ?? false;
  const file = table.textIfAny("ca_file");
  if (tls !== true && tls !== false && tls !== "unverified") {
    throw table.wrong("tls", 'is to be true, false, or "unverified"');
  }
  if (tls === false) {
    if (file !== undefined) throw table.wrong("ca_file", "is for tls = true");
    return undefined;
  }
  return {
    rejectUnauthorized: tls === true,
    ...file === undefined ? {} : { ca: readFileSync(file, "utf8") },
  };
}

function tablesOf(table: ConfigTable): Map<string, readonly string[] | null> {
  const value = table.value("tables") ?? [];
  if (!isTable(value)) return new Map(table.texts("tables", []).map((name) => [name, null]));
  const tables = new ConfigTable(value, `${table.path}.tables`);
  return new Map(Object.keys(value).map((name) => [name, columnsOf(tables, name)]));
}

function columnsOf(tables: ConfigTable, name: string): readonly string[] | null {
  if (tables.value(name) === true) return null;
  const columns = tables.texts(name);
  if (columns.length > 0) return columns;
  throw tables.wrong(name, 'is empty; name columns, ["uid", "page"], or give true for all of them');
}

/** What stands in the variable that a key names. */
function variable(table: ConfigTable, key: string): string | undefined {
  const name = table.textIfAny(key);
  if (name === undefined) return undefined;
  // It may be a URL by mistake, with its password.
  if (/[=:/@]/.test(name)) throw table.wrong(key, "is to be the name of a variable");
  const value = Deno.env.get(name);
  if (value === undefined || value === "") {
    throw table.wrong(key, `names the variable ${name}, which is not set`);
  }
  return value;
}

/** What stands first in the file that a key names. */
function firstLine(table: ConfigTable, key: string): string | undefined {
  const path = table.textIfAny(key);
  return path === undefined ? undefined : readFileSync(path, "utf8").split(/\r?\n/, 1)[0] ?? "";
}

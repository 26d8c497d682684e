import type { JsonObject, JsonValue } from "mevent/plugin";
import { readFileSync } from "node:fs";
import type { Database } from "./database.ts";
import { MysqlDatabase } from "./mysql.ts";
import { PostgresDatabase } from "./postgres.ts";
import type { ServerAddress } from "./server_address.ts";
import { SqliteDatabase, type Synchronous } from "./sqlite.ts";

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
  /** How long the first of them waits for others. */
  readonly wait: string;
  /** Rows that a query may answer. */
  readonly maxRows: number;
  readonly exactlyOnce: boolean;
}

/** A key of the config that is wrong, or missing. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

const KEYS = [
  "url",
  "url_env",
  "url_file",
  "password_env",
  "password_file",
  "tables",
  "statements",
  "queries",
  "batch",
  "wait",
  "max_rows",
  "exactly_once",
  "synchronous",
  "tls",
  "ca_file",
  "connect_timeout",
];
const DURATION = /^\d+(\.\d+)?(ms|s)$/;
const POSTGRES_PORT = 5432;
const MYSQL_PORT = 3306;
const MAX_BATCH = 10_000;
const MAX_ROWS = 100_000;

/** Reads the config. Throws SettingsError, and what Deno throws where a file or variable may not be read. */
export function readSettings(config: JsonObject): Settings {
  for (const key of Object.keys(config)) {
    if (!KEYS.includes(key)) throw wrong(key, `there is no such key; there are ${KEYS.join(", ")}`);
  }
  const settings: Settings = {
    database: databaseOf(config),
    tables: tablesOf(config["tables"]),
    statements: textsOf(config, "statements"),
    queries: textsOf(config, "queries"),
    batch: wholeOf(config, "batch", 1000, MAX_BATCH),
    wait: durationOf(config, "wait", "10ms"),
    maxRows: wholeOf(config, "max_rows", 1000, MAX_ROWS),
    exactlyOnce: booleanOf(config, "exactly_once", true),
  };
  if (settings.tables.size + settings.statements.size + settings.queries.size === 0) {
    throw new SettingsError("config: name what may be done: tables, statements or queries");
  }
  return settings;
}

function databaseOf(config: JsonObject): Database {
  const text = urlOf(config);
  const scheme = /^([a-z]+):/.exec(text)?.[1];
  switch (scheme) {
    case "sqlite": {
      const path = text.slice("sqlite:".length).replace(/^\/\//, "");
      if (path === "") throw wrong("url", "it names no file; sqlite:./data.db");
      for (const key of ["password_env", "password_file", "tls", "ca_file", "connect_timeout"]) {
        if (key in config) throw wrong(key, "SQLite has no use for it");
      }
      return new SqliteDatabase(path, synchronousOf(config));
    }
    case "postgres":
    case "postgresql":
      return new PostgresDatabase(addressOf(config, text, POSTGRES_PORT));
    case "mysql":
    case "mariadb":
      return new MysqlDatabase(addressOf(config, text, MYSQL_PORT));
    default:
      throw wrong("url", "it begins with sqlite:, postgres://, mysql:// or mariadb://");
  }
}

/** The URL, wherever it stands: it may hold the password. */
function urlOf(config: JsonObject): string {
  const given = ["url", "url_env", "url_file"].filter((key) => key in config);
  const [key = ""] = given;
  if (given.length !== 1) throw wrong("url", "give exactly one of url, url_env and url_file");
  const value = textOf(config, key) ?? "";
  if (key === "url_env") return environment(key, value);
  return key === "url_file" ? firstLine(value) : value;
}

function addressOf(config: JsonObject, text: string, defaultPort: number): ServerAddress {
  if ("synchronous" in config) throw wrong("synchronous", "it is for SQLite alone");
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // Not the URL itself: it may hold a password.
    throw wrong("url", "it is no URL; postgres://user@host:5432/database, special characters as %40");
  }
  for (const name of url.searchParams.keys()) {
    if (name !== "socket") throw wrong("url", `it has a parameter ${name}; only ?socket=PATH is known`);
  }
  const [user, database] = [decodeURIComponent(url.username), decodeURIComponent(url.pathname.slice(1))];
  if (user === "") throw wrong("url", "it names no user; postgres://user@host/database");
  if (database === "") throw wrong("url", "it names no database; postgres://user@host/database");
  const socket = url.searchParams.get("socket") ?? undefined;
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (host === "" && socket === undefined) throw wrong("url", "it names no host");
  const port = url.port === "" ? defaultPort : Number(url.port);
  return {
    host,
    port,
    socket,
    user,
    password: passwordOf(config, url),
    database,
    tls: tlsOf(config),
    connectTimeout: millisecondsOf(durationOf(config, "connect_timeout", "5s")),
    place: `${url.protocol}//${user}@${socket ?? `${host}:${port}`}/${database}`,
  };
}

function passwordOf(config: JsonObject, url: URL): string {
  const [variable, file] = [textOf(config, "password_env"), textOf(config, "password_file")];
  const own = decodeURIComponent(url.password);
  if (Number(own !== "") + Number(variable !== undefined) + Number(file !== undefined) > 1) {
    throw wrong("url", "the password stands in more than one place: url, password_env, password_file");
  }
  if (variable !== undefined) return environment("password_env", variable);
  return file === undefined ? own : firstLine(file);
}

function tlsOf(config: JsonObject): ServerAddress["tls"] {
  const tls = config["tls"] ?? false;
  const ca = textOf(config, "ca_file");
  if (tls !== true && tls !== false && tls !== "unverified") {
    throw wrong("tls", 'it is true, false, or "unverified"');
  }
  if (tls === false) {
    if (ca !== undefined) throw wrong("ca_file", "it is for tls = true");
    return undefined;
  }
  return {
    rejectUnauthorized: tls === true,
    ...ca === undefined ? {} : { ca: readFileSync(ca, "utf8") },
  };
}

function tablesOf(value: JsonValue | undefined): Map<string, readonly string[] | null> {
  const tables = new Map<string, readonly string[] | null>();
  if (value === undefined) return tables;
  if (isTexts(value)) {
    for (const name of value) tables.set(name, null);
    return tables;
  }
  if (!isTable(value)) {
    throw wrong("tables", 'it is a list of names, ["visits"], or { visits = ["uid", "page"] }');
  }
  for (const [name, columns] of Object.entries(value)) {
    if (columns !== true && (!isTexts(columns) || columns.length === 0)) {
      throw wrong(`tables.${name}`, 'it is a list of columns, ["uid", "page"], or true for all of them');
    }
    tables.set(name, columns === true ? null : columns);
  }
  return tables;
}

function textsOf(config: JsonObject, key: string): Map<string, string> {
  const value = config[key] ?? {};
  if (!isTable(value)) throw wrong(key, 'it is a table: { NAME = "SQL" }');
  return new Map(
    Object.entries(value).map(([name, sql]) => {
      if (typeof sql !== "string") throw wrong(`${key}.${name}`, "it is a text: SQL");
      return [name, sql];
    }),
  );
}

function synchronousOf(config: JsonObject): Synchronous {
  const value = config["synchronous"] ?? "full";
  if (value === "full" || value === "normal") return value;
  throw wrong("synchronous", 'it is "full" or "normal"');
}

function wholeOf(config: JsonObject, key: string, otherwise: number, most: number): number {
  const value = config[key] ?? otherwise;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw wrong(key, `it is a whole number from 1 to ${most}`);
}

function booleanOf(config: JsonObject, key: string, otherwise: boolean): boolean {
  const value = config[key] ?? otherwise;
  if (typeof value === "boolean") return value;
  throw wrong(key, "it is true or false");
}

function durationOf(config: JsonObject, key: string, otherwise: string): string {
  const value = config[key] ?? otherwise;
  if (typeof value === "string" && DURATION.test(value) && millisecondsOf(value) < 60_000) return value;
  throw wrong(key, 'it is a time below a minute, with its unit: "10ms", "2s"');
}

function millisecondsOf(duration: string): number {
  return parseFloat(duration) * (duration.endsWith("ms") ? 1 : 1000);
}

function textOf(config: JsonObject, key: string): string | undefined {
  const value = config[key];
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  throw wrong(key, "it is a text");
}

function environment(key: string, name: string): string {
  const value = Deno.env.get(name);
  if (value === undefined || value === "") throw wrong(key, `the variable ${name} is not set`);
  return value;
}

function firstLine(path: string): string {
  return readFileSync(path, "utf8").split(/\r?\n/, 1)[0] ?? "";
}

function isTexts(value: JsonValue | undefined): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function isTable(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrong(key: string, what: string): SettingsError {
  return new SettingsError(`config.${key}: ${what}`);
}

import { DatabaseServer, HAS_MARIADB, HAS_POSTGRES } from "../../tests/support/database_servers.ts";
import { SqliteDatabase } from "../../plugins/sql/sqlite.ts";
import type { Session } from "../../plugins/sql/database.ts";
import { insertStatement } from "../../plugins/sql/statement.ts";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";

const TABLE = "CREATE TABLE visits (uid bigint NOT NULL, name varchar(40))";
const INSERT = insertStatement("table visits", "visits", ["uid", "name"]);
const CONFIG = `
[server]
drain_timeout = "0s"
log_level = "warn"

[[plugin]]
name = "sql"
module = "builtin:sql"
timeout = "60s"
permissions = PERMISSIONS
config = { url = "URL", tables = ["visits"], wait = "10ms" }
`;

/** A database with the table `visits` that a bench writes into. */
export interface SqlTarget extends AsyncDisposable {
  readonly name: string;
  /** Of mevent. */
  readonly config: string;
  /** Whether several callers may write at once. */
  readonly takesMany: boolean;
  clear(): Promise<void>;
  /** So many callers, each with a connection, write one row a transaction for so many ms; returns rows a second. */
  oneByOne(callers: number, ms: number): Promise<number>;
  /** Rows, and different ones. */
  counts(): Promise<[number, number]>;
  /** Takes the database away for so many ms. */
  away(ms: number): Promise<void>;
}

/** Those of the wanted ones that there are here; says which there are not. */
export function* sqlTargets(wanted: readonly string[]): Generator<() => Promise<SqlTarget>> {
  for (const name of wanted) {
    if (name === "sqlite") yield sqlite;
    else if (name === "postgres" && HAS_POSTGRES) {
      yield () => served("PostgreSQL", DatabaseServer.postgres(true));
    } else if (name === "mariadb" && HAS_MARIADB) yield () => served("MariaDB", DatabaseServer.mariadb(true));
    else console.error(`there is no ${name} here: it is left out`);
  }
}

async function sqlite(): Promise<SqlTarget> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/data.db`;
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = WAL; ${TABLE}`);
  const number = (text: string) => Number(database.prepare(text).get()?.["n"]);
  return {
    name: "SQLite, synchronous = full",
    config: CONFIG.replace("PERMISSIONS", `{ read = ["${folder}"], write = ["${folder}"] }`)
      .replace("URL", `sqlite:${path}`),
    takesMany: false,
    // deno-lint-ignore require-await
    async clear() {
      database.exec("DELETE FROM visits");
    },
    oneByOne: (callers, ms) => oneByOne(() => new SqliteDatabase(path, "full").open(), callers, ms),
    // deno-lint-ignore require-await
    counts: async () => [
      number("SELECT count(*) AS n FROM visits"),
      number("SELECT count(DISTINCT uid) AS n FROM visits"),
    ],
    async away(ms) {
      // A writer that does not let go is what comes nearest to a server that is down.
      database.exec("PRAGMA busy_timeout = 10000; BEGIN EXCLUSIVE");
      await pause(ms);
      database.exec("COMMIT");
    },
    async [Symbol.asyncDispose]() {
      database.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function served(name: string, starting: Promise<DatabaseServer>): Promise<SqlTarget> {
  const server = await starting;
  await server.run(TABLE);
  const permissions = `{ net = ["127.0.0.1:${server.port}"] }`;
  return {
    name,
    config: CONFIG.replace("PERMISSIONS", permissions).replace("URL", server.url),
    takesMany: true,
    clear: () => server.run("DELETE FROM visits"),
    oneByOne: (callers, ms) => oneByOne(() => server.connect(), callers, ms),
    counts: async () => [
      await server.number("SELECT count(*) FROM visits"),
      await server.number("SELECT count(DISTINCT uid) FROM visits"),
    ],
    async away(ms) {
      await server.stop("crash");
      await pause(ms);
      await server.start();
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function oneByOne(connect: () => Promise<Session>, callers: number, ms: number): Promise<number> {
  const sessions = await Promise.all(Array.from({ length: callers }, connect));
  const start = performance.now();
  let written = 0;
  await Promise.all(sessions.map(async (session) => {
    while (performance.now() - start < ms) {
      await session.run(INSERT, [[String(written++), "a visitor's own name"]]);
    }
  }));
  const seconds = (performance.now() - start) / 1000;
  await Promise.all(sessions.map((session) => session.close()));
  return written / seconds;
}

import { Buffer } from "node:buffer";
import { numberText } from "../../src/exact_number.ts";
import { DatabaseError, type Dialect, type Row, type TableColumns } from "./database.ts";
import { type Bounds, fitting } from "./portions.ts";
import { arrayText, bulkSql, numbered, typesOfColumns } from "./postgres_bulk.ts";
import { createClient, type PgClient, type PgResult } from "./postgres_driver.ts";
import { faultOf, stateOf } from "./postgres_fault.ts";
import {
  COLUMNS,
  kindOf,
  mayLose,
  paramTypesSql,
  rowFor,
  type ServerType,
  textFor,
  UNIQUE,
  VERSION,
} from "./postgres_types.ts";
import type { ServerAddress } from "./server_address.ts";
import { ServerDatabase } from "./server_database.ts";
import { type ServerAnswer, ServerSession } from "./server_session.ts";
import { quoteName, requireParams, type Statement, writeSingle } from "./statement.ts";
import { bytesOf, held, heldText, scalarOf } from "./values.ts";

/** What one INSERT carries. */
const BOUNDS: Bounds = {
  rows: 5000,
  bytes: 4 * 1024 * 1024,
  rowBytes: 1024 * 1024 * 1024 - 1024 * 1024,
  rowBound: "a message has less than 1 GiB",
};
/** Statements that the server keeps prepared for this connection; further ones are prepared each time. */
const MAX_PREPARED = 500;

export const POSTGRES: Dialect = {
  grammar: { name: "postgres", quote: '"' },
  unless: (column) => ` ON CONFLICT (${column}) DO NOTHING`,
  ledger: {
    isThere: "SELECT count(to_regclass('mevent_writers'))",
    create:
      "CREATE TABLE IF NOT EXISTS mevent_writers (writer varchar(36) PRIMARY KEY, batch bigint NOT NULL, " +
      "seen timestamptz NOT NULL DEFAULT now())",
    sweep: "DELETE FROM mevent_writers WHERE seen < now() - interval '30 days'",
    open: "INSERT INTO mevent_writers (writer, batch) VALUES ($1, 0) ON CONFLICT (writer) DO NOTHING",
    mark: "UPDATE mevent_writers SET batch = $2, seen = now() WHERE writer = $1",
    look: "SELECT batch FROM mevent_writers WHERE writer = $1 FOR UPDATE",
    close: "DELETE FROM mevent_writers WHERE writer = $1",
  },
  // Everything travels as text: the server knows the type of each param.
  valueOf(value, column) {
    if (column?.kind === "bytes" && value !== null) {
      return `\\x${Buffer.from(bytesOf(value)).toString("hex")}`;
    }
    const given = scalarOf(value);
    if (typeof given === "string") return textFor(column?.kind ?? "other", heldText(given, column));
    const scalar = held(given, column);
    if (scalar === null) return null;
    if (Number.isSafeInteger(scalar)) return String(scalar);
    return typeof scalar === "boolean" ? String(scalar) : numberText(scalar);
  },
};

interface PostgresAnswer extends ServerAnswer {
  /** What the server has done: `COMMIT`, or `ROLLBACK` in its place. */
  readonly command: string;
}

/** PostgreSQL over the network or a Unix socket. */
export class PostgresDatabase extends ServerDatabase {
  override readonly dialect = POSTGRES;

  /** @param prepare whether statements are kept prepared; undefined where that is found out */
  constructor(address: ServerAddress, public prepare?: boolean) {
    super(address);
  }

  protected override async connect(): Promise<PostgresSession> {
    const { host, port, socket, user, password, database, tls, connectTimeout } = this.address;
    const client = await createClient({
      host: socket ?? host,
      port,
      user,
      // Of an empty one the driver would look for a file.
      password: password === "" ? () => "" : password,
      database,
      ssl: tls ?? false,
      connectionTimeoutMillis: connectTimeout,
      keepAlive: true,
      // What is asked while an answer is on its way does not wait for that.
      pipeline: true,
      fallback_application_name: "mevent",
    });
    client.on("error", () => {});
    await client.connect();
    return new PostgresSession(client, this);
  }

  protected override faultOf(error: unknown): unknown {
    return faultOf(error, this.place);
  }
}

/** What the server was told of a statement. */
interface Known {
  readonly types: readonly ServerType[];
  /** The statement for one row, or for a column of values in each param. */
  readonly sql: string;
}

class PostgresSession extends ServerSession {
  /** The names of prepared statements by their SQL. */
  readonly #names = new Map<string, string>();
  readonly #known = new Map<Statement, Known>();
  /** Those of `#known` that hold to the end of this transaction: their tables are locked. */
  readonly #sure = new Set<Statement>();
  /** What no other connection calls its statements: behind a pooler they meet in one server. */
  readonly #prefix = `mevent_${crypto.randomUUID().slice(0, 13).replaceAll("-", "")}`;
  #count = 0;

  constructor(readonly client: PgClient, readonly database: PostgresDatabase) {
    super(database.place);
  }

  override async setUp(): Promise<void> {
    if (this.database.prepare === undefined) {
      const { rows } = await this.query("SELECT pg_backend_pid()");
      this.database.prepare = rows[0]?.[0] === this.client.processID;
    }
    if (this.database.prepare) return;
    // A pooler that knows no transactions says so now.
    await this.begin();
    await this.rollback();
  }

  override get remark(): string | undefined {
    return this.database.prepare === true
      ? undefined
      : "statements are not kept prepared, as behind a pooler such as PgBouncer: prepare = true keeps them";
  }

  override async columnsOf(table: readonly string[]): Promise<TableColumns | null> {
    // What changes after that shows the next time.
    const version = await this.versionOf(table);
    const { rows } = await this.query(COLUMNS, [nameOf(table)]);
    if (rows.length === 0) return null;
    const columns = rows.map(([name, type, base]) => ({
      name: String(name),
      kind: kindOf(String(base)),
      type: String(type),
    }));
    return { columns, version };
  }

  override async versionOf(table: readonly string[]): Promise<string> {
    const { rows } = await this.query(VERSION, [nameOf(table)]);
    return String(rows[0]?.[0] ?? "");
  }

  override async isUnique(table: readonly string[], column: string): Promise<boolean> {
    const { rows } = await this.query(UNIQUE, [nameOf(table), column]);
    return Number(rows[0]?.[0]) > 0;
  }

  override async check(statement: Statement): Promise<void> {
    await this.#learn(statement);
  }

  override async checkRead(statement: Statement): Promise<void> {
    requireParams(statement.params.length, (await this.#typesOf(readText(statement, 1))).length);
  }

  override async begin(): Promise<void> {
    this.#sure.clear();
    await super.begin();
  }

  override async rollbackToSavepoint(): Promise<void> {
    this.#sure.clear();
    await super.rollbackToSavepoint();
  }

  override async commit(): Promise<void> {
    const { command } = await this.query("COMMIT");
    // So the server ends a transaction that a failed statement has spoilt.
    if (command !== "COMMIT") throw new DatabaseError("conflict", `${this.place}: COMMIT made a ${command}`);
  }

  override async run(statement: Statement, rows: readonly Row[]): Promise<number> {
    // The types of a table's columns are looked at by whoever has made the statement.
    if (statement.types === undefined && !this.#sure.has(statement)) await this.#learn(statement);
    const { types, sql } = this.#known.get(statement) ?? this.#keep(statement, typesOfColumns(statement));
    const own = statement.types === undefined
      ? rows.map((row) => rowFor(types, statement.params, row))
      : rows;
    let changed = 0;
    if (statement.values === null) {
      for (const row of own) changed += await this.#change(sql, row);
      return changed;
    }
    for (let at = 0; at < own.length;) {
      const part = own.slice(at, at + fitting(own, at, BOUNDS));
      const columns = statement.params.map((_, index) => arrayText(part, index));
      changed += await this.#change(sql, columns);
      at += part.length;
    }
    return changed;
  }

  override async close(): Promise<void> {
    await this.client.end();
  }

  override destroy(): void {
    this.client.connection.stream.destroy();
  }

  /** Asks the server about a statement: what its tables were altered to meanwhile counts from now on. */
  async #learn(statement: Statement): Promise<void> {
    const types = await this.#typesOf(writeSingle(statement, numbered));
    requireParams(statement.params.length, types.length);
    const known = this.#known.get(statement);
    if (known === undefined || castsOf(known.types) !== castsOf(types)) {
      // The server keeps to the types that it found when it prepared a statement.
      if (known !== undefined) this.#names.delete(known.sql);
      this.#keep(statement, types);
    }
    this.#sure.add(statement);
  }

  #keep(statement: Statement, types: readonly ServerType[]): Known {
    const known = {
      types,
      sql: statement.values === null ? writeSingle(statement, numbered) : bulkSql(statement, types),
    };
    if (this.#known.size >= MAX_PREPARED) this.#known.clear();
    this.#known.set(statement, known);
    return known;
  }

  async #typesOf(sql: string): Promise<ServerType[]> {
    const { rows } = await this.query(paramTypesSql(this.#newName(), sql));
    return rows.map(([cast, base]) => ({ cast: String(cast), kind: kindOf(String(base)) }));
  }

  async #change(sql: string, values: readonly unknown[]): Promise<number> {
    const wasPrepared = this.#names.has(sql);
    try {
      return (await this.query(sql, values)).changed ?? 0;
    } catch (error) {
      // The columns of its result have changed since it was prepared.
      if (!wasPrepared || stateOf(error) !== "0A000") throw error;
      this.#names.delete(sql);
      throw new DatabaseError("conflict", `${this.place}: a table was altered`, { cause: error });
    }
  }

  protected override async ask(statement: Statement, row: Row, most: number): Promise<ServerAnswer> {
    const sql = readText(statement, most);
    const own = mayLose(row) ? rowFor(await this.#typesOf(sql), statement.params, row) : row;
    try {
      // Prepared each time: a table that was altered meanwhile would make it another one.
      return await this.#send({ text: sql, values: own });
    } catch (error) {
      // It tried to write.
      throw stateOf(error) === "25006" ? new DatabaseError("row", (error as Error).message) : error;
    }
  }

  protected override query(sql: string, values?: readonly unknown[]): Promise<PostgresAnswer> {
    return this.#send(values === undefined ? { text: sql } : { text: sql, values, ...this.#named(sql) });
  }

  async #send(query: { text: string; values?: readonly unknown[]; name?: string }): Promise<PostgresAnswer> {
    try {
      return answerOf(await this.client.query({ ...query, rowMode: "array" }));
    } catch (error) {
      const fault = faultOf(error, this.place);
      // A pooler that does not show has another server at work now.
      if (query.name === undefined || !["26000", "42P05"].includes(stateOf(fault))) throw fault;
      this.database.prepare = false;
      throw new DatabaseError("conflict", (fault as Error).message, { cause: error });
    }
  }

  /** What has the server keep the statement prepared, while there is room. */
  #named(sql: string): { readonly name?: string } {
    if (this.database.prepare !== true) return {};
    let name = this.#names.get(sql);
    if (name === undefined) {
      if (this.#names.size >= MAX_PREPARED) return {};
      name = this.#newName();
      this.#names.set(sql, name);
    }
    return { name };
  }

  #newName(): string {
    return `${this.#prefix}_${this.#count++}`;
  }
}

/** Of several statements in one message: that of the one that has rows. */
function answerOf(answer: PgResult | PgResult[]): PostgresAnswer {
  const own = Array.isArray(answer)
    ? answer.find(({ fields }) => fields.length > 0) ?? answer.at(-1)!
    : answer;
  return {
    command: own.command,
    rows: own.rows,
    names: own.fields.map(({ name }) => name),
    changed: own.rowCount,
  };
}

function castsOf(types: readonly ServerType[]): string {
  return types.map(({ cast }) => cast).join();
}

function nameOf(table: readonly string[]): string {
  return table.map((part) => quoteName(part, POSTGRES.grammar)).join(".");
}

/** As a subquery it cannot answer without a bound. */
function readText(statement: Statement, maxRows: number): string {
  return `SELECT * FROM (${writeSingle(statement, numbered)}) AS mevent_query LIMIT ${maxRows}`;
}

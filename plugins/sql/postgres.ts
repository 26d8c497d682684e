import process from "node:process";
import { Buffer } from "node:buffer";
import {
  type Column,
  type Database,
  DatabaseError,
  type Dialect,
  type Row,
  type Session,
} from "./database.ts";
import { requireServer, type ServerAddress } from "./server_address.ts";
import { faultOf, isWriteInRead } from "./postgres_fault.ts";
import { type ServerAnswer, ServerSession } from "./server_session.ts";
import { quoteName, type Statement, write, writeSingle } from "./statement.ts";
import { bytesOf, fitting, scalarOf } from "./values.ts";

/** Rows, and about so many bytes, that one INSERT carries. */
const MAX_ROWS = 5000;
const MAX_BYTES = 4 * 1024 * 1024;
/** Statements that the server keeps prepared for this connection; further ones are prepared each time. */
const MAX_PREPARED = 500;

export const POSTGRES: Dialect = {
  quote: '"',
  hasBackslashes: false,
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
      return `\\x${Buffer.from(bytesOf(value, column)).toString("hex")}`;
    }
    const scalar = scalarOf(value);
    return scalar === null ? null : String(scalar);
  },
};

/** The part of the driver that is used; it carries no types. */
interface PgClient {
  connect(): Promise<void>;
  query(query: {
    text: string;
    values?: readonly unknown[];
    name?: string;
    rowMode?: "array";
  }): Promise<PgResult>;
  end(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): void;
  readonly connection: { readonly stream: { destroy(): void } };
}

interface PgResult {
  readonly command: string;
  readonly rowCount: number | null;
  readonly rows: readonly (readonly unknown[])[];
  readonly fields: readonly { readonly name: string }[];
}

interface PgDriver {
  readonly Client: new (options: Record<string, unknown>) => PgClient;
}

interface PostgresAnswer extends ServerAnswer {
  /** What the server has done: `COMMIT`, or `ROLLBACK` in its place. */
  readonly command: string;
}

/** PostgreSQL over the network or a Unix socket. */
export class PostgresDatabase implements Database {
  readonly dialect = POSTGRES;
  readonly place: string;

  constructor(readonly address: ServerAddress) {
    this.place = address.place;
  }

  requireGrants(): void {
    requireServer(this.address);
  }

  async open(): Promise<Session> {
    const { host, port, socket, user, password, database, tls, connectTimeout } = this.address;
    this.requireGrants();
    try {
      const driver = await importDriver();
      const client = withoutEnvironment(() =>
        new driver.Client({
          host: socket ?? host,
          port,
          user,
          // Of an empty one the driver would look for a file.
          password: password === "" ? () => "" : password,
          database,
          ssl: tls ?? false,
          connectionTimeoutMillis: connectTimeout,
          keepAlive: true,
          fallback_application_name: "mevent",
          types: { getTypeParser: parserOf },
        })
      );
      client.on("error", () => {});
      await client.connect();
      return new PostgresSession(client, this.place);
    } catch (error) {
      throw faultOf(error, this.place);
    }
  }
}

class PostgresSession extends ServerSession {
  /** The names of prepared statements by their SQL. */
  readonly #names = new Map<string, string>();
  /** INSERTs that carry a column of values in each param. */
  readonly #bulk = new Map<Statement, string>();

  constructor(readonly client: PgClient, place: string) {
    super(place);
  }

  override async columnsOf(table: readonly string[]): Promise<readonly Column[] | null> {
    const name = table.map((part) => quoteName(part, POSTGRES)).join(".");
    const { rows } = await this.query(
      `SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = to_regclass($1)
       AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity <> 'a'`,
      [name],
    );
    if (rows.length === 0) return null;
    return rows.map(([column, type]) => ({
      name: String(column),
      kind: type === "bytea" ? "bytes" : "other",
    }));
  }

  override async check(statement: Statement): Promise<void> {
    if (statement.values === null) await this.#typesOf(statement);
    else await this.#bulkOf(statement);
  }

  override async checkRead(statement: Statement): Promise<void> {
    await this.query(`PREPARE mevent_check AS ${readText(statement, 1)}`);
    await this.query("DEALLOCATE mevent_check");
  }

  override async commit(): Promise<void> {
    const { command } = await this.query("COMMIT");
    // So the server ends a transaction that a failed statement has spoilt.
    if (command !== "COMMIT") throw new DatabaseError("conflict", `${this.place}: COMMIT made a ${command}`);
  }

  override async run(statement: Statement, rows: readonly Row[]): Promise<number> {
    let changed = 0;
    if (statement.values === null) {
      const sql = writeSingle(statement, numbered);
      for (const row of rows) changed += (await this.query(sql, row)).changed ?? 0;
      return changed;
    }
    // Their types are asked for outside of what may fail by a row.
    const sql = await this.#bulkOf(statement);
    for (let at = 0; at < rows.length;) {
      const part = rows.slice(at, at + fitting(rows, at, MAX_ROWS, MAX_BYTES));
      const columns = statement.params.map((_, index) => part.map((row) => row[index] ?? null));
      changed += (await this.query(sql, columns)).changed ?? 0;
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

  /** Each param a column of values, as texts that the server converts: the same statement for any number of rows. */
  async #bulkOf(statement: Statement): Promise<string> {
    const known = this.#bulk.get(statement);
    if (known !== undefined) return known;
    const types = await this.#typesOf(statement);
    const values = write(statement.values ?? [], (index) => `p${index}::${types[index]}`);
    const sql = `${write(statement.head, numbered).replace(/VALUES\s*$/i, "")}SELECT ${values} FROM unnest(${
      types.map((_, index) => `$${index + 1}::text[]`).join(", ")
    }) AS mevent_rows(${types.map((_, index) => `p${index}`).join(", ")})`;
    if (this.#bulk.size >= MAX_PREPARED) this.#bulk.clear();
    this.#bulk.set(statement, sql);
    return sql;
  }

  /** Has the server find out the types of a statement's params. */
  async #typesOf(statement: Statement): Promise<string[]> {
    await this.query(`PREPARE mevent_check AS ${writeSingle(statement, numbered)}`);
    try {
      const { rows } = await this.query(
        "SELECT t::text FROM pg_prepared_statements, unnest(parameter_types) WITH ORDINALITY AS p(t, n) " +
          "WHERE name = 'mevent_check' ORDER BY n",
      );
      return rows.map(([type]) => String(type));
    } finally {
      await this.query("DEALLOCATE mevent_check");
    }
  }

  protected override async ask(statement: Statement, row: Row, most: number): Promise<ServerAnswer> {
    try {
      return await this.query(readText(statement, most), row);
    } catch (error) {
      throw isWriteInRead(error) ? new DatabaseError("row", (error as Error).message) : error;
    }
  }

  protected override async query(sql: string, values?: readonly unknown[]): Promise<PostgresAnswer> {
    try {
      const { command, rows, rowCount, fields } = await this.client.query({
        text: sql,
        rowMode: "array",
        ...values === undefined ? {} : { values, ...this.#named(sql) },
      });
      return { command, rows, names: fields.map(({ name }) => name), changed: rowCount };
    } catch (error) {
      throw faultOf(error, this.place);
    }
  }

  /** What has the server keep the statement prepared, while there is room. */
  #named(sql: string): { readonly name?: string } {
    let name = this.#names.get(sql);
    if (name === undefined) {
      if (this.#names.size >= MAX_PREPARED) return {};
      name = `mevent_${this.#names.size}`;
      this.#names.set(sql, name);
    }
    return { name };
  }
}

/** As a subquery it cannot answer without a bound. */
function readText(statement: Statement, maxRows: number): string {
  return `SELECT * FROM (${writeSingle(statement, numbered)}) AS mevent_query LIMIT ${maxRows}`;
}

const numbered = (index: number) => `$${index + 1}`;

const [BOOL, BYTEA, INT8, INT2, INT4, OID, JSON_TYPE, FLOAT4, FLOAT8, JSONB] = [
  16,
  17,
  20,
  21,
  23,
  26,
  114,
  700,
  701,
  3802,
];

/** What is read as something else than its text; exact decimals and times stay what they are. */
function parserOf(type: number): (text: string) => unknown {
  switch (type) {
    case BOOL:
      return (text) => text === "t";
    case BYTEA:
      return (text) => new Uint8Array(Buffer.from(text.slice(2), "hex"));
    case INT8:
      return BigInt;
    case INT2:
    case INT4:
    case OID:
    case FLOAT4:
    case FLOAT8:
      return Number;
    case JSON_TYPE:
    case JSONB:
      return JSON.parse;
    default:
      return (text) => text;
  }
}

let driver: PgDriver | undefined;

/** Loaded only where a URL asks for it. */
async function importDriver(): Promise<PgDriver> {
  if (driver !== undefined) return driver;
  const env = process.env;
  process.env = {};
  try {
    const { default: module }: { default: unknown } = await import("pg");
    return driver = module as PgDriver;
  } finally {
    process.env = env;
  }
}

/** The driver reads PGHOST and the like, which a sandboxed worker may not, and which the config does not name. */
function withoutEnvironment<T>(work: () => T): T {
  const env = process.env;
  process.env = {};
  try {
    return work();
  } finally {
    process.env = env;
  }
}

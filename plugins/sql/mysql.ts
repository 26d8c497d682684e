import { Buffer } from "node:buffer";
import type { Connection, ResultSetHeader, RowDataPacket } from "mysql2/promise";
import {
  type Column,
  type Database,
  DatabaseError,
  type Dialect,
  type Fault,
  faultFrom,
  type Row,
  type Session,
  type Value,
} from "./database.ts";
import { requireServer, type ServerAddress } from "./server_address.ts";
import { type ServerAnswer, ServerSession } from "./server_session.ts";
import { marksOf, type Statement, writeRows, writeSingle } from "./statement.ts";
import { bytesOf, fitting, pieceSizes, scalarOf } from "./values.ts";

/** Rows of one INSERT; the server's own bound for its params; about so many bytes, well below what a packet may have. */
const MAX_ROWS = 1024;
const MAX_PARAMS = 65_535;
const MAX_BYTES = 1024 * 1024;
/** Statements that the server keeps prepared for this connection. */
const MAX_PREPARED = 200;

const ISO_UTC = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)Z$/;

export const MYSQL: Dialect = {
  quote: "`",
  hasBackslashes: true,
  ledger: {
    isThere: "SELECT count(*) FROM information_schema.tables WHERE table_schema = database() " +
      "AND table_name = 'mevent_writers'",
    create:
      "CREATE TABLE IF NOT EXISTS mevent_writers (writer varchar(36) PRIMARY KEY, batch bigint NOT NULL, " +
      "seen timestamp NOT NULL DEFAULT current_timestamp) ENGINE = InnoDB",
    sweep: "DELETE FROM mevent_writers WHERE seen < now() - INTERVAL 30 DAY",
    open: "INSERT IGNORE INTO mevent_writers (writer, batch) VALUES (?, 0)",
    mark: "UPDATE mevent_writers SET seen = now(), batch = ? WHERE writer = ?",
    look: "SELECT batch FROM mevent_writers WHERE writer = ? FOR UPDATE",
    close: "DELETE FROM mevent_writers WHERE writer = ?",
  },
  valueOf(value, column) {
    if (column?.kind === "bytes" && value !== null) return bytesOf(value, column);
    const scalar = scalarOf(value);
    if (typeof scalar === "boolean") return Number(scalar);
    if (column?.kind === "time" && typeof scalar === "string") return scalar.replace(ISO_UTC, "$1 $2");
    return scalar;
  },
};

/** MariaDB or MySQL over the network or a Unix socket. */
export class MysqlDatabase implements Database {
  readonly dialect = MYSQL;
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
      const { createConnection } = await import("mysql2/promise");
      const connection = await createConnection({
        ...socket === undefined ? { host, port } : { socketPath: socket },
        user,
        password,
        database,
        ...tls === undefined ? {} : { ssl: tls },
        connectTimeout,
        charset: "utf8mb4",
        // Times are texts in UTC, whole numbers beyond ±2^53 too.
        timezone: "Z",
        dateStrings: true,
        supportBigNumbers: true,
        flags: ["FOUND_ROWS"],
        maxPreparedStatements: MAX_PREPARED,
      });
      connection.on("error", () => {});
      const session = new MysqlSession(connection, this.place);
      try {
        await session.setUp();
      } catch (error) {
        session.destroy();
        throw error;
      }
      return session;
    } catch (error) {
      throw faultOf(error, this.place);
    }
  }
}

class MysqlSession extends ServerSession {
  constructor(readonly connection: Connection, place: string) {
    super(place);
  }

  async setUp(): Promise<void> {
    // Without the strict mode the server cuts and zeroes what does not fit, and says nothing.
    await this.query(
      "SET SESSION time_zone = '+00:00', sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
    );
  }

  override async columnsOf(table: readonly string[]): Promise<readonly Column[] | null> {
    const [name = "", schema = null] = table.toReversed();
    const { rows: engines } = await this.query(
      "SELECT engine FROM information_schema.tables WHERE table_schema = COALESCE(?, database()) AND table_name = ?",
      [schema, name],
    );
    const engine = engines[0]?.[0];
    if (engine === "MyISAM" || engine === "Aria" || engine === "MEMORY") {
      throw new DatabaseError("setup", `its engine ${engine} knows no transactions; InnoDB does`);
    }
    const { rows } = await this.query(
      "SELECT column_name, data_type, extra FROM information_schema.columns " +
        "WHERE table_schema = COALESCE(?, database()) AND table_name = ?",
      [schema, name],
    );
    if (rows.length === 0) return null;
    return rows.filter(([, , extra]) => !/\b(VIRTUAL|STORED|PERSISTENT) GENERATED/i.test(String(extra)))
      .map(([column, type]) => ({ name: String(column), kind: kindOf(String(type)) }));
  }

  override async check(statement: Statement): Promise<void> {
    const sql = writeSingle(statement, () => "?");
    try {
      await this.connection.prepare(sql);
    } catch (error) {
      throw faultOf(error, this.place);
    }
  }

  override checkRead(statement: Statement): Promise<void> {
    return this.check(statement);
  }

  override async run(statement: Statement, rows: readonly Row[]): Promise<number> {
    const marks = marksOf(statement);
    let changed = 0;
    if (statement.values === null) {
      const sql = writeSingle(statement, () => "?");
      for (const row of rows) changed += await this.#change(sql, valuesAt(marks, row));
      return changed;
    }
    const most = Math.max(1, Math.min(MAX_ROWS, Math.floor(MAX_PARAMS / marks.length)));
    for (let at = 0; at < rows.length;) {
      const [size = 1] = pieceSizes(fitting(rows, at, most, MAX_BYTES), most);
      const values = rows.slice(at, at + size).flatMap((row) => valuesAt(marks, row));
      changed += await this.#change(writeRows(statement, size), values);
      at += size;
    }
    return changed;
  }

  override async ledger(text: string, values: readonly (string | number)[]): Promise<number | null> {
    // The driver's order is that of the question marks: in `mark` the number comes first.
    return await super.ledger(text, values.toReversed());
  }

  override async close(): Promise<void> {
    await this.connection.end();
  }

  /** Not by the driver's own method: after that, what waits for an answer waits for ever. */
  override destroy(): void {
    (this.connection as unknown as { connection: { stream: { destroy(): void } } }).connection.stream
      .destroy();
  }

  protected override async ask(statement: Statement, row: Row, most: number): Promise<ServerAnswer> {
    // What is left out is not even sent, unless the query has a LIMIT of its own.
    await this.query(`SET SESSION sql_select_limit = ${most}`);
    try {
      return await this.query(writeSingle(statement, () => "?"), valuesAt(marksOf(statement), row));
    } finally {
      await this.query("SET SESSION sql_select_limit = DEFAULT");
    }
  }

  protected override async query(sql: string, values?: readonly unknown[]): Promise<ServerAnswer> {
    const options = { sql, rowsAsArray: true };
    try {
      const [result, fields] = values === undefined
        ? await this.connection.query<RowDataPacket[][] | ResultSetHeader>(options)
        : await this.connection.execute<RowDataPacket[][] | ResultSetHeader>(options, bound(values));
      if (Array.isArray(result)) {
        return {
          rows: result,
          names: fields.map(({ name }) => name),
          changed: null,
        };
      }
      return { rows: [], names: [], changed: result.affectedRows ?? 0 };
    } catch (error) {
      throw faultOf(error, this.place);
    }
  }

  async #change(sql: string, values: readonly unknown[]): Promise<number> {
    return (await this.query(sql, values)).changed ?? 0;
  }
}

function valuesAt(marks: readonly number[], row: Row): Value[] {
  return marks.map((mark) => row[mark] ?? null);
}

/** The driver takes bytes as Node's Buffer alone. */
function bound(values: readonly unknown[]): (NonNullable<unknown> | null)[] {
  return values.map((value) => value instanceof Uint8Array ? Buffer.from(value) : value ?? null);
}

function kindOf(type: string): Column["kind"] {
  if (/^(tiny|medium|long)?blob$|binary$/i.test(type)) return "bytes";
  return /^(datetime|timestamp)$/i.test(type) ? "time" : "other";
}

/** Deadlock; a wait for a lock that was given up; a transaction that a cluster has turned down. */
const CONFLICTS = [1205, 1213, 1020, 3101];
/** Wrong user or database; no such table or column, no right to it: they were there when the worker started. */
const SETUP = [1044, 1045, 1049, 1054, 1142, 1143, 1146, 1698];
/**
 * Too many connections or prepared statements; shut down; killed; the disk is full; read only; the engine fails; a prepared
 * statement is gone.
 */
const LOST = [
  1021,
  1030,
  1040,
  1053,
  1114,
  1152,
  1203,
  1226,
  1243,
  1290,
  1317,
  1461,
  1615,
  1792,
  1836,
  1927,
  1969,
  3024,
  4031,
];

/** An error of the driver as one of ours; what Deno throws for a permission that is missing stays what it is. */
function faultOf(error: unknown, place: string): unknown {
  if (
    !(error instanceof Error) || error instanceof DatabaseError || error instanceof Deno.errors.NotCapable
  ) return error;
  const number = "errno" in error && typeof error.errno === "number" && error.errno > 1000
    ? error.errno
    : undefined;
  const fault: Fault = number === undefined || LOST.includes(number) ||
      ("fatal" in error && error.fatal === true && !SETUP.includes(number))
    ? "lost"
    : CONFLICTS.includes(number)
    ? "conflict"
    : SETUP.includes(number)
    ? "setup"
    : "row";
  const message = error.message || String("code" in error ? error.code : error.name);
  return faultFrom(error, fault, place, message);
}

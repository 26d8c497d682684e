import type { Connection, FieldPacket, ResultSetHeader, RowDataPacket } from "mysql2/promise";
import { parseJson } from "../../src/exact_json.ts";
import {
  type Column,
  DatabaseError,
  type Dialect,
  isFault,
  type Row,
  type TableColumns,
  type Value,
} from "./database.ts";
import { faultOf } from "./mysql_fault.ts";
import { Params } from "./mysql_params.ts";
import { mysqlValue } from "./mysql_values.ts";
import { type Bounds, fitting, pieceSizes } from "./portions.ts";
import { ServerDatabase } from "./server_database.ts";
import { type ServerAnswer, ServerSession } from "./server_session.ts";
import { marksOf, quoteName, requireParams, type Statement, writeRows, writeSingle } from "./statement.ts";

/** Rows of one INSERT; the server's own bound for its params; about so many bytes, where a packet may have as many. */
const MAX_ROWS = 1024;
const MAX_PARAMS = 65_535;
const MAX_BYTES = 1024 * 1024;
/** Of a packet, what is not a row's. */
const HEADER_BYTES = 512;
/** Statements that the server keeps prepared for this connection. */
const MAX_PREPARED = 200;

/** Types of the protocol. */
const [LONGLONG, JSON_TYPE] = [8, 245];

export const MYSQL: Dialect = {
  grammar: { name: "mysql", quote: "`" },
  // Only of that key; for any other, what is too long for the column is an error.
  unless: (column) =>
    ` ON DUPLICATE KEY UPDATE ${column} = IF(${column} <=> VALUES(${column}), ${column}, REPEAT('!', 65536))`,
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
  valueOf: mysqlValue,
};

/** MariaDB or MySQL over the network or a Unix socket. */
export class MysqlDatabase extends ServerDatabase {
  override readonly dialect = MYSQL;

  protected override async connect(): Promise<MysqlSession> {
    const { host, port, socket, user, password, database, tls, connectTimeout } = this.address;
    const { createConnection } = await import("mysql2/promise");
    const connection = await createConnection({
      ...socket === undefined ? { host, port } : { socketPath: socket },
      user,
      password,
      database,
      ...tls === undefined ? {} : { ssl: tls },
      connectTimeout,
      charset: "utf8mb4",
      // Times are texts in UTC, whole numbers of 64 bits and JSON too: they are read here.
      timezone: "Z",
      dateStrings: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
      jsonStrings: true,
      // Its compiled readers end the connection for a column that is called __proto__.
      disableEval: true,
      flags: ["FOUND_ROWS"],
      maxPreparedStatements: MAX_PREPARED,
    });
    connection.on("error", () => {});
    return new MysqlSession(connection, this.place);
  }

  protected override faultOf(error: unknown): unknown {
    return faultOf(error, this.place);
  }
}

interface MysqlAnswer extends ServerAnswer {
  /** What the server says of the columns of its rows. */
  readonly fields: readonly FieldPacket[];
}

class MysqlSession extends ServerSession {
  /** Bytes that a packet may have. */
  #maxPacket = MAX_BYTES;

  constructor(readonly connection: Connection, place: string) {
    super(place);
  }

  override async setUp(): Promise<void> {
    // Without the strict mode the server cuts and zeroes what does not fit, and says nothing; with the other one statements are read
    // otherwise than `sqlTokens` does.
    await this.query(
      "SET SESSION time_zone = '+00:00', " +
        "sql_mode = CONCAT(REPLACE(@@sql_mode, 'NO_BACKSLASH_ESCAPES', ''), ',STRICT_ALL_TABLES')",
    );
    const { rows } = await this.query("SELECT @@max_allowed_packet");
    this.#maxPacket = Number(rows[0]?.[0]);
  }

  override async columnsOf(table: readonly string[]): Promise<TableColumns | null> {
    const [name = "", schema = null] = table.toReversed();
    const { rows: engines } = await this.query(
      "SELECT engine FROM information_schema.tables WHERE table_schema = COALESCE(?, database()) AND table_name = ?",
      [schema, name],
    );
    const engine = engines[0]?.[0];
    if (engine === "MyISAM" || engine === "Aria" || engine === "MEMORY") {
      throw new DatabaseError("unclear", `its engine ${engine} knows no transactions; InnoDB does`);
    }
    // What changes after that shows the next time.
    const version = await this.versionOf(table);
    const rows = await this.#columnRows(table);
    if (rows.length === 0) return null;
    const columns = rows.filter(([, , extra]) =>
      !/\b(VIRTUAL|STORED|PERSISTENT) GENERATED/i.test(String(extra))
    )
      .map(([column, type]) => ({ name: String(column), kind: kindOf(String(type)) }));
    return { columns, version };
  }

  override async versionOf(table: readonly string[]): Promise<string> {
    const name = table.map((part) => quoteName(part, MYSQL.grammar)).join(".");
    try {
      // A tenth of what the catalogue takes, but for those who may read the table.
      const { fields } = await this.query(`SELECT * FROM ${name} LIMIT 0`, []);
      return JSON.stringify(fields.map(versionOfField));
    } catch (error) {
      if (!isFault(error, "unclear")) throw error;
    }
    const rows = await this.#columnRows(table);
    return rows.length === 0 ? "" : JSON.stringify(rows);
  }

  override async isUnique(table: readonly string[], column: string): Promise<boolean> {
    const [name = "", schema = null] = table.toReversed();
    const { rows } = await this.query(
      "SELECT index_name FROM information_schema.statistics WHERE table_schema = COALESCE(?, database()) AND table_name = ? " +
        "GROUP BY index_name HAVING max(non_unique) = 0 AND count(*) = 1 AND max(sub_part) IS NULL AND max(column_name) = ?",
      [schema, name, column],
    );
    return rows.length > 0;
  }

  async #columnRows(table: readonly string[]) {
    const [name = "", schema = null] = table.toReversed();
    const { rows } = await this.query(
      "SELECT column_name, data_type, extra FROM information_schema.columns " +
        "WHERE table_schema = COALESCE(?, database()) AND table_name = ? ORDER BY ordinal_position",
      [schema, name],
    );
    return rows;
  }

  override async check(statement: Statement): Promise<void> {
    const sql = writeSingle(statement, () => "?");
    let found: number;
    try {
      const { statement: prepared } = await this.connection.prepare(sql) as unknown as {
        statement: { parameters: readonly unknown[] };
      };
      found = prepared.parameters.length;
    } catch (error) {
      throw faultOf(error, this.place);
    }
    requireParams(marksOf(statement).length, found);
  }

  override checkRead(statement: Statement): Promise<void> {
    return this.check(statement);
  }

  override async run(statement: Statement, rows: readonly Row[]): Promise<number> {
    const marks = marksOf(statement);
    let changed = 0;
    if (statement.values === null) {
      const sql = writeSingle(statement, () => "?");
      const bounds = this.#boundsOf(1, sql.length);
      for (const row of rows) {
        const values = valuesAt(marks, row);
        fitting([values], 0, bounds);
        changed += await this.#change(sql, values);
      }
      return changed;
    }
    const most = Math.max(1, Math.min(MAX_ROWS, Math.floor(MAX_PARAMS / marks.length)));
    const bounds = this.#boundsOf(most, writeSingle(statement, () => "?").length);
    for (let at = 0; at < rows.length;) {
      const [size = 1] = pieceSizes(fitting(rows, at, bounds), most);
      const values: Value[] = [];
      for (let each = at; each < at + size; each++) {
        const row = rows[each]!;
        for (const mark of marks) values.push(row[mark] ?? null);
      }
      try {
        changed += await this.#change(writeRows(statement, size), values);
      } catch (error) {
        if (statement.tail === "" || !isFault(error, "row")) throw error;
        // Of another key: the server names it where it is not to pass over anything.
        changed += await this.#change(writeRows({ ...statement, tail: "" }, size), values);
      }
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
      const sql = writeSingle(statement, () => "?");
      const values = valuesAt(marksOf(statement), row);
      fitting([values], 0, this.#boundsOf(1, sql.length));
      return await this.query(sql, values);
    } finally {
      await this.query("SET SESSION sql_select_limit = DEFAULT");
    }
  }

  protected override async query(sql: string, values?: readonly Value[]): Promise<MysqlAnswer> {
    const options = { sql, rowsAsArray: true };
    try {
      const [result, fields] = values === undefined
        ? await this.connection.query<RowDataPacket[][] | ResultSetHeader>(options)
        : await this.connection.execute<RowDataPacket[][] | ResultSetHeader>(
          options,
          Params.fromValues(values) as unknown as string[],
        );
      if (Array.isArray(result)) {
        const readers = fields.map(({ columnType }) => readerOf(columnType));
        return {
          rows: result.map((row) => row.map((value, index) => readers[index]?.(value) ?? value)),
          names: fields.map(({ name }) => name),
          fields,
          changed: null,
        };
      }
      return { rows: [], names: [], fields: [], changed: result.affectedRows ?? 0 };
    } catch (error) {
      throw faultOf(error, this.place);
    }
  }

  async #change(sql: string, values: readonly Value[]): Promise<number> {
    return (await this.query(sql, values)).changed ?? 0;
  }

  /** What one statement may hold, of rows that each have so many characters of SQL beside their values. */
  #boundsOf(rows: number, sqlLength: number): Bounds {
    const rowBytes = this.#maxPacket - HEADER_BYTES;
    const ofSql = Math.max(1, Math.floor(rowBytes / Math.max(1, sqlLength)));
    return {
      rows: Math.min(rows, ofSql),
      bytes: Math.min(MAX_BYTES, rowBytes),
      rowBytes,
      rowBound: `max_allowed_packet = ${this.#maxPacket}`,
    };
  }
}

function valuesAt(marks: readonly number[], row: Row): Value[] {
  return marks.map((mark) => row[mark] ?? null);
}

/** What changes with a column of that name. */
function versionOfField(
  { name, columnType, columnLength, decimals, flags, characterSet }: FieldPacket,
): unknown[] {
  return [name, columnType, columnLength, decimals, flags, characterSet];
}

/** What is read of a text that the driver hands over; undefined for what stays as it is. */
function readerOf(type: number | undefined): ((value: unknown) => unknown) | undefined {
  if (type !== LONGLONG && type !== JSON_TYPE) return undefined;
  return (value) => typeof value !== "string" ? value : type === LONGLONG ? BigInt(value) : parseJson(value);
}

function kindOf(type: string): Column["kind"] {
  if (/^(tiny|medium|long)?blob$|binary$/i.test(type)) return "bytes";
  if (/int$/i.test(type)) return "whole";
  if (/^double$/i.test(type)) return "double";
  return /^(datetime|timestamp)$/i.test(type) ? "time" : "other";
}

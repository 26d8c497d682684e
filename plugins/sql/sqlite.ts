import { requirePermissions } from "../permissions.ts";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import {
  type Answer,
  type Column,
  type Database,
  type Dialect,
  type Fault,
  faultFrom,
  type Row,
  type Session,
  type Value,
} from "./database.ts";
import { marksOf, type Statement, writeRows, writeSingle } from "./statement.ts";
import { answerOf, bytesOf, pieceSizes, scalarOf } from "./values.ts";

/** Rows of one INSERT: with more of them it takes as long. */
const MAX_ROWS = 16;
/** SQLite's own bound for the params of a statement. */
const MAX_PARAMS = 32_766;
/** Prepared statements that are kept. */
const MAX_PREPARED = 500;
/** Another process may hold the file while it is opened; in ms. */
const OPEN_WAIT_MS = 1000;

export type Synchronous = "normal" | "full";

export const SQLITE: Dialect = {
  quote: '"',
  hasBackslashes: false,
  // COMMIT is a call in this very process: it returns, or it throws and nothing is written.
  ledger: null,
  valueOf(value, column) {
    if (column?.kind === "bytes" && value !== null) return bytesOf(value, column);
    const scalar = scalarOf(value);
    // As a number SQLite would take it for a floating one.
    if (typeof scalar === "boolean" || Number.isSafeInteger(scalar)) return BigInt(scalar as number);
    return scalar;
  },
};

/** A file of SQLite; what is written is on the disk after a commit (`full`), or, after a power failure, up to an earlier one. */
export class SqliteDatabase implements Database {
  readonly dialect = SQLITE;
  readonly place: string;

  constructor(readonly path: string, readonly synchronous: Synchronous) {
    this.place = `sqlite:${path}`;
  }

  requireGrants(): void {
    const { path } = this;
    if (path === ":memory:") return;
    requirePermissions(`${this.place} cannot be opened`, { name: "read", path }, { name: "write", path });
  }

  open(): Promise<Session> {
    return settled(() => new SqliteSession(this));
  }
}

class SqliteSession implements Session {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();
  readonly #place: string;

  constructor({ path, synchronous, place }: SqliteDatabase) {
    this.#place = place;
    this.#database = this.#try(() => new DatabaseSync(path, { timeout: OPEN_WAIT_MS }));
    try {
      this.#try(() => {
        this.#database.exec("PRAGMA journal_mode = WAL");
        this.#database.exec(`PRAGMA synchronous = ${synchronous}`);
        // The thread is never blocked by another's lock: Writer waits and tries again.
        this.#database.exec("PRAGMA busy_timeout = 0");
      });
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  columnsOf(table: readonly string[]): Promise<readonly Column[] | null> {
    const [name = "", schema = "main"] = table.toReversed();
    return settled(() => {
      const rows = this.#try(() =>
        this.#database.prepare("SELECT name, type, hidden FROM pragma_table_xinfo(?, ?)").all(name, schema)
      );
      if (rows.length === 0) return null;
      // 2 and 3 are generated.
      return rows.filter((row) => Number(row["hidden"]) === 0).map((row): Column => {
        const type = String(row["type"]).toUpperCase();
        return {
          name: String(row["name"]),
          kind: type.includes("BLOB") ? "bytes" : "other",
        };
      });
    });
  }

  check(statement: Statement): Promise<void> {
    return settled(() => void this.#try(() => this.#prepare(writeSingle(statement, () => "?"))));
  }

  begin(): Promise<void> {
    return this.#exec("BEGIN IMMEDIATE");
  }
  savepoint(): Promise<void> {
    return this.#exec("SAVEPOINT mevent");
  }
  rollbackToSavepoint(): Promise<void> {
    return this.#exec("ROLLBACK TO mevent");
  }
  commit(): Promise<void> {
    return this.#exec("COMMIT");
  }
  rollback(): Promise<void> {
    return this.#database.isTransaction ? this.#exec("ROLLBACK") : Promise.resolve();
  }

  run(statement: Statement, rows: readonly Row[]): Promise<number> {
    const marks = marksOf(statement);
    const most = Math.min(MAX_ROWS, Math.max(1, Math.floor(MAX_PARAMS / Math.max(1, marks.length))));
    const isTogether = statement.values !== null;
    const work = () => {
      let [at, changed] = [0, 0];
      for (const size of isTogether ? pieceSizes(rows.length, most) : rows.map(() => 1)) {
        const values: SQLInputValue[] = [];
        for (const row of rows.slice(at, at + size)) {
          for (const mark of marks) values.push(row[mark] as Value as SQLInputValue);
        }
        const sql = isTogether ? writeRows(statement, size) : writeSingle(statement, () => "?");
        changed += Number(this.#prepare(sql).run(...values).changes);
        at += size;
      }
      return changed;
    };
    return settled(() => this.#try(work));
  }

  checkRead(statement: Statement): Promise<void> {
    return settled(() => void this.#try(() => this.#prepare(readText(statement))));
  }

  read(statement: Statement, row: Row, maxRows: number): Promise<Answer> {
    const work = () => {
      const values = marksOf(statement).map((mark) => row[mark] as SQLInputValue);
      // Not by `iterate`: Deno's takes an error for the end.
      const rows = this.#prepare(readText(statement)).all(...values, BigInt(maxRows + 1));
      return answerOf(rows, maxRows, Object.entries);
    };
    return settled(() => this.#try(work));
  }

  ledger(): Promise<null> {
    return Promise.resolve(null);
  }

  ping(): Promise<void> {
    return settled(() =>
      void this.#try(() => this.#database.prepare("SELECT count(*) FROM sqlite_schema").get())
    );
  }

  close(): Promise<void> {
    return settled(() => this.destroy());
  }

  destroy(): void {
    this.#prepared.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #prepare(sql: string): StatementSync {
    let prepared = this.#prepared.get(sql);
    if (prepared !== undefined) return prepared;
    prepared = this.#database.prepare(sql);
    prepared.setReadBigInts(true);
    if (this.#prepared.size >= MAX_PREPARED) this.#prepared.clear();
    this.#prepared.set(sql, prepared);
    return prepared;
  }

  #exec(sql: string): Promise<void> {
    return settled(() => this.#try(() => this.#database.exec(sql)));
  }

  #try<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw faultOf(error, this.#place);
    }
  }
}

/** As a subquery it can neither write nor answer without a bound. */
function readText(statement: Statement): string {
  return `SELECT * FROM (${writeSingle(statement, () => "?")}) LIMIT ?`;
}

const [ERROR, LOCKED_FROM, LOCKED_TO, TOO_BIG, CONSTRAINT, MISMATCH, RANGE] = [1, 5, 6, 18, 19, 20, 25];
const OF_ROWS = [ERROR, TOO_BIG, CONSTRAINT, MISMATCH, RANGE];

/** What Deno throws for a permission that is missing stays what it is. */
function faultOf(error: unknown, place: string): unknown {
  if (!(error instanceof Error) || error instanceof Deno.errors.NotCapable) return error;
  if (!("errcode" in error) || typeof error.errcode !== "number") {
    return "code" in error && error.code === "ERR_INVALID_ARG_TYPE"
      ? faultFrom(error, "row", place)
      : faultFrom(error, "lost", place);
  }
  const primary = error.errcode & 0xff;
  if (primary === ERROR && /^(no such table|no such column|table .* has no column)/.test(error.message)) {
    return faultFrom(error, "setup", place);
  }
  const fault: Fault = OF_ROWS.includes(primary)
    ? "row"
    : primary >= LOCKED_FROM && primary <= LOCKED_TO
    ? "conflict"
    : "lost";
  return faultFrom(error, fault, place);
}

/** Does the work at once, for SQLite waits for nobody; what it throws is a rejection. */
function settled<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}

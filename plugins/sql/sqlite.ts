import { requirePermissions } from "../permissions.ts";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import {
  type Answer,
  type Database,
  DatabaseError,
  type Dialect,
  faultFrom,
  isFault,
  type Row,
  type Session,
  type TableColumns,
  type Value,
} from "./database.ts";
import { pieceSizes } from "./portions.ts";
import { faultOf } from "./sqlite_fault.ts";
import { SqliteFile } from "./sqlite_file.ts";
import { sqliteKind, sqliteValue } from "./sqlite_values.ts";
import { marksOf, type Statement, writeRows, writeSingle } from "./statement.ts";
import { answerOf } from "./values.ts";

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
  grammar: { name: "sqlite", quote: '"' },
  unless: (column) => ` ON CONFLICT (${column}) DO NOTHING`,
  // COMMIT is a call in this very process: it returns, or it throws and nothing is written.
  ledger: null,
  looksAtColumns: true,
  valueOf: sqliteValue,
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
  /** By the statements that run: in the place of so many rows is the one that writes as many. */
  readonly #runs = new Map<
    Statement,
    { readonly marks: readonly number[]; readonly bySize: StatementSync[] }
  >();
  readonly #place: string;
  readonly #file: SqliteFile;

  constructor({ path, synchronous, place }: SqliteDatabase) {
    this.#place = place;
    this.#file = new SqliteFile(path, place);
    this.#database = this.#try(() => new DatabaseSync(path, { timeout: OPEN_WAIT_MS }));
    try {
      this.#try(() => {
        this.#database.exec("PRAGMA journal_mode = WAL");
        this.#database.exec(`PRAGMA synchronous = ${synchronous}`);
        // The thread is never blocked by another's lock: Writer waits and tries again.
        this.#database.exec("PRAGMA busy_timeout = 0");
        this.#file.check();
      });
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  columnsOf(table: readonly string[]): Promise<TableColumns | null> {
    return settled(() => {
      const rows = this.#columnRows(table);
      if (rows.length === 0) return null;
      // 2 and 3 are generated.
      const columns = rows.filter(([, , hidden]) => Number(hidden) === 0)
        .map(([name, type]) => ({ name: String(name), kind: sqliteKind(String(type)) }));
      return { columns, version: versionOf(rows) };
    });
  }

  versionOf(table: readonly string[]): Promise<string> {
    return settled(() => versionOf(this.#columnRows(table)));
  }

  isUnique(table: readonly string[], column: string): Promise<boolean> {
    const [name = "", schema = "main"] = table.toReversed();
    return settled(() => {
      const [[indexes] = []] = this.#all(
        'SELECT count(*) FROM pragma_index_list(?1, ?2) l WHERE l."unique" AND NOT l.partial AND ' +
          "(SELECT json_group_array(i.name) FROM pragma_index_info(l.name, ?2) i) = json_array(?3)",
        [name, schema, column],
      );
      const keys = this.#columnRows(table).filter(([, , , key]) => Number(key) > 0);
      return Number(indexes) > 0 || keys.length === 1 && keys[0]?.[0] === column;
    });
  }

  /** Name, type, whether it is hidden, and its place in the primary key. */
  #columnRows(table: readonly string[]): readonly (readonly unknown[])[] {
    const [name = "", schema = "main"] = table.toReversed();
    return this.#all("SELECT name, type, hidden, pk FROM pragma_table_xinfo(?, ?)", [name, schema]);
  }

  #all(sql: string, values: readonly SQLInputValue[]): readonly (readonly unknown[])[] {
    return this.#try(() => this.#prepare(sql).all(...values)) as unknown as readonly (readonly unknown[])[];
  }

  check(statement: Statement): Promise<void> {
    return settled(() => void this.#try(() => this.#prepare(writeSingle(statement, () => "?"))));
  }

  begin(): Promise<void> {
    return this.#stillThere(() => this.#exec("BEGIN IMMEDIATE"));
  }
  savepoint(): Promise<void> {
    return this.#exec("SAVEPOINT mevent");
  }
  rollbackToSavepoint(): Promise<void> {
    return this.#exec("ROLLBACK TO mevent");
  }
  commit(): Promise<void> {
    return this.#stillThere(() => this.#exec("COMMIT"));
  }
  rollback(): Promise<void> {
    return this.#database.isTransaction ? this.#exec("ROLLBACK") : Promise.resolve();
  }

  run(statement: Statement, rows: readonly Row[]): Promise<number> {
    const work = () => {
      const { marks, bySize } = this.#runOf(statement);
      const most = Math.min(MAX_ROWS, Math.max(1, Math.floor(MAX_PARAMS / Math.max(1, marks.length))));
      const isTogether = statement.values !== null;
      let [at, changed] = [0, 0];
      for (const size of isTogether ? pieceSizes(rows.length, most) : rows.map(() => 1)) {
        const values: SQLInputValue[] = [];
        for (const end = at + size; at < end; at++) {
          const row = rows[at]!;
          for (const mark of marks) values.push(row[mark] as Value as SQLInputValue);
        }
        const prepared = bySize[size] ??= this.#prepare(
          isTogether ? writeRows(statement, size) : writeSingle(statement, () => "?"),
        );
        changed += Number(prepared.run(...values).changes);
      }
      return changed;
    };
    return settled(() => this.#try(work, statement));
  }

  #runOf(statement: Statement) {
    let run = this.#runs.get(statement);
    if (run !== undefined) return run;
    run = { marks: marksOf(statement), bySize: [] };
    if (this.#runs.size >= MAX_PREPARED) this.#runs.clear();
    this.#runs.set(statement, run);
    return run;
  }

  checkRead(statement: Statement): Promise<void> {
    return settled(() => void this.#try(() => this.#prepare(readText(statement))));
  }

  read(statement: Statement, row: Row, maxRows: number): Promise<Answer> {
    const work = () => {
      const sql = readText(statement);
      const values = marksOf(statement).map((mark) => row[mark] as SQLInputValue);
      // Not by `iterate`: Deno's takes an error for the end.
      const rows = this.#all(sql, [...values, BigInt(maxRows + 1)]);
      return answerOf(rows, maxRows, this.#prepare(sql).columns().map(({ name }) => name));
    };
    return this.#stillThere(() => settled(work));
  }

  ledger(): Promise<null> {
    return Promise.resolve(null);
  }

  ping(): Promise<void> {
    return this.#stillThere(() => settled(() => void this.#all("SELECT count(*) FROM sqlite_schema", [])));
  }

  close(): Promise<void> {
    return settled(() => this.destroy());
  }

  destroy(): void {
    this.#prepared.clear();
    this.#runs.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #prepare(sql: string): StatementSync {
    let prepared = this.#prepared.get(sql);
    if (prepared !== undefined) return prepared;
    prepared = this.#database.prepare(sql);
    prepared.setReadBigInts(true);
    (prepared as StatementSync & { setReturnArrays(are: boolean): void }).setReturnArrays(true);
    if (this.#prepared.size >= MAX_PREPARED) {
      this.#prepared.clear();
      this.#runs.clear();
    }
    this.#prepared.set(sql, prepared);
    return prepared;
  }

  /**
   * Does what is for nothing where the path names another file by now. What is in the log beside the file goes into the file that it
   * belongs to, before another one is taken for its own.
   */
  #stillThere<T>(work: () => Promise<T>): Promise<T> {
    return settled(() => {
      try {
        this.#file.check();
      } catch (error) {
        if (this.#database.isTransaction) this.#try(() => this.#database.exec("ROLLBACK"));
        const [[isBusy] = []] = this.#all("PRAGMA wal_checkpoint(TRUNCATE)", []);
        if (Number(isBusy) === 0) throw error;
        throw new DatabaseError(
          "server",
          `${(error as Error).message}; another process still reads the one before`,
        );
      }
      return work();
    });
  }

  #exec(sql: string): Promise<void> {
    return settled(() => this.#try(() => this.#database.exec(sql)));
  }

  /** @param statement what it runs: where SQLite still finds nothing wrong with it, an error of its is the row's */
  #try<T>(work: () => T, statement?: Statement): T {
    try {
      return work();
    } catch (error) {
      const fault = faultOf(error, this.#place);
      if (statement === undefined || !isFault(fault, "unclear")) throw fault;
      this.#try(() => this.#database.prepare(writeSingle(statement, () => "?")));
      throw faultFrom(error as Error, "row", this.#place);
    }
  }
}

/** As a subquery it can neither write nor answer without a bound. */
function readText(statement: Statement): string {
  return `SELECT * FROM (${writeSingle(statement, () => "?")}) LIMIT ?`;
}

function versionOf(rows: readonly (readonly unknown[])[]): string {
  return rows.length === 0 ? "" : JSON.stringify(rows.map((row) => row.map(String)));
}

/** Does the work at once, for SQLite waits for nobody; what it throws is a rejection. */
function settled<T>(work: () => T | Promise<T>): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}

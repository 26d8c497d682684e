import type { Answer, Row, Session, TableColumns, Value } from "./database.ts";
import type { Statement } from "./statement.ts";
import { answerOf } from "./values.ts";

/** What a server has said to one statement. */
export interface ServerAnswer {
  /** None where the statement is no query. */
  readonly rows: readonly (readonly unknown[])[];
  /** Of the columns of its rows. */
  readonly names: readonly string[];
  /** How many rows it has changed; null where it changes none. */
  readonly changed: number | null;
}

/** What the connections to MariaDB, MySQL and PostgreSQL have alike: all that they do is SQL. */
export abstract class ServerSession implements Session {
  /** @param place the server, for messages */
  constructor(readonly place: string) {}

  /** What a new connection begins with; it is destroyed where that throws. */
  abstract setUp(): Promise<void>;
  abstract columnsOf(table: readonly string[]): Promise<TableColumns | null>;
  abstract versionOf(table: readonly string[]): Promise<string>;
  abstract isUnique(table: readonly string[], column: string): Promise<boolean>;
  abstract check(statement: Statement): Promise<void>;
  abstract checkRead(statement: Statement): Promise<void>;
  abstract run(statement: Statement, rows: readonly Row[]): Promise<number>;
  abstract close(): Promise<void>;
  abstract destroy(): void;

  /** Runs a statement, prepared where values are given. Throws DatabaseError. */
  protected abstract query(sql: string, values?: readonly Value[]): Promise<ServerAnswer>;

  /** Has the query of a caller answer up to so many rows. */
  protected abstract ask(statement: Statement, row: Row, most: number): Promise<ServerAnswer>;

  get remark(): string | undefined {
    return undefined;
  }

  async begin(): Promise<void> {
    await this.query("START TRANSACTION");
  }
  async savepoint(): Promise<void> {
    await this.query("SAVEPOINT mevent");
  }
  async rollbackToSavepoint(): Promise<void> {
    await this.query("ROLLBACK TO mevent");
  }
  async rollback(): Promise<void> {
    await this.query("ROLLBACK");
  }
  async commit(): Promise<void> {
    await this.query("COMMIT");
  }

  async read(statement: Statement, row: Row, maxRows: number): Promise<Answer> {
    await this.query("START TRANSACTION READ ONLY");
    try {
      const { rows, names } = await this.ask(statement, row, maxRows + 1);
      return answerOf(rows, maxRows, names);
    } finally {
      await this.query("ROLLBACK");
    }
  }

  async ledger(text: string, values: readonly (string | number)[]): Promise<number | null> {
    const { rows, changed } = await this.query(text, values);
    if (!text.startsWith("SELECT")) return changed;
    const value = rows[0]?.[0];
    return value === undefined ? null : Number(value);
  }

  async ping(): Promise<void> {
    await this.query("SELECT 1");
  }
}

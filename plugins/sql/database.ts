import type { JsonObject } from "mevent/plugin";
import type { Grammar } from "./sql_tokens.ts";
import type { Statement } from "./statement.ts";

/** A number by its digits, where it is to stay one and no other type holds it. */
export class Decimal {
  constructor(readonly text: string) {}
}

/** A value as a driver takes it. */
export type Value = null | string | number | bigint | Uint8Array | Decimal;

/** One row for a statement: its values in the order of `Statement.params`. */
export type Row = readonly Value[];

/** What the catalogue says of a column. */
export interface Column {
  readonly name: string;
  /**
   * - `bytes`: given as base64.
   * - `time`: a date with a time of day and no zone; `part`: one of the two, or a list of such.
   * - `whole`, `double`: what such numbers can be.
   * - `text`, `exact`: of SQLite, where it makes a text of a number, or a number of a text that spells one.
   */
  readonly kind: "bytes" | "time" | "part" | "whole" | "double" | "text" | "exact" | "other";
  /** What the database calls its type, where that is needed for a cast: as SQL. */
  readonly type?: string;
}

/** What the catalogue says of a table. */
export interface TableColumns {
  readonly columns: readonly Column[];
  /** Changes with its columns and their types. */
  readonly version: string;
}

/**
 * - `row`: what was written does not fit: a constraint, a type, a trigger. The same row fails again.
 * - `conflict`: another transaction was in the way; the same transaction may succeed.
 * - `lost`: the connection is gone, or of no use any more; the next one may be.
 * - `server`: the database cannot do it now, whatever the row is.
 * - `unclear`: the statement does not work: for this row, or for any, which the database's code does not tell. At the start it
 *   is the config's fault.
 */
export type Fault = "row" | "conflict" | "lost" | "server" | "unclear";

/** What a database said, or that it says nothing any more. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";

  constructor(readonly fault: Fault, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** A driver's error as one of ours: what is wrong with a row is told as it is, all else with the place. */
export function faultFrom(cause: Error, fault: Fault, place: string, message = cause.message): DatabaseError {
  return new DatabaseError(fault, fault === "row" ? message : `${place}: ${message}`, { cause });
}

/** Whether an error is a database's of that kind. */
export function isFault(error: unknown, fault: Fault): error is DatabaseError {
  return error instanceof DatabaseError && error.fault === fault;
}

/** The rows of a read, in JSON's values. */
export interface Answer {
  readonly rows: JsonObject[];
  /** There were more than were asked for. */
  readonly more: boolean;
}

/** What a URL names. */
export interface Database {
  /** For messages: without the password. */
  readonly place: string;
  readonly dialect: Dialect;
  /** Throws where a permission that {@link open} needs is missing. */
  requireGrants(): void;
  /** Connects. Throws DatabaseError, and what Deno throws for a permission that is missing. */
  open(): Promise<Session>;
}

/** What differs in how databases write SQL and values. */
export interface Dialect {
  /** How its SQL is read, and how names are quoted. */
  readonly grammar: Grammar;
  /** What ends an INSERT that is to pass over rows whose value of that column, a quoted name, is there already. */
  unless(column: string): string;
  /** How a number is written is of its column's type, in statements, too. */
  readonly looksAtColumns?: true;
  /** A value of a caller, for a column where that is known. Throws ValueError. */
  valueOf(value: unknown, column: Column | undefined): Value;
  /** The table of committed batches, or null where a COMMIT always tells its outcome. */
  readonly ledger: LedgerText | null;
}

/** A value that cannot be written; the message goes on after the name of its column or param. */
export class ValueError extends Error {
  override readonly name = "ValueError";
}

/** A number that would be another one in the database. */
export class NumberError extends ValueError {}

/**
 * The SQL of `mevent_writers`: a row a writer, with the number of its last committed batch. `open`, `mark`, `look` and
 * `close` take the writer's id, `mark` the number before it.
 */
export interface LedgerText {
  readonly isThere: string;
  readonly create: string;
  /** Forgets the writers of long ago. */
  readonly sweep: string;
  readonly open: string;
  readonly mark: string;
  /** Waits until the transaction that marks it has ended. */
  readonly look: string;
  readonly close: string;
}

/** A connection, used by one caller at a time. Each method throws DatabaseError. */
export interface Session {
  /** What is to be said in the log when it is opened for the first time. */
  readonly remark?: string | undefined;
  /** The columns that may be written, or null where there is no such table; why not, where it cannot be used. */
  columnsOf(table: readonly string[]): Promise<TableColumns | null>;
  /** The `version` alone; "" where there is no such table. */
  versionOf(table: readonly string[]): Promise<string>;
  /** Whether no two rows of the table have the same value of that column. */
  isUnique(table: readonly string[], column: string): Promise<boolean>;
  /** Has the database look at a statement: its tables, columns and rights. */
  check(statement: Statement): Promise<void>;
  /** The same for one that is to read. */
  checkRead(statement: Statement): Promise<void>;
  begin(): Promise<void>;
  /** Sets the one savepoint anew. */
  savepoint(): Promise<void>;
  rollbackToSavepoint(): Promise<void>;
  rollback(): Promise<void>;
  commit(): Promise<void>;
  /** Runs a statement for each row, together where it is an INSERT of values; returns how many rows that changed. */
  run(statement: Statement, rows: readonly Row[]): Promise<number>;
  /** Reads up to so many rows, without the right to write. */
  read(statement: Statement, row: Row, maxRows: number): Promise<Answer>;
  /** The ledger's own SQL; returns the first row's first value, or how many rows changed where there are none. */
  ledger(text: string, values: readonly (string | number)[]): Promise<number | null>;
  ping(): Promise<void>;
  /** Ends the connection in order. */
  close(): Promise<void>;
  /** Ends it at once: what waits for an answer fails as `lost`. */
  destroy(): void;
}

import type { JsonObject, JsonValue } from "mevent/plugin";
import { SettingsError } from "../config_table.ts";
import type { Change } from "./change.ts";
import {
  type Column,
  DatabaseError,
  type Dialect,
  type Row,
  type Session,
  type Value,
  ValueError,
} from "./database.ts";
import type { Settings } from "./settings.ts";
import { insertStatement, parseStatement, quoteName, type Statement } from "./statement.ts";

/** What a caller asked for that the config or the database does not know. */
export class NotAllowed extends Error {
  override readonly name = "NotAllowed";
}

/** INSERTs that are kept, one for each choice of columns that callers make. */
const MAX_INSERTS = 1000;
const WRITES = ["INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "WITH", "SELECT"];
const READS = ["SELECT", "WITH", "VALUES"];

/** A table that rows may go into. */
interface Table {
  readonly name: string;
  readonly quoted: string;
  readonly columns: ReadonlyMap<string, Column>;
}

/** An INSERT, and what its columns take. */
interface Insert {
  readonly statement: Statement;
  readonly columns: readonly Column[];
}

/** What callers may ask for: all of it was checked against the database. */
export class Catalogue {
  readonly #inserts = new Map<string, Insert>();

  private constructor(
    readonly dialect: Dialect,
    readonly tables: ReadonlyMap<string, Table>,
    readonly statements: ReadonlyMap<string, Statement>,
    readonly queries: ReadonlyMap<string, Statement>,
  ) {}

  /** Looks up all that the config names. Throws SettingsError with a sentence for the first that is wrong. */
  static async load(session: Session, settings: Settings): Promise<Catalogue> {
    const { dialect } = settings.database;
    const tables = new Map<string, Table>();
    for (const [name, allowed] of settings.tables) {
      tables.set(name, await explained(`table ${name}`, () => tableOf(session, dialect, name, allowed)));
    }
    const parsed = async (kind: "statement" | "query", texts: ReadonlyMap<string, string>) => {
      const statements = new Map<string, Statement>();
      for (const [name, sql] of texts) {
        const isRead = kind === "query";
        const statement = parseStatement(`${kind} ${name}`, sql, dialect, isRead ? READS : WRITES);
        await explained(
          statement.name,
          () => isRead ? session.checkRead(statement) : session.check(statement),
        );
        statements.set(name, statement);
      }
      return statements;
    };
    return new Catalogue(
      dialect,
      tables,
      await parsed("statement", settings.statements),
      await parsed("query", settings.queries),
    );
  }

  /** Rows for a table, those with the same columns together; all of them are one operation. Throws NotAllowed. */
  insert(name: string, rows: readonly JsonValue[]): Change {
    const table = this.tables.get(name);
    if (table === undefined) {
      throw new NotAllowed(`rows may not go into ${JSON.stringify(name)}: ${known(this.tables)}`);
    }
    let insert: Insert | undefined;
    const written = rows.map((row): Row => {
      if (!isObject(row)) {
        throw new NotAllowed("a row is to be an object: its values by the names of their columns");
      }
      const own = this.#insertOf(table, row);
      insert ??= own;
      if (own !== insert) {
        throw new NotAllowed("all rows of one operation are to have the same columns, in the same order");
      }
      return own.columns.map((column) => this.#valueOf(row[column.name], column));
    });
    if (insert === undefined) throw new NotAllowed("there is no row to insert");
    return { statement: insert.statement, rows: written };
  }

  /** A statement of the config with its params. Throws NotAllowed. */
  execute(name: string, params: JsonObject): Change {
    const statement = this.statements.get(name);
    if (statement === undefined) {
      throw new NotAllowed(`there is no statement ${JSON.stringify(name)}: ${known(this.statements)}`);
    }
    return { statement, rows: [this.#rowOf(statement, params)] };
  }

  /** A query of the config with its params. Throws NotAllowed. */
  query(name: string, params: JsonObject): { statement: Statement; row: Row } {
    const statement = this.queries.get(name);
    if (statement === undefined) {
      throw new NotAllowed(`there is no query ${JSON.stringify(name)}: ${known(this.queries)}`);
    }
    return { statement, row: this.#rowOf(statement, params) };
  }

  #rowOf(statement: Statement, params: JsonObject): Row {
    return statement.params.map((name) => {
      const value = Object.hasOwn(params, name) ? params[name] : undefined;
      if (value === undefined) throw new NotAllowed(`${statement.name} needs the param ${name}`);
      return this.#valueOf(value, undefined);
    });
  }

  #insertOf(table: Table, row: JsonObject): Insert {
    const names = Object.keys(row);
    const key = `${table.name}\0${names.join("\0")}`;
    const kept = this.#inserts.get(key);
    if (kept !== undefined) return kept;
    const columns = names.map((name) => {
      const column = table.columns.get(name);
      if (column !== undefined) return column;
      throw new NotAllowed(
        `column ${JSON.stringify(name)} of ${table.name} may not be written: ${known(table.columns)}`,
      );
    });
    if (columns.length === 0) throw new NotAllowed("a row without columns cannot be inserted");
    const quoted = names.map((name) => quoteName(name, this.dialect));
    const insert = { statement: insertStatement(`table ${table.name}`, table.quoted, quoted), columns };
    if (this.#inserts.size >= MAX_INSERTS) this.#inserts.clear();
    this.#inserts.set(key, insert);
    return insert;
  }

  #valueOf(value: unknown, column: Column | undefined): Value {
    try {
      return this.dialect.valueOf(value, column);
    } catch (error) {
      throw error instanceof ValueError ? new NotAllowed(error.message) : error;
    }
  }
}

async function tableOf(
  session: Session,
  dialect: Dialect,
  name: string,
  allowed: readonly string[] | null,
): Promise<Table> {
  const path = name.split(".");
  const columns = await session.columnsOf(path);
  if (columns === null) throw new SettingsError(`table ${name}: there is none, or none that may be seen`);
  const there = new Map(columns.map((column) => [column.name, column]));
  for (const column of allowed ?? []) {
    if (!there.has(column)) throw new SettingsError(`table ${name}: column ${column}: ${known(there)}`);
  }
  const table = {
    name,
    quoted: path.map((part) => quoteName(part, dialect)).join("."),
    columns: allowed === null ? there : new Map([...there].filter(([column]) => allowed.includes(column))),
  };
  const [first] = table.columns.keys();
  if (first === undefined) throw new SettingsError(`table ${name}: it has no column that may be written`);
  // Whether it may be written at all.
  await session.check(insertStatement(`table ${name}`, table.quoted, [quoteName(first, dialect)]));
  return table;
}

/** What the database says of the config names the part of it. */
async function explained<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.fault === "lost") throw error;
    throw new SettingsError(`${what}: ${error.message}`, { cause: error });
  }
}

function known(names: ReadonlyMap<string, unknown>): string {
  return names.size === 0 ? "the config names none" : `there are ${[...names.keys()].join(", ")}`;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

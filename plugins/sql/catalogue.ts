import type { JsonObject, JsonValue } from "mevent/plugin";
import { isExactNumber } from "../../src/exact_number.ts";
import { type Change, type Identified, OperationChange } from "./change.ts";
import {
  type Column,
  DatabaseError,
  type Dialect,
  NumberError,
  type Row,
  type Session,
  type Value,
  ValueError,
} from "./database.ts";
import type { Settings } from "./settings.ts";
import { ID_PARAM, insertStatement, parseStatement, quoteName, type Statement } from "./statement.ts";
import {
  columnsOfParams,
  explained,
  known,
  type ParamColumns,
  type Table,
  tableOf,
  typesOf,
} from "./table.ts";

/** The code of what the config or the database does not know, and of a value that cannot be written. */
const [NOT_ALLOWED, BAD_PARAM] = [42, 23];

/** What a caller asked for that the config or the database does not know, or cannot hold. */
export class NotAllowed extends Error {
  override readonly name: string = "NotAllowed";

  constructor(message: string, readonly code = NOT_ALLOWED) {
    super(message);
  }
}

/** A column that its table did not have, or a value that its type did not take, when it was last looked at. */
export class NotOfTable extends NotAllowed {
  override readonly name = "NotOfTable";

  constructor(message: string, readonly table: string, code?: number) {
    super(message, code);
  }
}

/** A table has other columns, or other types, than those that what was to be written was made for. */
export class Altered extends DatabaseError {
  constructor(name: string) {
    super("unclear", `what it writes into was altered: ${name}`);
  }
}

/** INSERTs that are kept, one for each choice of columns that callers make. */
const MAX_INSERTS = 1000;
const WRITES = ["INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "WITH", "SELECT"];
const READS = ["SELECT", "WITH", "VALUES"];

/** An INSERT, and what its columns take. */
interface Insert {
  readonly table: Table;
  readonly statement: Statement;
  /** Of its columns, in the order of the rows' keys. */
  readonly names: readonly string[];
  readonly columns: readonly Column[];
}

/** What callers may ask for: all of it was checked against the database, and tables are looked at again. */
export class Catalogue {
  readonly #tables = new Map<string, Table>();
  readonly #inserts = new Map<string, Insert>();
  /** The one of the last row: the next is likely to be like it. */
  #lastInsert: Insert | undefined;
  readonly statements = new Map<string, Statement>();
  readonly queries = new Map<string, Statement>();
  /** The columns that params of statements go into, by the statements' names, where a number is written by its column. */
  readonly #columns = new Map<string, ParamColumns>();

  private constructor(readonly settings: Settings, readonly dialect: Dialect) {}

  /** Looks up all that the config names. Throws SettingsError with a sentence for the first that is wrong. */
  static async load(session: Session, settings: Settings): Promise<Catalogue> {
    const { dialect } = settings.database;
    const catalogue = new Catalogue(settings, dialect);
    for (const name of settings.tables.keys()) {
      catalogue.#tables.set(name, await explained(`table ${name}`, () => tableOf(session, settings, name)));
    }
    for (const [name, sql] of settings.statements) {
      const statement = parseStatement(`statement ${name}`, sql, dialect.grammar, WRITES);
      await explained(statement.name, () => session.check(statement));
      catalogue.statements.set(name, statement);
      if (dialect.looksAtColumns) {
        const columns = await columnsOfParams(session, dialect, sql);
        if (columns !== null) catalogue.#columns.set(statement.name, columns);
      }
    }
    for (const [name, sql] of settings.queries) {
      const statement = parseStatement(`query ${name}`, sql, dialect.grammar, READS);
      await explained(statement.name, () => session.checkRead(statement));
      catalogue.queries.set(name, statement);
    }
    return catalogue;
  }

  /** Throws Altered where a table that was written into is another one than what was written was made for. */
  async confirm(session: Session, changes: readonly Change[]): Promise<void> {
    const names = new Set<string>();
    let last: string | undefined;
    for (const { table } of changes) {
      if (table !== last && table !== undefined) names.add(table);
      last = table;
    }
    for (const name of names) {
      if (await this.refresh(session, name)) throw new Altered(name);
    }
  }

  /** Looks at a table, or at that of a statement, again; tells whether it has changed. */
  async refresh(session: Session, name: string): Promise<boolean> {
    // One that is gone may come back; until then the database tells.
    const isSame = (version: string, known: { readonly version: string }) =>
      version === "" || version === known.version;
    const columns = this.#columns.get(name);
    if (columns !== undefined) {
      if (isSame(await session.versionOf(columns.table), columns)) return false;
      this.#columns.set(name, await columnsOfParams(session, this.dialect, columns.sql) ?? columns);
      return true;
    }
    const known = this.#tables.get(name);
    if (known === undefined || isSame(await session.versionOf(name.split(".")), known)) return false;
    this.#tables.set(name, await tableOf(session, this.settings, name, known));
    this.#inserts.clear();
    this.#lastInsert = undefined;
    return true;
  }

  /**
   * Rows for a table, those with the same columns together; all of them are one operation. Throws NotAllowed.
   *
   * @param operation whose rows they are
   */
  insert(name: string, rows: readonly JsonValue[], operation: Identified): Change {
    const table = this.#tables.get(name);
    if (table === undefined) {
      throw new NotAllowed(`rows may not go into ${JSON.stringify(name)}: ${known(this.#tables)}`);
    }
    let insert: Insert | undefined;
    const written: Row[] = [];
    for (const row of rows) {
      if (!isObject(row)) {
        throw new NotAllowed("a row is to be an object: its values by the names of their columns");
      }
      const own = this.#insertOf(table, row);
      insert ??= own;
      if (own !== insert) {
        throw new NotAllowed("all rows of one operation are to have the same columns, in the same order");
      }
      const values = this.#valuesOf(own, row);
      if (table.idColumn !== undefined) {
        const index = written.length;
        values.push(index === 0 ? operation.id : `${operation.id}.${index}`);
      }
      written.push(values);
    }
    if (insert === undefined) throw new NotAllowed("there is no row to insert");
    return new OperationChange(insert.statement, written, name, operation);
  }

  /** A statement of the config with its params. Throws NotAllowed. */
  execute(name: string, params: JsonObject, operation: Identified): Change {
    const statement = this.statements.get(name);
    if (statement === undefined) {
      throw new NotAllowed(`there is no statement ${JSON.stringify(name)}: ${known(this.statements)}`);
    }
    const table = this.#columns.has(statement.name) ? statement.name : undefined;
    return new OperationChange(statement, [this.#rowOf(statement, params, operation)], table, operation);
  }

  /** A query of the config with its params. Throws NotAllowed. */
  query(name: string, params: JsonObject, operation: Identified): { statement: Statement; row: Row } {
    const statement = this.queries.get(name);
    if (statement === undefined) {
      throw new NotAllowed(`there is no query ${JSON.stringify(name)}: ${known(this.queries)}`);
    }
    return { statement, row: this.#rowOf(statement, params, operation) };
  }

  #rowOf(statement: Statement, params: JsonObject, operation: Identified): Row {
    const columns = this.#columns.get(statement.name)?.columns;
    return statement.params.map((name) => {
      if (name === ID_PARAM) return operation.id;
      const value = Object.hasOwn(params, name) ? params[name] : undefined;
      if (value === undefined) throw new NotAllowed(`${statement.name} needs the param ${name}`);
      const column = columns?.get(name);
      try {
        return this.dialect.valueOf(value, column);
      } catch (error) {
        throw refusal(error, `param ${name}`, column && statement.name);
      }
    });
  }

  #insertOf(table: Table, row: JsonObject): Insert {
    const names = Object.keys(row);
    const last = this.#lastInsert;
    if (last?.table === table && areSame(last.names, names)) return last;
    const key = `${table.name}\0${names.join("\0")}`;
    const kept = this.#inserts.get(key);
    if (kept !== undefined) return this.#lastInsert = kept;
    const columns = names.map((name) => {
      const column = table.columns.get(name);
      if (column !== undefined) return column;
      throw new NotOfTable(
        `column ${JSON.stringify(name)} of ${table.name} may not be written: ${known(table.columns)}`,
        table.name,
      );
    });
    if (columns.length === 0) throw new NotAllowed("a row without columns cannot be inserted");
    const all = table.idColumn === undefined ? names : [...names, table.idColumn];
    const quoted = all.map((column) => quoteName(column, this.dialect.grammar));
    const statement = insertStatement(`table ${table.name}`, table.quoted, quoted, {
      ...table.idColumn === undefined ? {} : { tail: this.dialect.unless(quoted.at(-1) ?? "") },
      ...typesOf(columns, table),
    });
    const insert = { table, statement, names, columns };
    if (this.#inserts.size >= MAX_INSERTS) this.#inserts.clear();
    this.#inserts.set(key, insert);
    return this.#lastInsert = insert;
  }

  #valuesOf({ table, columns }: Insert, row: JsonObject): Value[] {
    const { dialect } = this;
    // They come in the order of its keys.
    const given = Object.values(row);
    const values: Value[] = [];
    try {
      for (let at = 0; at < columns.length; at++) values.push(dialect.valueOf(given[at], columns[at]));
    } catch (error) {
      throw refusal(error, `column ${columns[values.length]?.name}`, table.name);
    }
    return values;
  }
}

/** What is said of a value that cannot be written; any other error is what it is. */
function refusal(error: unknown, what: string, table: string | undefined): unknown {
  if (!(error instanceof ValueError)) return error;
  const sentence = `${what} ${error.message}`;
  const code = error instanceof NumberError ? BAD_PARAM : NOT_ALLOWED;
  return table === undefined ? new NotAllowed(sentence, code) : new NotOfTable(sentence, table, code);
}

function areSame(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    // Looked for first, for that is fast.
    (value["rawJSON"] === undefined || !isExactNumber(value));
}

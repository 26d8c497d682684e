import { SettingsError } from "../config_table.ts";
import { type Column, DatabaseError, type Dialect, type Session } from "./database.ts";
import { paramTargets } from "./param_targets.ts";
import type { Settings } from "./settings.ts";
import { insertStatement, quoteName, StatementError } from "./statement.ts";

/** A table that rows may go into. */
export interface Table {
  readonly name: string;
  readonly quoted: string;
  readonly columns: ReadonlyMap<string, Column>;
  /** For the operation's id; it is written by nobody else. */
  readonly idColumn: string | undefined;
  /** Of its columns and their types. */
  readonly version: string;
}

/**
 * Looks a table up. Throws SettingsError where it, or a column that the config names, is not there: such a column may go while the
 * server runs.
 *
 * @param before what it was when the server started
 */
export async function tableOf(
  session: Session,
  settings: Settings,
  name: string,
  before?: Table,
): Promise<Table> {
  const { grammar } = settings.database.dialect;
  const path = name.split(".");
  const found = await session.columnsOf(path);
  if (found === null) throw new SettingsError(`table ${name}: there is none, or none that may be seen`);
  const there = new Map(found.columns.map((column) => [column.name, column]));
  const allowed = settings.tables.get(name) ?? null;
  const idColumn = settings.idempotency.get(name);
  const table: Table = {
    name,
    quoted: path.map((part) => quoteName(part, grammar)).join("."),
    columns: new Map(
      [...there].filter(([column]) => column !== idColumn && (allowed?.includes(column) ?? true)),
    ),
    idColumn,
    version: found.version,
  };
  if (before !== undefined) return table;
  for (const column of [...allowed ?? [], ...idColumn === undefined ? [] : [idColumn]]) {
    if (!there.has(column)) throw new SettingsError(`table ${name}: column ${column}: ${known(there)}`);
  }
  if (idColumn !== undefined && !await session.isUnique(path, idColumn)) {
    throw new SettingsError(
      `table ${name}: column ${idColumn} is to hold the operation's id, each once: it needs a UNIQUE index of its own`,
    );
  }
  const [first] = table.columns.values();
  if (first === undefined) throw new SettingsError(`table ${name}: it has no column that may be written`);
  // Whether it may be written at all.
  await session.check(insertStatement(`table ${name}`, table.quoted, [quoteName(first.name, grammar)]));
  return table;
}

/** The columns that params of a statement go into, by their params, and what was known of their table then. */
export interface ParamColumns {
  readonly sql: string;
  readonly table: readonly string[];
  readonly columns: ReadonlyMap<string, Column>;
  readonly version: string;
}

/** Null where there is no such table; columns of bytes are left out, whose values are texts in a statement. */
export async function columnsOfParams(
  session: Session,
  { grammar }: Dialect,
  sql: string,
): Promise<ParamColumns | null> {
  const found = new Map<string, Column>();
  const targets = paramTargets(sql, grammar);
  const table = targets === null ? null : await session.columnsOf(targets.table);
  if (targets === null || table === null) return null;
  // SQLite takes names in any case.
  const columns = new Map(table.columns.map((column) => [column.name.toLowerCase(), column]));
  for (const [param, names] of targets.columns) {
    const [first, ...others] = names.map((name) => columns.get(name.toLowerCase()));
    if (
      first !== undefined && first.kind !== "bytes" && others.every((other) => other?.kind === first.kind)
    ) {
      found.set(param, first);
    }
  }
  return { sql, table: targets.table, columns: found, version: table.version };
}

/** For an INSERT, the types that the database is to be told; none where it is told none. */
export function typesOf(
  columns: readonly Column[],
  { idColumn }: Table,
): { readonly types?: readonly string[] } {
  const types = columns.flatMap(({ type }) => type === undefined ? [] : [type]);
  if (types.length === 0) return {};
  return { types: idColumn === undefined ? types : [...types, "text"] };
}

/** What the database says of the config names the part of it. */
export async function explained<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StatementError) {
      throw new SettingsError(`${what}: ${error.message}`, { cause: error });
    }
    if (!(error instanceof DatabaseError) || error.fault === "lost") throw error;
    throw new SettingsError(`${what}: ${error.message}`, { cause: error });
  }
}

/** What there is in place of what was named. */
export function known(names: ReadonlyMap<string, unknown>): string {
  return names.size === 0 ? "the config names none" : `there are ${[...names.keys()].join(", ")}`;
}

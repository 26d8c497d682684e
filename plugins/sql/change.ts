import { type DatabaseError, isFault, type Row, type Session } from "./database.ts";
import type { Statement } from "./statement.ts";

/** What one operation wants written: all its rows, or none of them. */
export interface Change {
  readonly statement: Statement;
  readonly rows: readonly Row[];
  /** What `Catalogue.confirm` looks at again: a table, or a statement of the config whose params are written by their columns. */
  readonly table?: string | undefined;
  /** Of the operation: the same at each attempt. */
  readonly id?: string | undefined;
}

/** What an operation is known by, made where it is wanted. */
export interface Identified {
  readonly id: string;
}

/** The change of an operation. */
export class OperationChange implements Change {
  constructor(
    readonly statement: Statement,
    readonly rows: readonly Row[],
    readonly table: string | undefined,
    readonly operation: Identified,
  ) {}

  get id(): string {
    return this.operation.id;
  }
}

/** What has become of a change: how many rows it is, or why it is none. */
export type Outcome = number | Error;

/**
 * Writes changes in as few statements as possible. INSERTs of values into the same columns go together, past INSERTs into
 * others; nothing goes past any other statement. Throws what the database says of any of them.
 */
export async function writeTogether(session: Session, changes: readonly Change[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let inserts = new Map<Statement, Row[]>();
  let last: Statement | undefined;
  let gathered: Row[] = [];
  const flush = async () => {
    for (const [statement, rows] of inserts) await session.run(statement, rows);
    inserts = new Map();
    last = undefined;
  };
  for (const { statement, rows } of changes) {
    if (statement.values === null) {
      await flush();
      outcomes.push(await session.run(statement, rows));
      continue;
    }
    if (statement !== last) {
      gathered = inserts.get(statement) ?? [];
      inserts.set(statement, gathered);
      last = statement;
    }
    for (const row of rows) gathered.push(row);
    outcomes.push(rows.length);
  }
  await flush();
  return outcomes;
}

/**
 * Writes changes in their own order and finds out which of them the database refuses, or does not write now: those are rolled back to
 * a savepoint, by halves, and their errors are their outcomes. Throws what concerns all of them.
 */
export async function writeApart(session: Session, changes: readonly Change[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let from = 0; from < changes.length;) {
    const statement = changes[from]?.statement;
    let to = from + 1;
    while (statement?.values !== null && to < changes.length && changes[to]?.statement === statement) to++;
    outcomes.push(...await writeByHalves(session, changes.slice(from, to)));
    from = to;
  }
  return outcomes;
}

/** Changes of the same statement. */
async function writeByHalves(session: Session, changes: readonly Change[]): Promise<Outcome[]> {
  const [first] = changes;
  if (first === undefined) return [];
  await session.savepoint();
  try {
    const changed = await session.run(first.statement, changes.flatMap(({ rows }) => rows));
    return first.statement.values === null ? [changed] : changes.map(({ rows }) => rows.length);
  } catch (error) {
    if (!isOfOne(error)) throw error;
    await session.rollbackToSavepoint();
    if (changes.length === 1) return [error];
  }
  const half = changes.length >> 1;
  return [
    ...await writeByHalves(session, changes.slice(0, half)),
    ...await writeByHalves(session, changes.slice(half)),
  ];
}

/** Whether an error may be that of one change, while others can be written. */
export function isOfOne(error: unknown): error is DatabaseError {
  return isFault(error, "row") || isFault(error, "server") || isFault(error, "unclear");
}

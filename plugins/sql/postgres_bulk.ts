import type { Row } from "./database.ts";
import type { ServerType } from "./postgres_types.ts";
import { type Statement, write } from "./statement.ts";

/** How PostgreSQL has a param in its SQL. */
export const numbered = (index: number): string => `$${index + 1}`;

const ESCAPED = /["\\]/;
const EACH_ESCAPED = /["\\]/g;

/** Each param a column of values, as texts that the server converts: the same statement for any number of rows. */
export function bulkSql({ head, values, params, tail }: Statement, types: readonly ServerType[]): string {
  const row = write(values ?? [], (index) => `p${index}::${types[index]?.cast}`);
  return `${write(head, numbered).replace(/VALUES\s*$/i, "")}SELECT ${row} FROM unnest(${
    params.map((_, index) => `$${index + 1}::text[]`).join(", ")
  }) AS mevent_rows(${params.map((_, index) => `p${index}`).join(", ")})${tail}`;
}

/** Of an INSERT into a table: the types of its columns. */
export function typesOfColumns({ types = [] }: Statement): ServerType[] {
  return types.map((cast) => ({ cast, kind: "other" }));
}

/** The values at one place of many rows as an array's text. */
export function arrayText(rows: readonly Row[], place: number): string {
  const texts: string[] = [];
  for (const row of rows) {
    const value = row[place] ?? null;
    texts.push(value === null ? "NULL" : elementText(String(value)));
  }
  return `{${texts.join()}}`;
}

function elementText(text: string): string {
  return `"${ESCAPED.test(text) ? text.replace(EACH_ESCAPED, "\\$&") : text}"`;
}

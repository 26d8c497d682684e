import type { ServerType } from "./postgres_types.ts";
import { type Statement, write } from "./statement.ts";

/** How PostgreSQL has a param in its SQL. */
export const numbered = (index: number): string => `$${index + 1}`;

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

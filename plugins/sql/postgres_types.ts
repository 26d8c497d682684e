import { type Column, DatabaseError, type Row, ValueError } from "./database.ts";
import { mayHaveZone, utcText, withoutZone } from "./instants.ts";
import { heldText } from "./values.ts";

/** A number of more digits than a double may hold. */
const LONG_NUMBER = /^\s*[+-]?[\d.]{16}/;

/** A type as the server tells it. */
export interface ServerType {
  /**
   * For a cast: with its schema and in quotes, for so it has no length of its own. `character` is `character(1)`, and a cast to that cuts;
   * `"bpchar"` is of any length, and what is too long for its column is an error.
   */
  readonly cast: string;
  readonly kind: Column["kind"];
}

/**
 * Of a type, or of what its domain is of: the name for a cast, and the name alone. A cast to a domain would cut, too.
 *
 * @param oid SQL for the type's number
 */
const baseOf = (oid: string) =>
  "(WITH RECURSIVE base AS (SELECT t.oid, t.typname, t.typtype, t.typbasetype, t.typnamespace FROM pg_type t " +
  `WHERE t.oid = ${oid} UNION ALL SELECT t.oid, t.typname, t.typtype, t.typbasetype, t.typnamespace FROM pg_type t ` +
  "JOIN base ON base.typtype = 'd' AND t.oid = base.typbasetype) " +
  "SELECT array[quote_ident(nspname) || '.' || quote_ident(typname), typname::text] FROM base " +
  "JOIN pg_namespace n ON n.oid = typnamespace WHERE typtype <> 'd')";

/** The columns of a table that may be written: name, type for a cast, name of the type. */
export const COLUMNS = "SELECT attname, type[1], type[2] FROM (" +
  `SELECT attname, attnum, ${
    baseOf("atttypid")
  } AS type FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 ` +
  "AND NOT attisdropped AND attgenerated = '' AND attidentity <> 'a') AS columns ORDER BY attnum";

/** What changes with the columns of a table. */
export const VERSION =
  "SELECT string_agg(concat_ws(' ', attname, atttypid, attgenerated, attidentity), ',' ORDER BY attnum) FROM pg_attribute " +
  "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped";

/** How many unique indexes a table has of one column alone; one that is DEFERRABLE is none that ON CONFLICT takes. */
export const UNIQUE =
  "SELECT count(*) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] " +
  "WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indimmediate AND i.indpred IS NULL AND " +
  "i.indnkeyatts = 1 AND a.attname = $2";

/**
 * Has the server find out the types of a statement's params, in one message: a pooler hands that to one server. Tables are locked
 * against changes to the end of the transaction, where there is one. @param name what no other statement is called
 */
export function paramTypesSql(name: string, sql: string): string {
  return `PREPARE ${name} AS ${sql}; ` +
    "SELECT type[1], type[2] FROM (" +
    `SELECT number, ${baseOf("param")} AS type FROM pg_prepared_statements, ` +
    `unnest(parameter_types) WITH ORDINALITY AS p(param, number) WHERE name = '${name}') AS params ORDER BY number; ` +
    `DEALLOCATE ${name}`;
}

/** @param base the name of the type, or of the one that a domain is of */
export function kindOf(base: string): Column["kind"] {
  if (base === "bytea") return "bytes";
  if (base === "float8") return "double";
  if (base === "timestamp") return "time";
  return /^_?(?:timestamp|date|time|tsrange|tsmultirange|daterange)$/.test(base) ? "part" : "other";
}

/** A text for a column or param of such a type. Throws ValueError where something of it would get lost. */
export function textFor(kind: Column["kind"], text: string): string {
  return kind === "time" ? utcText(text, " ") : kind === "part" ? withoutZone(text) : text;
}

/** Whether a value is in a row of which the types matter. */
export function mayLose(row: Row): boolean {
  return row.some((value) => typeof value === "string" && (mayHaveZone(value) || LONG_NUMBER.test(value)));
}

/** A row for the params of a statement. Throws DatabaseError `row` where something of it would get lost. */
export function rowFor(types: readonly ServerType[], params: readonly string[], row: Row): Row {
  if (!mayLose(row)) return row;
  return row.map((value, index) => {
    if (typeof value !== "string") return value;
    try {
      const kind = types[index]?.kind ?? "other";
      return textFor(kind, heldText(value, { name: "", kind }));
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      throw new DatabaseError("row", `param ${params[index]} ${error.message}`);
    }
  });
}

import type { Alteration } from "./sql_altered_steps.ts";

export const alterPostgres = (table: string, column: string, type: string) =>
  `ALTER TABLE ${table} ALTER COLUMN ${column} TYPE ${type} USING NULL::${type}`;
export const alterMariadb = (table: string, column: string, type: string) =>
  `ALTER TABLE ${table} MODIFY COLUMN ${column} ${type}`;

export const POSTGRES_ALTERATIONS: readonly Alteration[] = [
  { from: "int", to: "bigint", written: 9007199254740993n, read: "9007199254740993" },
  { from: "smallint", to: "numeric", written: 1.75, read: "1.75" },
  { from: "int", to: "text", written: "A7", read: "A7" },
  {
    from: "timestamp",
    to: "timestamptz",
    written: "2026-07-01T12:00:00+05:00",
    read: "2026-07-01 07:00:00+00",
  },
  { from: "timestamptz", to: "timestamp", written: "2026-07-01T12:00:00+05:00", read: "2026-07-01 07:00:00" },
  // What the type of before did not take.
  {
    from: "date",
    to: "timestamptz",
    written: "2026-07-01T12:00:00+05:00",
    read: "2026-07-01 07:00:00+00",
  },
  { from: "bytea", to: "text", written: "no base64", read: "no base64" },
  { from: "double precision", to: "numeric", written: 9007199254740993n, read: "9007199254740993" },
  { from: "date", to: "timestamp", written: "2026-07-01 13:14:15", read: "2026-07-01 13:14:15" },
  { from: "real", to: "double precision", written: 1.123456789012, read: 1.123456789012 },
  { from: "char(2)", to: "char(4)", written: "ABCD", read: "ABCD" },
  { from: "text", to: "bytea", written: "AAH/", read: "AAH/", isOfTables: true },
  { from: "int", to: "int[]", written: "{1,2}", read: "{1,2}" },
  { from: "json", to: "jsonb", written: { b: [1n, 0.5] }, read: { b: [1, 0.5] } },
];

export const MARIADB_ALTERATIONS: readonly Alteration[] = [
  { from: "int", to: "bigint", written: 9007199254740993n, read: "9007199254740993" },
  {
    from: "date",
    to: "datetime",
    written: "2026-07-01T12:00:00+05:00",
    read: "2026-07-01 07:00:00",
    isOfTables: true,
  },
  {
    from: "varchar(40)",
    to: "datetime(3)",
    written: "2026-07-01T12:00:00.250Z",
    read: "2026-07-01 12:00:00.250",
    isOfTables: true,
  },
  // What the type of before did not take.
  { from: "blob", to: "text", written: "no base64", read: "no base64" },
  { from: "int", to: "decimal(5,2)", written: 1.75, read: "1.75" },
  { from: "double", to: "bigint", written: 9007199254740993n, read: "9007199254740993" },
  { from: "float", to: "double", written: 1.123456789012, read: 1.123456789012 },
  { from: "varchar(40)", to: "blob", written: "AAH/", read: "AAH/", isOfTables: true },
  { from: "int", to: "varchar(40)", written: "A7", read: "A7" },
];

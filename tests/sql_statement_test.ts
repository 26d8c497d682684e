import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { MYSQL } from "../plugins/sql/mysql.ts";
import { SQLITE } from "../plugins/sql/sqlite.ts";
import {
  insertStatement,
  marksOf,
  parseStatement,
  quoteName,
  StatementError,
  writeRows,
  writeSingle,
} from "../plugins/sql/statement.ts";
import { pieceSizes } from "../plugins/sql/values.ts";

const VERBS = ["INSERT", "UPDATE"];
const parse = (sql: string, dialect = SQLITE) => parseStatement("statement x", sql, dialect, VERBS);
const single = (sql: string, dialect = SQLITE) =>
  writeSingle(parse(sql, dialect), (index) => `$${index + 1}`).replace(/\s+/g, " ").trim();

Deno.test("params are found where they are params, and nowhere else", () => {
  const cases: [string, string][] = [
    ["UPDATE a SET b = :b, c = :c WHERE d = :b", "UPDATE a SET b = $1, c = $2 WHERE d = $1"],
    [
      "UPDATE a SET b = ':no' || \":no\" || `:no`, c = :c",
      "UPDATE a SET b = ':no' || \":no\" || `:no`, c = $1",
    ],
    ["UPDATE a SET b = 'it''s :no', c = :c", "UPDATE a SET b = 'it''s :no', c = $1"],
    ["UPDATE a SET b = :b::text -- :no\n, c = 1 /* :no */", "UPDATE a SET b = $1::text , c = 1"],
    ["UPDATE a SET b = $q$ :no $q$, c = :c;", "UPDATE a SET b = $q$ :no $q$, c = $1"],
  ];
  for (const [sql, written] of cases) assertEquals(single(sql), written);
  assertEquals(
    single("UPDATE a SET b = 'a\\' :no', c = :c # :no", MYSQL),
    "UPDATE a SET b = 'a\\' :no', c = $1",
  );
});

Deno.test("an INSERT of one row of values is run with many rows, any other statement is not", () => {
  const together = [
    "INSERT INTO a (b, c) VALUES (:b, :c)",
    "insert into a values (:b, upper(:c), (SELECT 1), now());",
    'INSERT INTO "x y"."a" (b) VALUES (:b + 1)',
  ];
  const apart = [
    "INSERT INTO a (b) VALUES (:b) ON CONFLICT DO NOTHING",
    "INSERT INTO a (b) VALUES (:b), (:c)",
    "INSERT OR IGNORE INTO a (b) VALUES (:b)",
    "INSERT IGNORE INTO a (b) VALUES (:b)",
    "INSERT INTO a (b) VALUES (:b) RETURNING b",
    "INSERT INTO a (b, c) VALUES (:b, DEFAULT)",
    "INSERT INTO a (b) SELECT :b",
    "INSERT INTO a (b) VALUES (1)",
    "UPDATE a SET b = :b",
  ];
  for (const sql of together) assert(parse(sql).values !== null, sql);
  for (const sql of apart) assertEquals(parse(sql).values, null, sql);
  const statement = parse("INSERT INTO a (b, c) VALUES (:b, upper(:c) || :b)");
  assertEquals(writeRows(statement, 2), "INSERT INTO a (b, c) VALUES (?, upper(?) || ?), (?, upper(?) || ?)");
  assertEquals(marksOf(statement), [0, 1, 0]);
});

Deno.test("SQL that could be more than one statement, or none, is refused with a sentence", () => {
  const cases: [string, string][] = [
    ["", "it begins with nothing"],
    ["DROP TABLE a", "it begins with DROP; it may begin with INSERT, UPDATE"],
    ["-- UPDATE\nDELETE FROM a", "it begins with DELETE"],
    ["UPDATE a SET b = 1; DELETE FROM a", "it goes on after the `;`"],
    ["UPDATE a SET b = 'x", "a ' is not closed"],
    ["UPDATE a SET b = (1", "its parentheses do not match"],
    ["UPDATE a SET b = ?", "it has a ?; params are named"],
    ["UPDATE a SET b = $1", "it has a $; params are named"],
  ];
  for (const [sql, sentence] of cases) assertThrows(() => parse(sql), StatementError, sentence);
});

Deno.test("whatever a name holds, quoted it is one name", () => {
  fc.assert(fc.property(fc.string({ minLength: 1 }), (name) => {
    const quoted = quoteName(name, SQLITE);
    const inside = quoted.slice(1, -1).replaceAll('""', "");
    assert(quoted.startsWith('"') && quoted.endsWith('"') && !inside.includes('"'));
    assertEquals(quoted.slice(1, -1).replaceAll('""', '"'), name);
  }));
  assertEquals(
    writeSingle(insertStatement("table a", '"a"', ['"b"', '"c"']), (index) => `:${index}`),
    'INSERT INTO "a" ("b", "c") VALUES (:0, :1)',
  );
});

Deno.test("any number of rows is a sum of few powers of two up to the bound", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 1, max: 1024 }), (rows, most) => {
      const sizes = pieceSizes(rows, most);
      assertEquals(sizes.reduce((sum, size) => sum + size, 0), rows);
      assert(sizes.every((size) => size <= most && Number.isInteger(Math.log2(size))));
      assert(new Set(sizes).size <= Math.log2(most) + 1);
    }),
  );
});

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Dialect } from "../../plugins/sql/database.ts";
import { MYSQL } from "../../plugins/sql/mysql.ts";
import { POSTGRES } from "../../plugins/sql/postgres.ts";
import { SQLITE } from "../../plugins/sql/sqlite.ts";
import {
  insertStatement,
  marksOf,
  parseStatement,
  quoteName,
  StatementError,
  writeRows,
  writeSingle,
} from "../../plugins/sql/statement.ts";
import { pieceSizes } from "../../plugins/sql/portions.ts";

const VERBS = ["INSERT", "UPDATE"];
const parse = (sql: string, { grammar }: Dialect = SQLITE) =>
  parseStatement("statement x", sql, grammar, VERBS);
const single = (sql: string, dialect: Dialect = SQLITE) =>
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
    ["UPDATE a SET b = [c:no], `d:no` = :c;", "UPDATE a SET b = [c:no], `d:no` = $1"],
    ["UPDATE a SET b = x'00' || :größe || :ʼn, c$d = :_1$", "UPDATE a SET b = x'00' || $1 || $2, c$d = $3"],
  ];
  for (const [sql, written] of cases) assertEquals(single(sql), written);
  const postgres: [string, string][] = [
    ["UPDATE a SET b = $q$ :no $q$, c = :c;", "UPDATE a SET b = $q$ :no $q$, c = $1"],
    [
      "UPDATE a SET b = $$ :no $$, c = $größe$ $$ :no $größe$, d = :c",
      "UPDATE a SET b = $$ :no $$, c = $größe$ $$ :no $größe$, d = $1",
    ],
    ["UPDATE a SET b = E'it\\'s :no', c = :c", "UPDATE a SET b = E'it\\'s :no', c = $1"],
    ["UPDATE a SET b = e'\\\\', c = :c", "UPDATE a SET b = e'\\\\', c = $1"],
    ["UPDATE a SET b = E'x'\n  'y\\' :no', c = :c", "UPDATE a SET b = E'x' 'y\\' :no', c = $1"],
    ["UPDATE a SET b = 'no\\', c = :c", "UPDATE a SET b = 'no\\', c = $1"],
    [
      "UPDATE a SET b = U&'\\0041 :no' || type'x', c = :c",
      "UPDATE a SET b = U&'\\0041 :no' || type'x', c = $1",
    ],
    ["UPDATE a SET b = 1 /* a /* b */ :no ' */, c = :c", "UPDATE a SET b = 1 , c = $1"],
    [
      "UPDATE a SET b = c ? :k AND c ?| :l AND c ?& :m AND c @? :n",
      "UPDATE a SET b = c ? $1 AND c ?| $2 AND c ?& $3 AND c @? $4",
    ],
    [
      "UPDATE a$b SET _c$ = :c::numeric(5, 2), d = (:d)::text",
      "UPDATE a$b SET _c$ = $1::numeric(5, 2), d = ($2)::text",
    ],
    [
      "UPDATE a SET b = c[:lo::hi], d = c[:lo : :hi], e = c[1::hi]",
      "UPDATE a SET b = c[$1:$2], d = c[$1 : $2], e = c[1:$2]",
    ],
    [
      "UPDATE a SET b = c[:i], d = c[:i::int], e = c[::hi], f = c[x:y]",
      "UPDATE a SET b = c[$1], d = c[$1::int], e = c[:$2], f = c[x:y]",
    ],
    [
      "UPDATE a SET b = ARRAY[:i, :j]::int[], c[1:2] = f(x := :k)",
      "UPDATE a SET b = ARRAY[$1, $2]::int[], c[1:2] = f(x := $3)",
    ],
    ["UPDATE a SET b = d[:i]::bigint, c = :größe", "UPDATE a SET b = d[$1]::bigint, c = $2"],
    [
      "UPDATE a SET b = c = ANY(ARRAY[:i::uuid, :j::uuid]), d = array [[:k::date], [now()::date, e[:x::y]]]",
      "UPDATE a SET b = c = ANY(ARRAY[$1::uuid, $2::uuid]), d = array [[$3::date], [now()::date, e[$4:$5]]]",
    ],
    [
      "UPDATE a SET b = c[(SELECT :i::oid)], d = e[f(:j, :k::money)::g]",
      "UPDATE a SET b = c[(SELECT $1::oid)], d = e[f($2, $3::money):$4]",
    ],
    [
      "UPDATE a SET b = E'x' -- ' :no\n -- '\n 'y\\' :no', c = :c",
      "UPDATE a SET b = E'x' -- ' :no -- ' 'y\\' :no', c = $1",
    ],
  ];
  for (const [sql, written] of postgres) {
    assertEquals(single(sql, POSTGRES), written);
  }
  assertEquals(
    single("UPDATE a SET b = 'a\\' :no', c = :c # :no", MYSQL),
    "UPDATE a SET b = 'a\\' :no', c = $1",
  );
  const mysql: [string, string][] = [
    ['UPDATE a SET b = "x\\" :no", `c\\` = :c -- :no', 'UPDATE a SET b = "x\\" :no", `c\\` = $1'],
    ["UPDATE /*+ NO_INDEX(a) */ a SET b = 1--:c", "UPDATE /*+ NO_INDEX(a) */ a SET b = 1--$1"],
    [
      "UPDATE /*!50001 LOW_PRIORITY */ a SET b = :b /* :no */",
      "UPDATE /*!50001 LOW_PRIORITY */ a SET b = $1",
    ],
    [
      "UPDATE a SET b = /*M!100000 :b + */ :c, $d = @e := :c",
      "UPDATE a SET b = /*M!100000 $1 + */ $2, $d = @e := $2",
    ],
  ];
  for (const [sql, written] of mysql) assertEquals(single(sql, MYSQL), written);
});

Deno.test("a text that goes on where another one begins is on a further line for the database, too", () => {
  const write = (sql: string) => writeSingle(parse(sql, POSTGRES), (index) => `$${index + 1}`);
  assertEquals(write("UPDATE a SET b = 'x'\n'y :no', c = :c"), "UPDATE a SET b = 'x'\n'y :no', c = $1");
  assertEquals(write("UPDATE a SET b = 'x' -- :no\r\n 'y', c = :c"), "UPDATE a SET b = 'x'  \n'y', c = $1");
  // A comment of the other kind does not part them.
  assertEquals(write("UPDATE a SET b = 'x'/*\n*/'y'"), "UPDATE a SET b = 'x' 'y'");
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
    ["UPDATE a SET b = @b", "it has a @; params are named"],
    ["UPDATE a SET b = :1", "it has a :; params are named"],
    ["UPDATE a SET b = [c", "a [ is not closed"],
    ["UPDATE a SET b = 1 /* c", "a /* is not closed"],
  ];
  const others: [Dialect, string, string][] = [
    [POSTGRES, "UPDATE a SET b = $1", "it has a $; params are named"],
    [POSTGRES, "UPDATE a SET b = $q$ x", "it has a $; params are named"],
    [POSTGRES, "UPDATE a SET b = E'x\\'", "a ' is not closed"],
    [POSTGRES, "UPDATE a SET b = 1 /* /* */", "a /* is not closed"],
    [MYSQL, "UPDATE a SET b = ?", "it has a ?; params are named"],
    [MYSQL, "UPDATE a SET b = 'x\\'", "a ' is not closed"],
    [MYSQL, "UPDATE a /*! SET b = 1", "a /* is not closed"],
  ];
  for (const [dialect, sql, sentence] of others) {
    assertThrows(() => parse(sql, dialect), StatementError, sentence);
  }
  for (const [sql, sentence] of cases) assertThrows(() => parse(sql), StatementError, sentence);
});

Deno.test("whatever a name holds, quoted it is one name", () => {
  fc.assert(fc.property(fc.string({ minLength: 1 }), (name) => {
    const quoted = quoteName(name, SQLITE.grammar);
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

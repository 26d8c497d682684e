import { assertEquals, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { type DatabaseServer, GERMAN, GERMAN_NOTE, HAS_GERMAN } from "./database_servers.ts";
import { onlyPort, SqlServer } from "./sql_server.ts";

/** Columns of a fixed length, and of types that only look like it: a value that fits, as it is read, and one that does not fit. */
const LENGTHS: readonly (readonly [type: string, fits: string, read: string, tooLong: string | null])[] = [
  ["char(2)", "DE", "DE", "DEU"],
  ["char(1)", "y", "y", "yes"],
  ["character(5)", "ab", "ab   ", "abcdef"],
  ["char(4)[]", "{abcd,ef}", '{abcd,"ef  "}', "{abcde}"],
  ["bit(8)", "10100000", "10100000", "101"],
  ["bit(1)", "1", "1", "101"],
  ["bit(4)[]", "{1010,1111}", "{1010,1111}", "{10101}"],
  ["varchar(3)", "abc", "abc", "abcd"],
  ["varchar(3)[]", "{abc}", "{abc}", "{abcd}"],
  ["bit varying(4)", "101", "101", "10101"],
  ["two", "DE", "DE", "DEU"],
  ["three_bits", "101", "101", "1011"],
  ["twos", "{DE,FR}", "{DE,FR}", "{DEU}"],
  ["pair", "(DE,1010)", "(DE,1010)", "(DEU,1010)"],
  ['"char"', "y", "y", null],
  ["name", "abc", "abc", null],
  ["numeric(5,2)", "123.45", "123.45", "1234.5"],
  ["timestamp(0)", "2026-07-01 12:00:00", "2026-07-01 12:00:00", null],
  ["interval", "1 day", "1 day", null],
];

/** What PostgreSQL alone has: types with a length, its languages, policies of rows. */
export async function sqlPostgresSteps(t: Deno.TestContext, database: DatabaseServer): Promise<void> {
  const allowed = onlyPort(database.port);

  await t.step(
    "no type's length is taken for one: what fits is written whole, what does not is refused",
    async () => {
      await database.run(
        "CREATE DOMAIN two AS char(2)",
        "CREATE DOMAIN three_bits AS bit(3)",
        "CREATE DOMAIN twos AS char(2)[]",
        "CREATE TYPE pair AS (a char(2), b bit(4))",
        `CREATE TABLE lengths (id int PRIMARY KEY, ${
          LENGTHS.map(([type], at) => `c${at} ${type}`).join(", ")
        })`,
      );
      const statement = (at: number) => `INSERT INTO lengths (id, c${at}) VALUES (:id, :value)`;
      await using sql = await SqlServer.start({
        url: database.url,
        tables: ["lengths"],
        statements: Object.fromEntries(LENGTHS.flatMap((_, at) => [
          [`plain${at}`, statement(at)],
          [`apart${at}`, `${statement(at)} ON CONFLICT DO NOTHING`],
        ])),
        queries: { all: "SELECT * FROM lengths ORDER BY id" },
      }, allowed);
      const ways: ((at: number, id: number, value: string) => Promise<unknown>)[] = [
        (at, id, value) => sql.call(1001, { table: "lengths", row: { id, [`c${at}`]: value } }),
        (at, id, value) => sql.call(1002, { statement: `plain${at}`, params: { id, value } }),
        (at, id, value) => sql.call(1002, { statement: `apart${at}`, params: { id, value } }),
      ];
      const expected: string[] = [];
      for (const [way, write] of ways.entries()) {
        await Promise.all(LENGTHS.map(async ([type, fits, , tooLong], at) => {
          const id = way * 100 + at;
          assertEquals(await write(at, id, fits), { rows: 1 }, `${type} ${way}`);
          if (tooLong === null) return;
          const { code } = await write(at, id + 1000, tooLong) as { code: number };
          assertEquals(code, 40, `${type} ${way}`);
        }));
        for (const [at, [, , read]] of LENGTHS.entries()) expected.push(`${way * 100 + at} ${read}`);
      }
      const { rows } = await sql.call(1003, { query: "all" }) as { rows: JsonObject[] };
      assertEquals(rows.map((row) => `${row["id"]} ${row[`c${Number(row["id"]) % 100}`]}`), expected);
    },
  );

  await t.step({
    name:
      `the server's language decides nothing: policies, altered tables and a lost right are told by their codes${GERMAN_NOTE}`,
    ignore: !HAS_GERMAN,
    fn: async () => {
      await database.run(
        `ALTER DATABASE test SET lc_messages = '${GERMAN}'`,
        "CREATE TABLE policed (uid int, name text)",
        "ALTER TABLE policed ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY small ON policed USING (true) WITH CHECK (uid < 100)",
        "CREATE ROLE german LOGIN PASSWORD 'german'",
        "GRANT INSERT, SELECT, UPDATE ON policed TO german",
        "GRANT ALL ON SCHEMA public TO german",
      );
      await using sql = await SqlServer.start({
        url: database.url.replace(/tester:[^@]+/, "german:german"),
        exactly_once: false,
        tables: ["policed"],
        statements: { bump: "WITH x AS (UPDATE policed SET uid = uid RETURNING *) SELECT * FROM x" },
        queries: { all: "SELECT * FROM policed ORDER BY uid" },
        wait: "100ms",
      }, allowed);
      const insert = (uid: number) =>
        sql.call(1001, { table: "policed", row: { uid } }) as Promise<JsonObject>;
      const [good, bad] = await Promise.all([insert(1), insert(100), insert(2), insert(3)]);
      assertEquals(good, { rows: 1 });
      assertEquals(bad?.["code"], 40);
      // In German, or this shows nothing.
      assertStringIncludes(String(bad?.["errmsg"]), "neue Zeile verletzt Policy");
      assertEquals((await insert(200))["code"], 40);
      assertEquals(await sql.call(1002, { statement: "bump" }), { rows: 3 });
      assertEquals(
        ((await sql.call(1003, { query: "all" })) as JsonObject)["rows"],
        [1, 2, 3].map((uid) => ({
          uid,
          name: null,
        })),
      );
      await database.run("ALTER TABLE policed ADD COLUMN more int");
      assertEquals(await sql.call(1002, { statement: "bump" }), { rows: 3 });
      assertEquals(await sql.call(1001, { table: "policed", row: { uid: 4, more: 5 } }), { rows: 1 });
      const { rows } = await sql.call(1003, { query: "all" }) as { rows: JsonObject[] };
      assertEquals(rows.at(-1), { uid: 4, name: null, more: 5 });
      await database.run("REVOKE INSERT ON policed FROM german");
      await sql.enqueue(1001, { table: "policed", row: { uid: 5 } });
      assertEquals((await insert(6))["code"], 14);
      await database.run("GRANT INSERT ON policed TO german");
      await sql.settled();
      assertEquals(sql.server.plugin("sql").dead, 0);
      assertEquals(await database.number("SELECT count(*) FROM policed WHERE uid IN (5, 6)"), 1);
      await database.run("ALTER DATABASE test RESET lc_messages");
    },
  });
}

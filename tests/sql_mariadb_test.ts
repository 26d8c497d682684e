import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DatabaseServer, HAS_MARIADB, MARIADB_NOTE } from "./support/database_servers.ts";
import { onlyPort, SqlServer, sqlSteps } from "./support/sql_steps.ts";

const WAITING = "SELECT variable_value FROM information_schema.global_status " +
  "WHERE variable_name = 'INNODB_ROW_LOCK_CURRENT_WAITS'";

Deno.test({
  name: `the plugin sql writes into MariaDB${MARIADB_NOTE}`,
  ignore: !HAS_MARIADB,
  fn: async (t) => {
    await using database = await DatabaseServer.mariadb();
    const allowed = onlyPort(database.port);
    await sqlSteps(t, database, WAITING);

    await t.step("values of every type come back as they went", async () => {
      await database.run(
        "CREATE TABLE kinds (id int, big bigint, amount decimal(20,5), ratio double, yes boolean, words text, " +
          "day date, at datetime(3), seen timestamp, doc json, raw blob, mood enum('good','bad'), seven int DEFAULT 7, " +
          "twice int GENERATED ALWAYS AS (id * 2))",
      );
      const queries = { all: "SELECT * FROM kinds ORDER BY id" };
      await using sql = await SqlServer.start({ url: database.url, tables: ["kinds"], queries }, allowed);
      const row = {
        id: 1,
        big: "9007199254740993",
        amount: "12345678901234.56789",
        ratio: 0.1,
        yes: true,
        words: "Ä€😀 '\" \\ ? :id {}",
        day: "2026-02-28",
        at: "2026-02-28T12:30:00.250Z",
        seen: "2026-02-28T12:30:00Z",
        doc: { a: [1, null, "x"] },
        raw: "AAH/",
        mood: "good",
      };
      const empty = Object.fromEntries(
        Object.keys(row).map((name) => [name, name === "seen" ? row.seen : null]),
      );
      assertEquals(await sql.call(1001, { table: "kinds", rows: [row, { ...empty, id: 2 }] }), { rows: 2 });
      assertEquals(await sql.call(1003, { query: "all" }), {
        rows: [{
          ...row,
          // MariaDB keeps JSON as text.
          doc: '{"a":[1,null,"x"]}',
          yes: 1,
          at: "2026-02-28 12:30:00.250",
          seen: "2026-02-28 12:30:00",
          seven: 7,
          twice: 2,
        }, { ...empty, id: 2, seen: "2026-02-28 12:30:00", seven: 7, twice: 4 }],
        more: false,
      });
      const told = await sql.call(1001, { table: "kinds", row: { id: 3, twice: 1 } }) as { errmsg: string };
      assertStringIncludes(told.errmsg, 'column "twice" of kinds may not be written');
    });

    await t.step("a table that knows no transactions is refused", async () => {
      await database.run("CREATE TABLE old (id int) ENGINE = MyISAM");
      const start = () => SqlServer.start({ url: database.url, tables: ["old"] }, allowed);
      const error = await assertRejects(start, Error);
      assertStringIncludes(error.message, "table old: its engine MyISAM knows no transactions");
    });
  },
});

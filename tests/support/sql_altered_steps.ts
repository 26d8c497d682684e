import { assertEquals, assertStringIncludes } from "@std/assert";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import type { DatabaseServer } from "./database_servers.ts";
import { onlyPort, SqlServer } from "./sql_server.ts";

/** A column that is altered while the plugin runs, and what is written into it and read of it then. */
export interface Alteration {
  readonly from: string;
  readonly to: string;
  readonly written: JsonValue;
  readonly read: JsonValue;
  /** A statement would take it otherwise. */
  readonly isOfTables?: true;
}

/** Tables that are altered under a plugin that runs: nothing has to be said to it. */
export async function sqlAlteredSteps(
  t: Deno.TestContext,
  database: DatabaseServer,
  alterations: readonly Alteration[],
  alter: (table: string, column: string, type: string) => string,
): Promise<void> {
  await t.step(
    "a column whose type is altered takes what its new type takes, from the next row on",
    async () => {
      const columns = alterations.map(({ from }, at) => `c${at} ${from}`).join(", ");
      await database.run(`CREATE TABLE altered (id int, ${columns})`);
      await using sql = await SqlServer.start({
        url: database.url,
        tables: ["altered"],
        statements: Object.fromEntries(alterations.flatMap((_, at) => [
          [`plain${at}`, `INSERT INTO altered (id, c${at}) VALUES (:id, :value)`],
          [`update${at}`, `UPDATE altered SET c${at} = :value WHERE id = :id`],
        ])),
        queries: { all: "SELECT * FROM altered WHERE id >= 0 ORDER BY id" },
      }, onlyPort(database.port));
      const writes = (at: number, isOfTables: boolean, value: JsonValue) => [
        () => sql.call(1001, { table: "altered", row: { id: 1, [`c${at}`]: value } }),
        ...isOfTables ? [] : [
          () => sql.call(1002, { statement: `plain${at}`, params: { id: 2, value } }),
          () => sql.call(1002, { statement: `update${at}`, params: { id: -1, value } }),
        ],
      ];
      await database.run("INSERT INTO altered (id) VALUES (-1)");
      for (const [at, { from, to, written, read, isOfTables = false }] of alterations.entries()) {
        const what = `${from} to ${to}`;
        // So each statement has met the type of before.
        for (const write of writes(at, isOfTables, null)) assertEquals(await write(), { rows: 1 }, what);
        await database.run(alter("altered", `c${at}`, to));
        for (const write of writes(at, isOfTables, written)) assertEquals(await write(), { rows: 1 }, what);
        await database.run("UPDATE altered SET id = id + 2 WHERE id = -1");
        const { rows } = await sql.call(1003, { query: "all" }) as { rows: JsonObject[] };
        const values = rows.map((row) => row[`c${at}`]).filter((value) => value !== null);
        assertEquals<unknown>(values, isOfTables ? [read] : [read, read, read], what);
        await database.run("DELETE FROM altered", "INSERT INTO altered (id) VALUES (-1)");
      }
    },
  );

  await t.step(
    "a column that is added may be written at once, one that is dropped no more, and rows beside them are",
    async () => {
      await database.run("CREATE TABLE grown (id int, old int)");
      await using sql = await SqlServer.start(
        {
          url: database.url,
          tables: ["grown"],
          queries: { all: "SELECT * FROM grown ORDER BY id" },
          wait: "50ms",
        },
        onlyPort(database.port),
      );
      const insert = (row: JsonObject) => sql.call(1001, { table: "grown", row });
      const refused = await insert({ id: 1, fresh: 1 });
      assertStringIncludes(JSON.stringify(refused), '"code":42');
      assertEquals(await insert({ id: 1, old: 1 }), { rows: 1 });
      await database.run("ALTER TABLE grown ADD COLUMN fresh int");
      assertEquals(
        await Promise.all([
          insert({ id: 2, fresh: 2 }),
          insert({ id: 3, old: 3 }),
          insert({ id: 4, nope: 1 }),
        ]),
        [
          { rows: 1 },
          { rows: 1 },
          { code: 42, errmsg: 'column "nope" of grown may not be written: there are id, old, fresh' },
        ],
      );
      await database.run("ALTER TABLE grown DROP COLUMN old");
      assertEquals(await Promise.all([insert({ id: 5, fresh: 5 }), insert({ id: 6, old: 6 })]), [
        { rows: 1 },
        { code: 42, errmsg: 'column "old" of grown may not be written: there are id, fresh' },
      ]);
      assertEquals((await sql.call(1003, { query: "all" }) as JsonObject)["rows"], [
        { id: 1, fresh: null },
        { id: 2, fresh: 2 },
        { id: 3, fresh: null },
        { id: 5, fresh: 5 },
      ]);
    },
  );
}

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import type { DatabaseServer } from "./database_servers.ts";
import { onlyPort, PATIENCE_MS, SqlServer } from "./sql_server.ts";
import { until } from "./until.ts";

/** How a database says what is wrong, as its triggers can do it. */
export interface Faults {
  /** What makes the table `troubled` (id, code), where a row with a code fails with that code while the table `trouble` has a row. */
  readonly create: readonly string[];
  /** Codes that are the server's, whatever the row: some of those that are known, and some that nobody knows. */
  readonly ofServer: readonly string[];
  /** Codes that are known to be a row's. */
  readonly ofRow: readonly string[];
  /** Codes that may be either. */
  readonly ofEither: readonly string[];
}

/** Whose fault an error is: found out by its class, never by its text. */
export async function sqlFaultSteps(
  t: Deno.TestContext,
  database: DatabaseServer,
  faults: Faults,
): Promise<void> {
  const { create, ofServer, ofRow, ofEither } = faults;
  await database.run(...create);
  await using sql = await SqlServer.start(
    { url: database.url, tables: ["troubled", "visits"], wait: "50ms", batch: 500 },
    { ...onlyPort(database.port), timeout: 10_000 },
  );
  const rowOf = (id: number, code: string | null) => ({ table: "troubled", row: { id, code } });
  const insert = (id: number, code: string | null) => sql.enqueue(1001, rowOf(id, code));
  /** Waits until so many operations more have been done. */
  const doneAfter = async (count: number, work: () => Promise<unknown>) => {
    const before = sql.server.plugin("sql").done;
    await work();
    await until(
      "the rows of another table are there",
      () => sql.server.plugin("sql").done === before + count,
      PATIENCE_MS,
    );
    assertEquals(await database.number("SELECT count(*) FROM visits"), count);
  };

  await t.step(
    "what is the server's fault kills no row: all are written when it is over, and others meanwhile",
    async () => {
      await database.run("INSERT INTO trouble VALUES (1)", "DELETE FROM visits");
      const codes = [...ofServer, ...ofEither];
      await Promise.all(codes.map((code, id) => insert(id, code)));
      // Nobody is held up by it.
      await doneAfter(100, () => sql.insertVisits(0, 100));
      assertEquals(await database.number("SELECT count(*) FROM troubled"), 0);
      await database.run("DELETE FROM trouble");
      await sql.settled();
      assertEquals(sql.server.plugin("sql").dead, 0);
      assertEquals(await database.number("SELECT count(*) FROM troubled"), codes.length);
    },
  );

  await t.step("what is a row's fault, or must be as others pass, kills that row alone", async () => {
    await database.run("DELETE FROM troubled", "INSERT INTO trouble VALUES (1)");
    const bad = [...ofRow, ...ofEither];
    let good = 0;
    await Promise.all(bad.map((code, at) => insert(-1 - at, code)));
    await until("all bad rows are dead letters", async () => {
      assertEquals(await sql.call(1001, rowOf(good++, null)), { rows: 1 });
      return sql.server.plugin("sql").dead === bad.length;
    }, PATIENCE_MS);
    await sql.settled();
    assertEquals(sql.server.plugin("sql").failed, bad.length);
    assertEquals(await database.number("SELECT count(*) FROM troubled"), good);
    assertEquals(await database.number("SELECT count(*) FROM troubled WHERE id < 0"), 0);
  });

  await t.step(
    "a table that is not there for a while is waited for, and the others are written",
    async () => {
      const { dead } = sql.server.plugin("sql");
      await database.run("DELETE FROM visits", "ALTER TABLE troubled RENAME TO away");
      await insert(1_000_000, null);
      await doneAfter(10, () => sql.insertVisits(0, 10));
      const told = await sql.call(1001, { table: "troubled", row: { id: 1 } }) as JsonObject;
      assertEquals(told["code"], 14);
      await database.run("ALTER TABLE away RENAME TO troubled");
      await sql.settled();
      assertEquals(sql.server.plugin("sql").dead, dead);
      assertEquals(await database.number("SELECT count(*) FROM troubled WHERE id = 1000000"), 1);
    },
  );
}

/** A server that takes no packets above 1 MiB. */
export async function sqlPacketStep(t: Deno.TestContext, database: DatabaseServer): Promise<void> {
  await t.step(
    "a row above the server's packet size is a dead letter, alone, that names the size; batches are cut by bytes",
    async () => {
      await database.run(
        "SET GLOBAL max_allowed_packet = 1048576",
        "CREATE TABLE pages (id int, body longtext)",
      );
      await using sql = await SqlServer.start({
        url: database.url,
        tables: ["pages"],
        statements: {
          add: "INSERT INTO pages (id, body) VALUES (:id, :body) ON DUPLICATE KEY UPDATE id = :id",
        },
        queries: { one: "SELECT count(*) AS found FROM pages WHERE body = :body" },
        wait: "50ms",
      }, onlyPort(database.port));
      const insert = (id: number, body: string) => sql.enqueue(1001, { table: "pages", row: { id, body } });
      // In UTF-16 these are a third of what they are in UTF-8.
      const chinese = "汉".repeat(20_000);
      await Promise.all([
        ...Array.from({ length: 60 }, (_, id) => insert(id, chinese)),
        insert(-1, "x".repeat(2_000_000)),
        ...Array.from({ length: 20 }, (_, id) => insert(60 + id, "short")),
      ]);
      await sql.settled();
      assertEquals(sql.server.plugin("sql").dead, 1);
      assertEquals(await database.number("SELECT count(*) FROM pages"), 80);
      assertEquals(await database.number("SELECT count(*) FROM pages WHERE body = REPEAT('汉', 20000)"), 60);
      assertEquals(sql.server.plugin("sql").counters["reconnects"] ?? 0, 0);
      const big = "é".repeat(600_000);
      const answers = await Promise.all([
        sql.call(1001, { table: "pages", row: { id: -1, body: big } }),
        sql.call(1002, { statement: "add", params: { id: -1, body: big } }),
        sql.call(1003, { query: "one", params: { body: big } }),
      ]);
      for (const answer of answers) {
        const { code, errmsg } = answer as { code: number; errmsg: string };
        assertEquals(code, 40, errmsg);
        assertStringIncludes(errmsg, "max_allowed_packet = 1048576");
        assert(/it has 120\d{4} bytes/.test(errmsg), errmsg);
      }
      await database.run("SET GLOBAL max_allowed_packet = 16777216");
    },
  );
}

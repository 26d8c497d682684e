import { assert, assertEquals } from "@std/assert";
import { type Cut, CuttingProxy } from "./cutting_proxy.ts";
import type { DatabaseServer } from "./database_servers.ts";
import { startThrough } from "./sql_server.ts";

const LOST = 5;

/** Connections that are cut, with the table `visits`: before something arrives, or before its answer does. */
export async function sqlCutSteps(t: Deno.TestContext, database: DatabaseServer): Promise<void> {
  await database.run("CREATE TABLE marked (uid int, op varchar(80) UNIQUE)");
  await using proxy = new CuttingProxy(database.port, () => undefined);
  await using sql = await startThrough(proxy, {
    url: database.url,
    tables: ["visits"],
    batch: 20,
    wait: "0ms",
  });
  await using forgetfulProxy = new CuttingProxy(database.port, () => undefined);
  await using forgetful = await startThrough(forgetfulProxy, {
    url: database.url,
    tables: ["visits", "marked"],
    exactly_once: false,
    idempotency: { marked: "op" },
  });

  /** Cuts the first COMMITs that come. */
  const cutCommits = (of: CuttingProxy, cut: Cut) => {
    let left = LOST;
    of.cuts = 0;
    of.judge = (piece) => piece.includes("COMMIT") && left-- > 0 ? cut : undefined;
  };
  const insertTen = async (of: typeof sql) => {
    await database.run("DELETE FROM visits");
    for (let uid = 0; uid < 10; uid++) {
      assertEquals(await of.call(1001, { table: "visits", row: { uid } }), { rows: 1 });
    }
  };
  /** So many rows, and so many different ones. */
  const assertVisits = async (rows: number, different = rows) => {
    assertEquals([
      await database.number("SELECT count(*) FROM visits"),
      await database.number("SELECT count(DISTINCT uid) FROM visits"),
    ], [rows, different]);
  };

  await t.step("connections that are cut at any moment lose and double nothing", async () => {
    await database.run("DELETE FROM visits");
    proxy.judge = () => Math.random() < 0.05 ? Math.random() < 0.5 ? "before" : "after" : undefined;
    for (let round = 0; round < 20; round++) {
      await sql.insertVisits(round * 50, 50);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await sql.settled();
    proxy.judge = () => undefined;
    assert(proxy.cuts > 3, `${proxy.cuts} connections were cut`);
    assertEquals(sql.server.plugin("sql").done, 1000);
    await assertVisits(1000);
  });

  await t.step("a COMMIT whose answer is lost is done once; without exactly_once, twice", async () => {
    cutCommits(proxy, "after");
    await insertTen(sql);
    assertEquals(proxy.cuts, LOST);
    await assertVisits(10);
    cutCommits(forgetfulProxy, "after");
    await insertTen(forgetful);
    assertEquals(forgetfulProxy.cuts, LOST);
    await assertVisits(15, 10);
  });

  await t.step(
    "a COMMIT whose answer is lost is done once without mevent_writers, too, where the table has a column for ids",
    async () => {
      cutCommits(forgetfulProxy, "after");
      for (let uid = 0; uid < 10; uid++) {
        assertEquals(await forgetful.call(1001, { table: "marked", rows: [{ uid }, { uid }] }), { rows: 2 });
      }
      assertEquals(forgetfulProxy.cuts, LOST);
      assertEquals(await database.number("SELECT count(*) FROM marked"), 20);
      assertEquals(await database.number("SELECT count(DISTINCT uid) FROM marked"), 10);
    },
  );

  await t.step("a COMMIT that never reached the database is done again", async () => {
    cutCommits(proxy, "before");
    await insertTen(sql);
    assertEquals(proxy.cuts, LOST);
    await assertVisits(10);
  });
}

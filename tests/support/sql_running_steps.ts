import { assert, assertEquals } from "@std/assert";
import { Connection } from "../../src/client/mod.ts";
import type { DatabaseServer } from "./database_servers.ts";
import { CALL_MS, onlyPort, PATIENCE_MS, SqlServer } from "./sql_server.ts";
import { until } from "./until.ts";

/** What a server that runs goes through with the table `visits`: many callers, and a database that comes and goes. */
export async function sqlRunningSteps(t: Deno.TestContext, database: DatabaseServer): Promise<void> {
  await using sql = await SqlServer.start({ url: database.url, tables: ["visits"], batch: 100 }, {
    ...onlyPort(database.port),
    healthInterval: 50,
  });
  const assertVisits = async (count: number) => {
    assertEquals([
      await database.number("SELECT count(*) FROM visits"),
      await database.number("SELECT count(DISTINCT uid) FROM visits"),
    ], [count, count]);
  };
  const unhealthy = (count: number) =>
    until(
      `${count} workers are not well`,
      () => sql.server.plugin("sql").unhealthy_workers === count,
      PATIENCE_MS,
    );

  await t.step("a worker that has lost its connection is not well until it has another", async () => {
    await unhealthy(0);
    await database.stop();
    await unhealthy(1);
    await database.start();
    // Nobody writes: the look itself connects.
    await unhealthy(0);
    await sql.counted("reconnects", 1);
  });

  await t.step("a database that is stopped and started again loses and doubles nothing", async () => {
    await database.run("DELETE FROM visits");
    await sql.insertVisits(0, 500);
    await database.stop("crash");
    await sql.insertVisits(500, 500);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert(sql.server.plugin("sql").done < 1000);
    await database.start();
    await sql.insertVisits(1000, 500);
    await sql.settled();
    assertEquals(sql.server.plugin("sql").done, 1500);
    await assertVisits(1500);
    await sql.counted("reconnects", 2);
  });

  await t.step("50 connections' async inserts are there exactly once", async () => {
    await database.run("DELETE FROM visits");
    const path = sql.server.unix;
    await Promise.all(Array.from({ length: 50 }, async (_, connection) => {
      await using client = await Connection.connect({ transport: "unix", path }, { timeoutMs: CALL_MS });
      for (let part = 0; part < 5; part++) {
        await Promise.all(Array.from({ length: 20 }, async (_, index) => {
          const uid = connection * 100 + part * 20 + index;
          const answer = await client.request("sql", 1001, { table: "visits", row: { uid, name: "Ann" } }, {
            sync: false,
          });
          assertEquals(answer.code, 1000);
        }));
      }
    }));
    await sql.settled();
    await assertVisits(5000);
  });
}

import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import type { DatabaseServer } from "./database_servers.ts";
import { HAS_POOLER, Pooler, POOLER_NOTE } from "./pooler.ts";
import { assertRefused, assertUnfit, KEYS, onlyPort, SqlServer } from "./sql_server.ts";

const ROWS = 300;

/** A real PgBouncer before PostgreSQL: each transaction may meet another of its connections. */
export async function sqlPoolerSteps(t: Deno.TestContext, database: DatabaseServer): Promise<void> {
  const configOf = (port: number, more: JsonObject = {}): JsonObject => ({
    url: database.urlAt(port),
    tables: ["pooled"],
    statements: {
      plain: "INSERT INTO pooled (uid, name) VALUES (:uid, upper(:name))",
      count: "UPDATE sums SET n = n + :by WHERE id = :id",
    },
    queries: { found: "SELECT count(*) AS n FROM pooled WHERE uid >= :from" },
    wait: "0ms",
    batch: 50,
    ...more,
  });
  /** Writes by all ways at once; each row is to be there once, and each sum to be exact. */
  const writeAll = async (sql: SqlServer) => {
    await database.run(
      "TRUNCATE pooled",
      "TRUNCATE sums",
      "INSERT INTO sums SELECT id, 0 FROM generate_series(0, 9) id",
    );
    await Promise.all(
      Array.from(
        { length: ROWS },
        (_, uid) =>
          uid < ROWS / 3
            ? sql.enqueue(1001, { table: "pooled", row: { uid, name: "x" } })
            : uid < ROWS / 3 * 2
            ? sql.enqueue(1002, { statement: "plain", params: { uid, name: "x" } })
            : sql.enqueue(1002, { statement: "count", params: { id: uid % 10, by: 1 } }),
      ),
    );
    const { rows } = await sql.call(1003, { query: "found", params: { from: 0 } }) as { rows: JsonObject[] };
    assert(Number(rows[0]?.["n"]) >= 0);
    await sql.settled();
    const { done, dead } = sql.server.plugin("sql");
    assertEquals([done, dead], [ROWS + 1, 0]);
    assertEquals(await database.number("SELECT count(DISTINCT uid) FROM pooled"), Math.ceil(ROWS / 3 * 2));
    assertEquals(
      await database.number("SELECT count(*) + (SELECT sum(n) FROM sums) FROM pooled"),
      ROWS,
    );
  };
  const remarks = (sql: SqlServer) =>
    sql.server.log.filter((line) => line.includes("pooler such as PgBouncer")).length;
  const step = (name: string, work: () => Promise<void>) =>
    t.step({ name: `${name}${POOLER_NOTE}`, ignore: !HAS_POOLER, fn: work });
  if (HAS_POOLER) {
    await database.run(
      "CREATE TABLE pooled (uid int, name text)",
      "CREATE TABLE sums (id int PRIMARY KEY, n int)",
    );
  }

  await step(
    "behind PgBouncer's transaction pooling all is written once, by several workers, at each start and reload",
    async () => {
      await using pooler = await Pooler.start(database, "transaction", 2);
      const allowed = { ...onlyPort(pooler.port), workers: 3 };
      for (const poolIsUsed of [false, true]) {
        await using sql = await SqlServer.start(configOf(pooler.port), allowed);
        await writeAll(sql);
        assertEquals(remarks(sql) > 0, true);
        if (!poolIsUsed) continue;
        const queries = { all: "SELECT count(*) AS n FROM sums" };
        const report = await sql.server.reload({
          server: KEYS,
          plugins: [{ name: "sql", config: configOf(pooler.port, { queries }), ...allowed }],
        });
        assertEquals(report.unchanged, false);
        assertEquals(await sql.call(1003, { query: "all" }), { rows: [{ n: 10 }], more: false });
      }
    },
  );

  await step("one connection of the pool is enough, and so is session pooling", async () => {
    for (const mode of ["transaction", "session"] as const) {
      await using pooler = await Pooler.start(database, mode, 1);
      await using sql = await SqlServer.start(configOf(pooler.port), onlyPort(pooler.port));
      await writeAll(sql);
    }
  });

  await step(
    "statements that were kept behind a pooler against its nature are given up, and nothing is lost",
    async () => {
      await using pooler = await Pooler.start(database, "transaction", 2);
      await using sql = await SqlServer.start(configOf(pooler.port, { prepare: true }), {
        ...onlyPort(pooler.port),
        workers: 3,
      });
      await writeAll(sql);
    },
  );

  await step("statement pooling, which knows no transactions, is refused at the start", async () => {
    await using pooler = await Pooler.start(database, "statement", 1);
    await assertRefused(configOf(pooler.port), onlyPort(pooler.port), "statement pooling");
    for (const more of [{ exactly_once: false }, { prepare: false }]) {
      await assertUnfit(configOf(pooler.port, more), "statement pooling");
    }
  });

  await step("without a pooler statements are kept prepared, unless the config says otherwise", async () => {
    for (const prepare of [undefined, false]) {
      const more: JsonObject = prepare === undefined ? {} : { prepare };
      await using sql = await SqlServer.start(configOf(database.port, more), onlyPort(database.port));
      await writeAll(sql);
      assertEquals(remarks(sql), prepare === undefined ? 0 : 1);
    }
  });
}

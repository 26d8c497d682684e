import { assertEquals, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { CuttingProxy } from "./cutting_proxy.ts";
import type { DatabaseServer } from "./database_servers.ts";
import {
  assertRefused,
  assertUnfit,
  onlyPort,
  PATIENCE_MS,
  SqlServer,
  startThrough,
  VISITS,
} from "./sql_server.ts";
import { sqlRunningSteps } from "./sql_running_steps.ts";
import { until } from "./until.ts";

/** How a database deals with transactions that wait for each other. */
export interface Locks {
  /** A query for the number of those that wait. */
  readonly waiting: string;
  /** What makes sessions that begin from then on look for a deadlock late, if they look by themselves; and what undoes it. */
  readonly late: readonly string[];
  readonly soon: readonly string[];
}

/** What holds for every database that is a server. */
export async function sqlSteps(
  t: Deno.TestContext,
  database: DatabaseServer,
  { waiting, late, soon }: Locks,
): Promise<void> {
  const allowed = onlyPort(database.port);
  const config: JsonObject = { url: database.url, tables: ["visits"] };
  /** Each was to be there once. */
  const assertVisits = async (count: number) => {
    assertEquals([
      await database.number("SELECT count(*) FROM visits"),
      await database.number("SELECT count(DISTINCT uid) FROM visits"),
    ], [count, count]);
  };
  const step = (name: string, work: () => Promise<void>) =>
    t.step(name, async () => {
      await database.run("DROP TABLE IF EXISTS visits", VISITS);
      await work();
    });

  await step("a sync caller is answered after the commit, with the number of rows", async () => {
    await using sql = await SqlServer.start({
      ...config,
      statements: {
        rename: "UPDATE visits SET name = :name WHERE uid >= :from",
        add: "INSERT INTO visits (uid, name) VALUES (:uid + 100, :name)",
      },
      queries: { names: "SELECT uid, name FROM visits WHERE uid >= :from ORDER BY uid" },
      max_rows: 2,
    }, allowed);
    assertEquals(await sql.call(1001, { table: "visits", row: { uid: 1, name: "Ann" } }), { rows: 1 });
    await assertVisits(1);
    const rows = [{ uid: 2, name: "Ben" }, { uid: 3, name: null }];
    assertEquals(await sql.call(1001, { table: "visits", rows }), { rows: 2 });
    assertEquals(await sql.call(1002, { statement: "rename", params: { name: "Eve", from: 2 } }), {
      rows: 2,
    });
    const added = await Promise.all(
      [1, 2, 3].map((uid) => sql.call(1002, { statement: "add", params: { uid, name: "Dan" } })),
    );
    assertEquals(added, [{ rows: 1 }, { rows: 1 }, { rows: 1 }]);
    assertEquals(await sql.call(1003, { query: "names", params: { from: 103 } }), {
      rows: [{ uid: 103, name: "Dan" }],
      more: false,
    });
    assertEquals(await sql.call(1003, { query: "names", params: { from: 2 } }), {
      rows: [{ uid: 2, name: "Eve" }, { uid: 3, name: "Eve" }],
      more: true,
    });
    await assertVisits(6);
  });

  await step(
    "rows that the database refuses become dead letters, each with its error; the others are committed",
    async () => {
      await using sql = await SqlServer.start({ ...config, batch: 200, wait: "50ms" }, {
        ...allowed,
        retry: { maxAttempts: 5, backoff: 10, maxBackoff: 10 },
      });
      const poison = (uid: number) => uid % 97 === 5;
      await Promise.all(Array.from({ length: 1000 }, (_, uid) =>
        sql.enqueue(1001, {
          table: "visits",
          row: poison(uid)
            ? uid % 2 === 0 ? { uid: null, name: "x" } : { uid, name: "x".repeat(21) }
            : { uid, name: "x" },
        })));
      await sql.settled();
      await assertVisits(989);
      const { done, failed, dead, retries } = sql.server.plugin("sql");
      assertEquals({ done, failed, dead, retries }, { done: 989, failed: 11, dead: 11, retries: 0 });
      await sql.counted("poison_rows", 11);
    },
  );

  await step("callers are told what is wrong with their operation", async () => {
    await using sql = await SqlServer.start({
      ...config,
      tables: { visits: ["uid"] },
      statements: { add: "INSERT INTO visits (uid) VALUES (:uid)" },
    }, allowed);
    const told = async (command: number, params: JsonObject) => {
      const { code, errmsg } = await sql.call(command, params) as { code: number; errmsg: string };
      return `${code} ${errmsg}`;
    };
    assertEquals(
      await told(1001, { table: "users", row: { uid: 1 } }),
      '42 rows may not go into "users": there are visits',
    );
    assertEquals(
      await told(1001, { table: "visits", row: { uid: 1, name: "x" } }),
      '42 column "name" of visits may not be written: there are uid',
    );
    assertEquals(await told(1001, { row: { uid: 1 } }), '23 param "table" is missing; it is to be a text');
    assertEquals(await told(1001, { table: "visits" }), "42 give either row or rows");
    assertStringIncludes(
      await told(1001, { table: "visits", rows: [{ uid: 1 }, {}] }),
      "42 a row without columns",
    );
    assertEquals(await told(1002, { statement: "drop" }), '42 there is no statement "drop": there are add');
    assertEquals(await told(1002, { statement: "add", params: {} }), "42 statement add needs the param uid");
    assertEquals(await told(1003, { query: "all" }), '42 there is no query "all": the config names none');
    assertStringIncludes(await told(1002, { statement: "add", params: { uid: "one" } }), "40 ");
    await assertVisits(0);
  });

  await step(
    "a config that the database refuses keeps the server from starting, with a sentence and without the password",
    async () => {
      const refused = (wrong: JsonObject, sentence: string) => assertUnfit({ ...config, ...wrong }, sentence);
      const wrongPassword = { ...config, url: database.url.replace(/s3cret[^@]*/, "wrong") };
      await assertRefused(wrongPassword, allowed, "tester");
      await assertRefused({ ...config, queries: { all: "SELECT page FROM visits" } }, allowed, "query all: ");
      await refused({ url: database.url.replace("/test", "/nowhere") }, "nowhere");
      await refused({ tables: ["visits", "users"] }, "table users: there is none");
      await refused(
        { tables: { visits: ["uid", "page"] } },
        "table visits: column page: there are uid, name",
      );
      await refused({ statements: { add: "INSERT INTO users (id) VALUES (:id)" } }, "statement add: ");
      await refused({ statements: { add: "DROP TABLE visits" } }, "statement add: it begins with DROP");
    },
  );

  await step(
    "what could not be written in time gets in line again, and its sync callers are told",
    async () => {
      await using sql = await SqlServer.start(config, { ...allowed, timeout: 1000 });
      await database.stop();
      await sql.insertVisits(0, 10);
      const { code, errmsg } = await sql.call(1001, { table: "visits", row: { uid: 100 } }) as {
        code: number;
        errmsg: string;
      };
      assertEquals(code, 14);
      assertStringIncludes(errmsg, "cannot be reached");
      await database.start();
      await sql.settled();
      assertEquals(sql.server.plugin("sql").dead, 0);
      await assertVisits(10);
    },
  );

  await step("an outcome that stays unknown is told, and the operation is not tried again", async () => {
    let isDead = false;
    await using proxy = new CuttingProxy(database.port, (piece) => {
      isDead ||= piece.includes("COMMIT");
      return isDead ? "mute" : undefined;
    });
    await using sql = await startThrough(proxy, { ...config, wait: "200ms" }, {
      timeout: 2000,
      retry: { maxAttempts: 5, backoff: 10, maxBackoff: 10 },
    });
    await sql.insertVisits(0, 3);
    await sql.settled();
    const { failed, dead, retries } = sql.server.plugin("sql");
    assertEquals({ failed, dead, retries }, { failed: 3, dead: 3, retries: 0 });
    const { code, errmsg } = await sql.call(1001, { table: "visits", row: { uid: 9 } }) as {
      code: number;
      errmsg: string;
    };
    // Nothing of this one was sent: the proxy lets no connection come about.
    assertEquals(code, 14, errmsg);
    isDead = false;
    await assertVisits(3);
  });

  await step("a transaction that dies in a deadlock is done again", async () => {
    await database.run(
      "CREATE TABLE accounts (uid int PRIMARY KEY, name varchar(20))",
      ...Array.from({ length: 20 }, (_, uid) => `INSERT INTO accounts VALUES (${uid}, 'free')`),
    );
    const statements = { rename: "UPDATE accounts SET name = :name WHERE uid = :uid" };
    await database.run(...late);
    await using sql = await SqlServer.start({ url: database.url, statements, wait: "200ms" }, allowed);
    const other = await database.connect();
    await other.begin();
    // Much to roll back: where the server weighs whom to end, it is the plugin.
    await other.ledger("UPDATE accounts SET name = 'other' WHERE uid > 1", []);
    const both = [1, 2].map((uid) =>
      sql.call(1002, { statement: "rename", params: { uid, name: "plugin" } })
    );
    await until("the plugin waits for a row", async () => await database.number(waiting) > 0, PATIENCE_MS);
    await other.ledger("UPDATE accounts SET name = 'other' WHERE uid = 1", []);
    await other.commit();
    await other.close();
    await database.run(...soon);
    assertEquals(await Promise.all(both), [{ rows: 1 }, { rows: 1 }]);
    await sql.counted("transactions_retried", 1);
    assertEquals(await database.number("SELECT count(*) FROM accounts WHERE name = 'plugin'"), 2);
  });

  await sqlRunningSteps(t, database);

  await step("a writer forgets its row in mevent_writers when it stops", async () => {
    await database.run("DELETE FROM mevent_writers");
    {
      await using sql = await SqlServer.start(config, { ...allowed, workers: 2 });
      await sql.call(1001, { table: "visits", row: { uid: 1 } });
      assertEquals(await database.number("SELECT count(*) FROM mevent_writers"), 2);
    }
    assertEquals(await database.number("SELECT count(*) FROM mevent_writers"), 0);
  });
}

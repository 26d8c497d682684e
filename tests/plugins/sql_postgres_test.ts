import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { CuttingProxy } from "../support/cutting_proxy.ts";
import { DatabaseServer, HAS_POSTGRES, POSTGRES_NOTE } from "../support/database_servers.ts";
import { KINDS, sqlKindsStep } from "../support/sql_kinds_step.ts";
import { sqlAlteredSteps } from "../support/sql_altered_steps.ts";
import { alterPostgres, POSTGRES_ALTERATIONS } from "../support/sql_alterations.ts";
import { sqlCutSteps } from "../support/sql_cut_steps.ts";
import { sqlFaultSteps } from "../support/sql_fault_steps.ts";
import { POSTGRES_FAULTS } from "../support/sql_faults.ts";
import { sqlPostgresSteps } from "../support/sql_postgres_steps.ts";
import { IDEMPOTENCY_TABLES, sqlIdempotencySteps } from "../support/sql_idempotency_step.ts";
import { sqlNumberStep } from "../support/sql_number_step.ts";
import { sqlPoolerSteps } from "../support/sql_pooler_steps.ts";
import { assertUnfit, onlyPort, SqlServer, startThrough } from "../support/sql_server.ts";
import { type Locks, sqlSteps } from "../support/sql_steps.ts";
import { until } from "../support/until.ts";

const LOCKS: Locks = {
  waiting: "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
  late: ["ALTER DATABASE test SET deadlock_timeout = '3s'"],
  soon: ["ALTER DATABASE test RESET deadlock_timeout"],
};
/** The plugin's connections. */
const PLUGIN = "FROM pg_stat_activity WHERE application_name = 'mevent' AND pid <> pg_backend_pid()";

Deno.test({
  name: `the plugin sql writes into PostgreSQL${POSTGRES_NOTE}`,
  ignore: !HAS_POSTGRES,
  fn: async (t) => {
    await using database = await DatabaseServer.postgres();
    const allowed = onlyPort(database.port);
    await sqlSteps(t, database, LOCKS);
    await sqlCutSteps(t, database);

    const row = {
      ...KINDS,
      at: "2026-02-28T12:30:00.25+00:00",
      many: "{1,2}",
      key: "5cc59a96-7c2c-4d35-b5a3-8e9b5b1c6c1f",
    };
    await sqlKindsStep(t, database, {
      create: [
        "CREATE TYPE mood AS ENUM ('good', 'bad')",
        "CREATE TABLE kinds (id int, big bigint, amount numeric(20,5), ratio double precision, yes boolean, words text, " +
        "day date, at timestamptz, doc jsonb, raw bytea, many int[], key uuid, mood mood, seven int DEFAULT 7, " +
        "twice int GENERATED ALWAYS AS (id * 2) STORED, serial int GENERATED ALWAYS AS IDENTITY)",
      ],
      row,
      notNull: {},
      read: ([first], empty) => {
        // In the server's time zone.
        const at = String(first?.["at"]);
        assertEquals(new Date(at.replace(" ", "T") + ":00").getTime(), new Date(row.at).getTime());
        return [
          { ...row, at, seven: 7, twice: 2, serial: 1 },
          { ...empty, seven: 7, twice: 4, serial: 2 },
        ];
      },
      generated: "serial",
    });

    await sqlPostgresSteps(t, database);
    await sqlAlteredSteps(t, database, POSTGRES_ALTERATIONS, alterPostgres);
    await sqlFaultSteps(t, database, POSTGRES_FAULTS);
    await sqlPoolerSteps(t, database);
    await database.run(
      "CREATE TABLE numbers (id serial, t text, w bigint, x numeric, d double precision, j jsonb)",
      ...IDEMPOTENCY_TABLES,
    );
    const config = { url: database.url };
    await sqlNumberStep(t, { place: 0, config, allowed });
    await sqlIdempotencySteps(t, { config, allowed, unless: "ON CONFLICT (op) DO NOTHING" });

    await t.step(
      "a column for the operation's id that is unique only at the COMMIT is refused at the start",
      async () => {
        await database.run("CREATE TABLE deferred (op varchar(80) UNIQUE DEFERRABLE, n int)");
        const idempotency = { deferred: "op" };
        await assertUnfit(
          { ...config, tables: ["deferred"], idempotency },
          "it needs a UNIQUE index of its own",
        );
      },
    );

    await t.step(
      "a whole number that a double does not hold is refused in statements and queries, too",
      async () => {
        await database.run(
          "CREATE TABLE doubles (d double precision)",
          "INSERT INTO doubles VALUES (9007199254740992)",
        );
        await using sql = await SqlServer.start({
          ...config,
          statements: {
            plain: "INSERT INTO doubles VALUES (:d)",
            update: "UPDATE doubles SET d = :d",
            exact: "INSERT INTO doubles SELECT 1 WHERE :d::numeric > 0",
          },
          queries: { found: "SELECT count(*) AS n FROM doubles WHERE d = :d" },
        }, allowed);
        for (const d of [9007199254740993n, "9007199254740993", "-9007199254740993.0"]) {
          for (const statement of ["plain", "update"]) {
            const refused = await sql.call(1002, { statement, params: { d } });
            assertEquals([
              (refused as JsonObject)["code"],
              await database.number("SELECT count(*) FROM doubles"),
            ], [40, 1]);
          }
          assertEquals((await sql.call(1003, { query: "found", params: { d } }) as JsonObject)["code"], 40);
        }
        const held = { d: "0.12345678901234567" };
        assertEquals(await sql.call(1002, { statement: "plain", params: held }), { rows: 1 });
        assertEquals(await sql.call(1002, { statement: "exact", params: { d: 9007199254740993n } }), {
          rows: 1,
        });
        assertEquals(await sql.call(1003, { query: "found", params: held }), {
          rows: [{ n: 1 }],
          more: false,
        });
      },
    );

    await t.step("connections that the server ends during batches lose and double nothing", async () => {
      await database.run("TRUNCATE visits");
      await using sql = await SqlServer.start({
        url: database.url,
        tables: ["visits"],
        batch: 50,
        wait: "0ms",
      }, allowed);
      for (let round = 0; round < 30; round++) {
        await sql.insertVisits(round * 100, 100);
        await database.run(`SELECT count(pg_terminate_backend(pid)) ${PLUGIN}`);
      }
      await sql.settled();
      assertEquals(sql.server.plugin("sql").done, 3000);
      assertEquals(await database.number("SELECT count(*) FROM visits"), 3000);
      assertEquals(await database.number("SELECT count(DISTINCT uid) FROM visits"), 3000);
      await sql.counted("reconnects", 1);
    });

    await t.step(
      "a connection that the server ends while it commits is made again, and so is the transaction",
      async () => {
        await database.run(
          "CREATE TABLE slow (uid int)",
          "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$",
          "CREATE CONSTRAINT TRIGGER dawdles AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED " +
            "FOR EACH ROW EXECUTE FUNCTION dawdle()",
        );
        await using sql = await SqlServer.start({ url: database.url, tables: ["slow"] }, allowed);
        const answer = sql.call(1001, { table: "slow", row: { uid: 1 } });
        const committing = `${PLUGIN} AND query = 'COMMIT' AND state = 'active'`;
        await until(
          "it commits",
          async () => await database.number(`SELECT count(*) ${committing}`) > 0,
          60_000,
        );
        await database.run(`SELECT pg_terminate_backend(pid) ${committing}`);
        assertEquals(await answer, { rows: 1 });
        assertEquals(await database.number("SELECT count(*) FROM slow"), 1);
        await sql.counted("transactions_retried", 1);
      },
    );

    await t.step("a connection that goes mute while its health is asked for fails no write", async () => {
      await database.run("TRUNCATE visits");
      let isMute = false;
      await using proxy = new CuttingProxy(database.port, () => isMute ? "mute" : undefined);
      const config = { url: database.url, tables: ["visits"] };
      await using sql = await startThrough(proxy, config, { healthInterval: 50, timeout: 60_000 });
      isMute = true;
      await until("a look goes unanswered", () => proxy.cuts > 0, 60_000);
      isMute = false;
      assertEquals(await sql.call(1001, { table: "visits", row: { uid: 1 } }), { rows: 1 });
      assertEquals(await database.number("SELECT count(*) FROM visits"), 1);
    });

    await t.step("what only the COMMIT finds out about is found by halves", async () => {
      await database.run(
        "CREATE TABLE parents (id int PRIMARY KEY)",
        "INSERT INTO parents VALUES (1)",
        "CREATE TABLE children (id int, parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)",
      );
      await using sql = await SqlServer.start(
        { url: database.url, tables: ["children"], wait: "100ms" },
        allowed,
      );
      const answers = await Promise.all(
        Array.from(
          { length: 40 },
          (_, id) => sql.call(1001, { table: "children", row: { id, parent: id === 23 ? 9 : 1 } }),
        ),
      );
      for (const [id, answer] of answers.entries()) {
        if (id === 23) assertStringIncludes(JSON.stringify(answer), "violates foreign key constraint");
        else assertEquals(answer, { rows: 1 });
      }
      assertEquals(await database.number("SELECT count(*) FROM children"), 39);
    });

    await t.step(
      "a child that comes after its parent is written, whatever was gathered before it",
      async () => {
        await database.run(
          "DELETE FROM children",
          "ALTER TABLE children ALTER CONSTRAINT children_parent_fkey NOT DEFERRABLE",
        );
        const tables = ["children", "parents"];
        await using sql = await SqlServer.start({ url: database.url, tables, wait: "100ms" }, allowed);
        const answers = await Promise.all([
          sql.call(1001, { table: "children", row: { id: 1, parent: 1 } }),
          sql.call(1001, { table: "parents", row: { id: 2 } }),
          sql.call(1001, { table: "children", row: { id: 2, parent: 2 } }),
          sql.call(1001, { table: "children", row: { id: 3, parent: 3 } }),
        ]);
        assertEquals(answers.slice(0, 3), [{ rows: 1 }, { rows: 1 }, { rows: 1 }]);
        assertStringIncludes(JSON.stringify(answers[3]), "violates foreign key constraint");
      },
    );

    await t.step("a query that writes is refused, and the connection lives on", async () => {
      await database.run(
        "CREATE FUNCTION sneak() RETURNS int LANGUAGE sql AS 'INSERT INTO parents VALUES (77) RETURNING 1'",
      );
      const queries = { sneak: "SELECT sneak()", one: "SELECT 1 AS one" };
      await using sql = await SqlServer.start({ url: database.url, queries }, allowed);
      assertStringIncludes(JSON.stringify(await sql.call(1003, { query: "sneak" })), "read-only transaction");
      assertEquals(await sql.call(1003, { query: "one" }), { rows: [{ one: 1 }], more: false });
      assertEquals(await database.number("SELECT count(*) FROM parents WHERE id = 77"), 0);
    });

    await t.step("a user who may not make mevent_writers is told what to do", async () => {
      await database.run(
        "DROP TABLE mevent_writers",
        "CREATE ROLE guest LOGIN PASSWORD 'guest'",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "GRANT INSERT ON visits TO guest",
      );
      const url = database.url.replace(/tester:[^@]+/, "guest:guest");
      const error = await assertRejects(() => SqlServer.start({ url, tables: ["visits"] }, allowed), Error);
      assertStringIncludes(error.message, "mevent_writers cannot be made or used");
      assertStringIncludes(error.message, "CREATE TABLE");
      await using sql = await SqlServer.start({ url, tables: ["visits"], exactly_once: false }, allowed);
      assertEquals(await sql.call(1001, { table: "visits", row: { uid: 1 } }), { rows: 1 });
    });

    await t.step(
      "without the permission for the network the server does not start, and says so",
      async () => {
        const start = () => SqlServer.start({ url: database.url, tables: ["visits"] }, onlyPort(1));
        const error = await assertRejects(start, Error);
        assert(/net/.test(error.message) && error.message.includes(String(database.port)), error.message);
      },
    );
  },
});

import { assertRejects, assertStringIncludes } from "@std/assert";
import { DatabaseServer, HAS_MARIADB, MARIADB_NOTE } from "../support/database_servers.ts";
import { KINDS, sqlKindsStep } from "../support/sql_kinds_step.ts";
import { sqlAlteredSteps } from "../support/sql_altered_steps.ts";
import { alterMariadb, MARIADB_ALTERATIONS } from "../support/sql_alterations.ts";
import { sqlCutSteps } from "../support/sql_cut_steps.ts";
import { sqlFaultSteps, sqlPacketStep } from "../support/sql_fault_steps.ts";
import { MARIADB_FAULTS } from "../support/sql_faults.ts";
import { IDEMPOTENCY_TABLES, sqlIdempotencySteps } from "../support/sql_idempotency_step.ts";
import { sqlNumberStep } from "../support/sql_number_step.ts";
import { onlyPort, SqlServer } from "../support/sql_server.ts";
import { type Locks, sqlSteps } from "../support/sql_steps.ts";

const LOCKS: Locks = {
  waiting: "SELECT variable_value FROM information_schema.global_status " +
    "WHERE variable_name = 'INNODB_ROW_LOCK_CURRENT_WAITS'",
  late: [],
  soon: [],
};

Deno.test({
  name: `the plugin sql writes into MariaDB${MARIADB_NOTE}`,
  ignore: !HAS_MARIADB,
  fn: async (t) => {
    await using database = await DatabaseServer.mariadb();
    const allowed = onlyPort(database.port);
    await sqlSteps(t, database, LOCKS);
    await sqlCutSteps(t, database);

    const times = { at: "2026-02-28T12:30:00.250Z", seen: "2026-02-28T12:30:00Z" };
    const seen = "2026-02-28 12:30:00";
    await sqlKindsStep(t, database, {
      create: [
        "CREATE TABLE kinds (id int, big bigint, amount decimal(20,5), ratio double, yes boolean, words text, " +
        "day date, at datetime(3), seen timestamp, doc json, raw blob, mood enum('good','bad'), seven int DEFAULT 7, " +
        "twice int GENERATED ALWAYS AS (id * 2))",
      ],
      row: { ...KINDS, ...times },
      notNull: { seen: times.seen },
      read: (_, empty) => [
        // MariaDB keeps JSON as text.
        { ...KINDS, doc: '{"a":[1,null,"x"]}', yes: 1, at: `${seen}.250`, seen, seven: 7, twice: 2 },
        { ...empty, seen, seven: 7, twice: 4 },
      ],
      generated: "twice",
    });

    await sqlAlteredSteps(t, database, MARIADB_ALTERATIONS, alterMariadb);
    await sqlFaultSteps(t, database, MARIADB_FAULTS);
    await sqlPacketStep(t, database);
    await database.run(
      "CREATE TABLE numbers (id int AUTO_INCREMENT PRIMARY KEY, t text, w bigint, x decimal(65, 25), d double, j json)",
      ...IDEMPOTENCY_TABLES,
    );
    const config = { url: database.url };
    await sqlNumberStep(t, { place: 1, config, allowed });
    await sqlIdempotencySteps(t, { config, allowed, unless: "ON DUPLICATE KEY UPDATE op = op" });

    await t.step("a table that knows no transactions is refused", async () => {
      await database.run("CREATE TABLE old (id int) ENGINE = MyISAM");
      const start = () => SqlServer.start({ url: database.url, tables: ["old"] }, allowed);
      const error = await assertRejects(start, Error);
      assertStringIncludes(error.message, "table old: its engine MyISAM knows no transactions");
    });
  },
});

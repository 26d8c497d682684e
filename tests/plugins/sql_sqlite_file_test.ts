import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { SqlServer } from "../support/sql_server.ts";
import { SqliteFile } from "../support/sqlite_file.ts";
import { until } from "../support/until.ts";

const TABLE = "CREATE TABLE visits (uid INTEGER, name TEXT)";

/** What is done to the file while the plugin has it open, and whether there is one under its name afterwards. */
const CHANGES: readonly (readonly [name: string, change: (path: string) => void, isThere: boolean])[] = [
  ["moved away", (path) => Deno.renameSync(path, `${path}.old`), false],
  ["removed", (path) => Deno.removeSync(path), false],
  [
    "removed with its folder",
    (path) => Deno.removeSync(path.replace(/\/[^/]*$/, ""), { recursive: true }),
    false,
  ],
  [
    "moved away, and a new one made",
    (path) => {
      Deno.renameSync(path, `${path}.old`);
      for (const part of ["-wal", "-shm"]) Deno.removeSync(path + part);
      make(path);
    },
    true,
  ],
  [
    "replaced by one that was moved over it",
    (path) => {
      make(`${path}.new`, "INSERT INTO visits VALUES (100, 'there')");
      Deno.renameSync(`${path}.new`, path);
    },
    true,
  ],
  ["its log removed", (path) => Deno.removeSync(`${path}-wal`), true],
  [
    "its log and index replaced",
    (path) => {
      for (const part of ["-wal", "-shm"]) {
        Deno.removeSync(path + part);
        Deno.writeTextFileSync(path + part, "");
      }
    },
    true,
  ],
];

Deno.test("a file of SQLite that is replaced or gone takes nothing more: what is answered 1000 is in the file of that name", async (t) => {
  using file = new SqliteFile(TABLE);
  file.database.close();
  for (const [name, change, isThere] of CHANGES) {
    await t.step(name, async () => {
      const folder = `${file.folder}/${crypto.randomUUID()}`;
      const path = `${folder}/data.db`;
      Deno.mkdirSync(folder);
      make(path);
      await using sql = await SqlServer.start({ url: `sqlite:${path}`, tables: ["visits"] }, {
        ...file.allowed,
        timeout: 1000,
        healthInterval: 50,
      });
      const insert = (uid: number) => sql.call(1001, { table: "visits", row: { uid, name: "Ann" } });
      assertEquals(await insert(1), { rows: 1 });
      const rowsBefore = new DatabaseSync(path);
      assertEquals(uids(rowsBefore), [1]);
      rowsBefore.close();
      change(path);
      const answers = await Promise.all([2, 3].map(insert));
      await sql.enqueue(1001, { table: "visits", row: { uid: 4, name: "Ben" } });
      if (!isThere) {
        for (const answer of answers) assertStringIncludes(JSON.stringify(answer), '"code":14');
        assertStringIncludes(JSON.stringify(answers), "there is no such file");
        await until("the worker is not well", () => sql.server.plugin("sql").unhealthy_workers === 1);
        assert(!exists(path), "a file was made");
        Deno.mkdirSync(folder, { recursive: true });
        make(path);
      } else {
        assertEquals(answers, [{ rows: 1 }, { rows: 1 }]);
      }
      await sql.settled();
      assertEquals(await insert(5), { rows: 1 });
      assertEquals(sql.server.plugin("sql").dead, 0);
      assert(sql.server.log.some((line) => line.includes("the database is not reachable")));
      const now = new DatabaseSync(path);
      const before = name.startsWith("replaced") ? [100] : name.startsWith("its log") ? [1] : [];
      assertEquals(uids(now), [...before, ...isThere ? [2, 3] : [], 4, 5]);
      assertEquals(now.prepare("PRAGMA integrity_check").get(), { __proto__: null, integrity_check: "ok" });
      now.close();
      // What was committed before is where it was committed to.
      if (exists(`${path}.old`)) {
        const old = new DatabaseSync(`${path}.old`);
        assertEquals(uids(old), [1]);
        old.close();
      }
    });
  }
});

Deno.test("a file of SQLite that is emptied takes nothing more, until there is another one", async () => {
  using file = new SqliteFile(TABLE);
  file.database.close();
  await using sql = await SqlServer.start({ url: file.url, tables: ["visits"] }, {
    ...file.allowed,
    timeout: 1000,
  });
  const row = { uid: 1, name: "Ann" };
  assertEquals(await sql.call(1001, { table: "visits", row }), { rows: 1 });
  Deno.truncateSync(file.path);
  assertStringIncludes(JSON.stringify(await sql.call(1001, { table: "visits", row })), '"code":14');
  await sql.enqueue(1001, { table: "visits", row: { uid: 2, name: "Ben" } });
  make(`${file.path}.new`);
  Deno.renameSync(`${file.path}.new`, file.path);
  await sql.settled();
  const anew = new DatabaseSync(file.path);
  assertEquals(uids(anew), [2]);
  anew.close();
});

function make(path: string, ...texts: string[]): void {
  const database = new DatabaseSync(path);
  for (const text of [TABLE, ...texts]) database.exec(text);
  database.close();
}

function uids(database: DatabaseSync): number[] {
  return database.prepare("SELECT uid FROM visits ORDER BY rowid").all().map((row) => Number(row["uid"]));
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

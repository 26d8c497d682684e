import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { PATIENCE_MS, SqlServer } from "../support/sql_server.ts";
import { SqliteFile } from "../support/sqlite_file.ts";
import { until } from "../support/until.ts";

const TABLE = "CREATE TABLE visits (uid INTEGER, name TEXT)";

type Change = readonly [name: string, change: (path: string) => void];

/** What is done to the file while the plugin has it open: afterwards there is none under its name. */
const GONE: readonly Change[] = [
  ["moved away", (path) => Deno.renameSync(path, `${path}.old`)],
  ["removed", (path) => Deno.removeSync(path)],
  ["removed with its folder", (path) => Deno.removeSync(path.replace(/\/[^/]*$/, ""), { recursive: true })],
];

/** Afterwards there is one. */
const CHANGED: readonly Change[] = [
  ["moved away, and a new one made", (path) => {
    Deno.renameSync(path, `${path}.old`);
    for (const part of ["-wal", "-shm"]) Deno.removeSync(path + part);
    make(path);
  }],
  [
    "replaced by one that was moved over it",
    (path) => make(path, "INSERT INTO visits VALUES (100, 'there')"),
  ],
  ["its log removed", (path) => Deno.removeSync(`${path}-wal`)],
  ["its log and index replaced", (path) => {
    for (const part of ["-wal", "-shm"]) {
      Deno.removeSync(path + part);
      Deno.writeTextFileSync(path + part, "");
    }
  }],
];

Deno.test("a file of SQLite that is replaced or gone takes nothing more: what is answered 1000 is in the file of that name", async (t) => {
  for (const [changes, isThere] of [[GONE, false], [CHANGED, true]] as const) {
    using file = new SqliteFile();
    file.database.close();
    const folder = `${file.folder}/changed`;
    const path = `${folder}/data.db`;
    Deno.mkdirSync(folder);
    make(path);
    await using sql = await SqlServer.start({ url: `sqlite:${path}`, tables: ["visits"] }, {
      ...file.allowed,
      // Where there is a file, nobody is to wait that long.
      timeout: isThere ? PATIENCE_MS : 2000,
      healthInterval: 50,
    });
    const insert = (uid: number) => sql.call(1001, { table: "visits", row: { uid, name: "Ann" } });
    for (const [name, change] of changes) {
      await t.step(name, async () => {
        const told = sql.server.log.length;
        const earlier = uids(path);
        assertEquals(await insert(1), { rows: 1 });
        assertEquals(uids(path), [...earlier, 1]);
        change(path);
        const answers = await Promise.all([2, 3].map(insert));
        await sql.enqueue(1001, { table: "visits", row: { uid: 4, name: "Ben" } });
        if (!isThere) {
          // A tenth of its time is what the plugin has to tell why: on a busy machine only a later caller is told.
          await until("callers are told why", async () => {
            for (const answer of answers) assertStringIncludes(JSON.stringify(answer), '"code":14');
            if (JSON.stringify(answers).includes("there is no such file")) return true;
            answers.push(await insert(2));
            return false;
          }, PATIENCE_MS);
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
        assert(sql.server.log.slice(told).some((line) => line.includes("the database is not reachable")));
        const before = name.startsWith("replaced")
          ? [100]
          : name.startsWith("its log")
          ? [...earlier, 1]
          : [];
        assertEquals(uids(path), [...before, ...isThere ? [2, 3] : [], 4, 5]);
        using now = new DatabaseSync(path);
        assertEquals(now.prepare("PRAGMA integrity_check").get(), { __proto__: null, integrity_check: "ok" });
        // What was committed before is where it was committed to.
        if (!exists(`${path}.old`)) return;
        assertEquals(uids(`${path}.old`), [...earlier, 1]);
        Deno.removeSync(`${path}.old`);
      });
    }
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
  make(file.path);
  await sql.settled();
  assertEquals(uids(file.path), [2]);
});

/** Puts a database there that is whole from the start: of one that is being made the plugin would take the lock, as it looks for it. */
function make(path: string, ...texts: string[]): void {
  {
    using database = new DatabaseSync(`${path}.new`);
    for (const text of [TABLE, ...texts]) database.exec(text);
  }
  Deno.renameSync(`${path}.new`, path);
}

function uids(path: string): number[] {
  using database = new DatabaseSync(path);
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

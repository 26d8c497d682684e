import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import type { JsonObject } from "../src/plugin.ts";
import { SqlServer } from "./support/sql_steps.ts";
import type { PluginOverrides } from "./support/test_server.ts";
import { until } from "./support/until.ts";

const NONE = { net: false, env: false, run: false, sys: false, ffi: false, import: false };

/** A database file with some tables, and the one permission that the plugin needs. */
class SqliteFile implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "mevent_sqlite_" });
  readonly path = `${this.folder}/data.db`;
  readonly database = new DatabaseSync(this.path);

  constructor(...texts: string[]) {
    for (const text of texts) this.database.exec(text);
  }

  get url(): string {
    return `sqlite:${this.path}`;
  }

  get allowed(): Partial<PluginOverrides> {
    return { permissions: { ...NONE, read: [this.folder], write: [this.folder] } };
  }

  all(sql: string): unknown[] {
    return this.database.prepare(sql).all().map((row) => ({ ...row }));
  }

  [Symbol.dispose](): void {
    this.database.close();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

const VISITS = "CREATE TABLE visits (uid INTEGER PRIMARY KEY, name TEXT NOT NULL CHECK (length(name) < 20))";

Deno.test("rows and statements go into SQLite in one transaction a batch, each told apart", async () => {
  using file = new SqliteFile(VISITS, "CREATE TABLE log (text)");
  await using sql = await SqlServer.start({
    url: file.url,
    tables: ["visits", "log"],
    statements: { rename: "UPDATE visits SET name = :name || :name WHERE uid = :uid" },
    wait: "100ms",
  }, file.allowed);
  const answers = await Promise.all([
    sql.call(1001, { table: "visits", row: { uid: 1, name: "Ann" } }),
    sql.call(1001, { table: "log", row: { text: "one" } }),
    sql.call(1001, { table: "visits", rows: [{ uid: 2, name: "Ben" }, { uid: 1, name: "again" }] }),
    sql.call(1001, { table: "visits", rows: [{ uid: 3, name: "Cat" }, { uid: 4, name: "Dan" }] }),
    sql.call(1001, { table: "visits", row: { uid: 5, name: null } }),
  ]);
  assertEquals(answers, [
    { rows: 1 },
    { rows: 1 },
    { code: 40, errmsg: "UNIQUE constraint failed: visits.uid" },
    { rows: 2 },
    { code: 40, errmsg: "NOT NULL constraint failed: visits.name" },
  ]);
  assertEquals(await sql.call(1002, { statement: "rename", params: { uid: 1, name: "x" } }), { rows: 1 });
  assertEquals(await sql.call(1002, { statement: "rename", params: { uid: 9, name: "x" } }), { rows: 0 });
  assertEquals(file.all("SELECT * FROM visits"), [
    { uid: 1, name: "xx" },
    { uid: 3, name: "Cat" },
    { uid: 4, name: "Dan" },
  ]);
  await sql.counted("poison_rows", 2);
  await sql.counted("rows", 5);
});

Deno.test("values of every type come back from SQLite as they went", async () => {
  using file = new SqliteFile(
    "CREATE TABLE kinds (id, big INTEGER, ratio REAL, yes, words TEXT, doc TEXT, raw BLOB, seven DEFAULT 7)",
  );
  await using sql = await SqlServer.start(
    {
      url: file.url,
      tables: ["kinds"],
      statements: { id: "INSERT INTO kinds (id, words) VALUES (:id, :words)" },
      queries: { all: "SELECT *, typeof(id) AS type FROM kinds ORDER BY id" },
    },
    file.allowed,
  );
  const row = {
    id: 1,
    big: "9007199254740993",
    ratio: 0.5,
    yes: true,
    words: "Ä€😀 ' \" ? :id",
    doc: { a: [1, null] },
    raw: "AAH/",
  };
  const empty = { id: 2, big: null, ratio: null, yes: null, words: null, doc: null, raw: null };
  assertEquals(await sql.call(1001, { table: "kinds", rows: [row, empty] }), { rows: 2 });
  assertEquals(await sql.call(1002, { statement: "id", params: { id: 3, words: "last" } }), { rows: 1 });
  assertEquals(await sql.call(1003, { query: "all" }), {
    rows: [
      { ...row, yes: 1, doc: '{"a":[1,null]}', seven: 7, type: "integer" },
      { ...empty, seven: 7, type: "integer" },
      { ...empty, id: 3, words: "last", seven: 7, type: "integer" },
    ],
    more: false,
  });
  const wrong = await sql.call(1001, { table: "kinds", row: { id: 4, raw: "no base64!" } });
  assertEquals(wrong, { code: 42, errmsg: "column raw holds bytes: give them as base64" });
});

Deno.test("a caller that speaks HDF may send rows, too", async () => {
  using file = new SqliteFile(VISITS);
  await using sql = await SqlServer.start({ url: file.url, tables: ["visits"] }, file.allowed);
  const { encodeBody, Encoding } = await import("../src/client/mod.ts");
  const params = { table: "visits", rows: [{ uid: "1", name: "Ann" }, { uid: "2", name: "Ben" }] };
  const body = encodeBody(Encoding.Hdf, params);
  const { code } = await sql.client.call({ plugin: "sql", command: 1001, sync: true, body });
  assertEquals(code, 1000);
  assertEquals(file.all("SELECT * FROM visits"), [{ uid: 1, name: "Ann" }, { uid: 2, name: "Ben" }]);
});

Deno.test("a database that another process holds is waited for, without blocking the worker", async () => {
  using file = new SqliteFile(VISITS);
  await using sql = await SqlServer.start({ url: file.url, tables: ["visits"] }, file.allowed);
  file.database.exec("BEGIN EXCLUSIVE");
  await sql.insertVisits(0, 100);
  await sql.counted("transactions_retried", 5);
  assertEquals(sql.server.plugin("sql").done, 0);
  file.database.exec("COMMIT");
  await sql.settled();
  assertEquals(sql.server.plugin("sql").done, 100);
  assertEquals(file.all("SELECT count(*) AS n FROM visits"), [{ n: 100 }]);
});

Deno.test("what cannot be written in time waits its turn again where it is async, and fails where it is sync", async () => {
  using file = new SqliteFile(VISITS);
  await using sql = await SqlServer.start({ url: file.url, tables: ["visits"] }, {
    ...file.allowed,
    timeout: 300,
  });
  file.database.exec("BEGIN EXCLUSIVE");
  await sql.enqueue(1001, { table: "visits", row: { uid: 1, name: "Ann" } });
  const told = await sql.call(1001, { table: "visits", row: { uid: 2, name: "Ben" } }) as {
    code: number;
    errmsg: string;
  };
  assertEquals(told.code, 14);
  assertStringIncludes(told.errmsg, "database is locked");
  file.database.exec("COMMIT");
  await sql.settled();
  assertEquals(file.all("SELECT uid FROM visits"), [{ uid: 1 }]);
});

Deno.test("async inserts of many connections into SQLite are there exactly once, the queue's rest at a stop included", async () => {
  using file = new SqliteFile("CREATE TABLE visits (uid INTEGER, name TEXT)");
  {
    await using sql = await SqlServer.start(
      { url: file.url, tables: ["visits"], synchronous: "normal" },
      file.allowed,
    );
    await Promise.all(Array.from({ length: 20 }, (_, part) => sql.insertVisits(part * 500, 500)));
    const { done } = sql.server.plugin("sql");
    assert(done <= 10_000);
  }
  assertEquals(file.all("SELECT count(*) AS n, count(DISTINCT uid) AS each FROM visits"), [{
    n: 10_000,
    each: 10_000,
  }]);
});

Deno.test("the worker's connection is closed when the server stops", async () => {
  using file = new SqliteFile(VISITS);
  {
    await using sql = await SqlServer.start({ url: file.url, tables: ["visits"] }, file.allowed);
    await sql.call(1001, { table: "visits", row: { uid: 1, name: "Ann" } });
    assert(file.all("PRAGMA journal_mode").length > 0);
  }
  file.database.exec("PRAGMA journal_mode = DELETE");
  assertEquals(file.all("PRAGMA journal_mode"), [{ journal_mode: "delete" }]);
  await until("the log is gone", () => {
    try {
      Deno.statSync(`${file.path}-wal`);
      return false;
    } catch {
      return true;
    }
  });
});

Deno.test("a config that makes no sense keeps the server from starting, with a sentence", async () => {
  using file = new SqliteFile(VISITS);
  const good = { url: file.url, tables: ["visits"] };
  const cases: [JsonObject, string][] = [
    [{ tables: ["visits"] }, "config.url is to be given once, as url, url_env or url_file"],
    [{ url: file.url }, "config names nothing that may be done: tables, statements or queries"],
    [
      { ...good, url: "oracle://x" },
      "config.url is to begin with sqlite:, postgres://, mysql:// or mariadb://",
    ],
    [{ ...good, url: "postgres://host/db" }, "config.url names no user"],
    [{ ...good, url: "postgres://u:secret@host:99999/db" }, "config.url is no URL"],
    [{ ...good, url: "postgres://u:%secret@host/db" }, "config.url is no URL"],
    [{ ...good, url: "mysql://u@host/db?ssl=1" }, "config.url has a parameter that is not known"],
    [{ ...good, url: "mysql://u:1?secret@host/db" }, "config.url has a parameter that is not known"],
    [{ tables: ["visits"], url_env: "mysql://u:secret@host/db" }, "config.url_env is to be the name"],
    [
      { ...good, url: "mysql://u:secret@host/db", password_env: "PASSWORD" },
      "config has the password in more than one place: url, password_env, password_file",
    ],
    [{ ...good, tls: true }, "config.tls is of no use for SQLite"],
    [{ ...good, tables: { visits: [] } }, "config.tables.visits is empty; name columns"],
    [{ ...good, tables: { visits: "uid" } }, "config.tables.visits is to be a list of texts"],
    [{ ...good, tables: "visits" }, "config.tables is to be a list"],
    [{ ...good, queries: ["SELECT 1"] }, "config.queries is to be a table of texts"],
    [{ ...good, tabels: [] }, 'config has no key "tabels"'],
    [{ ...good, batch: 0 }, "config.batch is to be a whole number from 1 to 10000"],
    [{ ...good, wait: "1m" }, "config.wait is to be a duration"],
    [{ ...good, synchronous: "off" }, "config.synchronous is to be one of full, normal"],
    [{ ...good, tables: ["users"] }, "table users: there is none"],
    [{ ...good, tables: { visits: ["page"] } }, "table visits: column page: there are uid, name"],
    [
      { ...good, statements: { a: "INSERT INTO visits VALUES (?, ?)" } },
      "statement a: it has a ?; params are named",
    ],
    [
      { ...good, statements: { a: "DELETE FROM visits; DROP TABLE visits" } },
      "statement a: it goes on after the `;`",
    ],
    [{ ...good, statements: { a: "INSERT INTO users VALUES (:a)" } }, "statement a: "],
    [{ ...good, queries: { a: "WITH a AS (SELECT 1) DELETE FROM visits" } }, "query a: "],
    [{ ...good, queries: { a: "DELETE FROM visits" } }, "query a: it begins with DELETE"],
    [{ ...good, url: `sqlite:${file.folder}/no/such.db` }, "no/such.db"],
    [{ ...good, url_file: "/etc/passwd", url: undefined as never }, "read"],
  ];
  for (const [config, sentence] of cases) {
    const known = JSON.parse(JSON.stringify(config)) as JsonObject;
    const error = await assertRejects(() => SqlServer.start(known, file.allowed), Error);
    assertStringIncludes(error.message, sentence);
    assert(!error.message.includes("secret"), error.message);
  }
});

Deno.test("the URL and the password may stand in a file, which the plugin is allowed to read", async () => {
  using file = new SqliteFile(VISITS);
  Deno.writeTextFileSync(`${file.folder}/url`, `${file.url}\n`);
  const config = { url_file: `${file.folder}/url`, tables: ["visits"] };
  await using sql = await SqlServer.start(config, file.allowed);
  assertEquals(await sql.call(1001, { table: "visits", row: { uid: 1, name: "Ann" } }), { rows: 1 });
});

Deno.test("a query reads only, and tells where there was more", async () => {
  using file = new SqliteFile(VISITS, "INSERT INTO visits VALUES (1, 'Ann'), (2, 'Ben'), (3, 'Cat')");
  const queries = {
    from: "SELECT uid FROM visits WHERE uid >= :uid ORDER BY uid",
    sly: "SELECT json_extract(name, '$.a') AS a FROM visits",
  };
  await using sql = await SqlServer.start(
    { url: file.url, queries, tables: ["visits"], max_rows: 2 },
    file.allowed,
  );
  assertEquals(await sql.call(1003, { query: "from", params: { uid: 1 } }), {
    rows: [{ uid: 1 }, { uid: 2 }],
    more: true,
  });
  assertEquals(await sql.call(1003, { query: "from", params: { uid: 2 } }), {
    rows: [{ uid: 2 }, { uid: 3 }],
    more: false,
  });
  const { errmsg } = await sql.call(1003, { query: "sly" }) as { errmsg: string };
  assertStringIncludes(errmsg, "malformed JSON");
  assertEquals(await sql.call(1001, { table: "visits", row: { uid: 4, name: "Dan" } }), { rows: 1 });
  assertEquals(file.all("SELECT count(*) AS n FROM visits"), [{ n: 4 }]);
});

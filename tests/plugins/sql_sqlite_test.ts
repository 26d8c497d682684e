import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Catalogue } from "../../plugins/sql/catalogue.ts";
import { readSettings } from "../../plugins/sql/settings.ts";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import { IDEMPOTENCY_TABLES, sqlIdempotencySteps } from "../support/sql_idempotency_step.ts";
import { sqlNumberStep } from "../support/sql_number_step.ts";
import { SqlServer } from "../support/sql_server.ts";
import { SqliteFile } from "../support/sqlite_file.ts";
import { until } from "../support/until.ts";

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
  const { encodeBody, Encoding } = await import("../../src/client/mod.ts");
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
      { drain_timeout: "1m" },
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
    [{ ...good, url: `sqlite:${file.folder}/no/such.db` }, "no/such.db: there is no such file"],
    [{ ...good, url: `sqlite:${file.folder}/date.db` }, "date.db: there is no such file; mevent makes none"],
    [{ ...good, idempotency: { visits: "page" } }, "table visits: column page: there are uid, name"],
    [{ ...good, prepare: false }, "config.prepare is of no use for SQLite"],
  ];
  const start = async (config: JsonObject) => {
    const settings = readSettings(JSON.parse(JSON.stringify(config)));
    const session = await settings.database.open();
    try {
      await Catalogue.load(session, settings);
    } finally {
      await session.close();
    }
  };
  const refused = async (work: () => Promise<unknown>, sentence: string) => {
    const error = await assertRejects(work, Error);
    assertStringIncludes(error.message, sentence);
    assert(!error.message.includes("secret"), error.message);
  };
  for (const [config, sentence] of cases) await refused(() => start(config), sentence);
  const [[first = {}, sentence = ""] = []] = cases.filter(([{ tables }]) =>
    Array.isArray(tables) && tables[0] === "users"
  );
  await refused(() => SqlServer.start(first, file.allowed), `plugin sql does not load: ${sentence}`);
  await refused(() => SqlServer.start({ url_file: "/etc/passwd", tables: ["visits"] }, file.allowed), "read");
});

Deno.test("SQLite holds the numbers of the document, and an operation's row once", async (t) => {
  using file = new SqliteFile(
    "CREATE TABLE numbers (id integer PRIMARY KEY, t text, w bigint, x numeric, d double precision, j text)",
    ...IDEMPOTENCY_TABLES,
  );
  const config = { url: file.url };
  await sqlNumberStep(t, { place: 2, config, allowed: file.allowed });
  await sqlIdempotencySteps(t, { config, allowed: file.allowed, unless: "ON CONFLICT (op) DO NOTHING" });
});

Deno.test("what SQLite would cut or change is written whole, or refused with the reason", async () => {
  using file = new SqliteFile(
    "CREATE TABLE kept (id INTEGER PRIMARY KEY, words TEXT, n NUMERIC, free, raw BLOB)",
  );
  await using sql = await SqlServer.start({
    url: file.url,
    tables: ["kept"],
    statements: {
      put: "INSERT INTO kept (id, words) VALUES (:id, :words) ON CONFLICT (id) DO UPDATE SET words = :words",
      set: 'UPDATE "kept" SET n = :n, words = :words WHERE id = :id',
      scale: "UPDATE kept SET free = :by * 2 WHERE id = :id",
    },
    queries: {
      all: "SELECT id, words, n, free FROM kept ORDER BY id",
      twice: 'SELECT id, id AS id, words AS "__proto__" FROM kept WHERE id = 1',
    },
  }, file.allowed);
  const fraction = 0.1234567890123456;
  const insert = (row: JsonObject) => sql.call(1001, { table: "kept", row });
  const execute = (statement: string, params: JsonObject) => sql.call(1002, { statement, params });
  assertEquals(await insert({ id: 1, words: fraction, n: fraction, free: fraction }), { rows: 1 });
  assertEquals(await execute("put", { id: 2, words: fraction }), { rows: 1 });
  assertEquals(await execute("put", { id: 2, words: 123456789.123456789 }), { rows: 1 });
  assertEquals(await execute("set", { id: 2, n: 0.5, words: 1e21 }), { rows: 1 });
  assertEquals(await execute("scale", { id: 2, by: fraction }), { rows: 1 });
  assertEquals(await execute("put", { id: 3, words: fraction }), { rows: 1 });
  const { rows } = await sql.call(1003, { query: "all" }) as { rows: JsonObject[] };
  assertEquals(rows, [
    { id: 1, words: "0.1234567890123456", n: fraction, free: fraction },
    { id: 2, words: "1000000000000000000000", n: 0.5, free: fraction * 2 },
    { id: 3, words: "0.1234567890123456", n: null, free: null },
  ]);
  const twice = await sql.call(1003, { query: "twice" }) as { rows: JsonObject[] };
  assertEquals(Object.entries(twice.rows[0] ?? {}), [["id", 1], ["id:1", 1], [
    "__proto__",
    "0.1234567890123456",
  ]]);
  const refused: [JsonObject, number, string][] = [
    [{ words: "a\0b" }, 42, "column words cannot hold a text with a NUL in it"],
    [{ free: "\0" }, 42, "column free cannot hold a text with a NUL in it"],
    [{ words: "\ud800x" }, 42, "column words cannot hold a text with half of a character in it"],
    [{ raw: "x\udc00" }, 42, "column raw holds bytes"],
    [{ n: "18446744073709551615" }, 23, "column n cannot hold 18446744073709551615"],
    [{ n: "12345678901234.567891" }, 23, "column n cannot hold 12345678901234.567891"],
    [{ free: 18446744073709551615n }, 23, "column free cannot hold 18446744073709551615"],
  ];
  for (const [row, code, sentence] of refused) {
    const told = await insert({ id: 9, ...row }) as { code: number; errmsg: string };
    assertEquals(told.code, code, told.errmsg);
    assertStringIncludes(told.errmsg, sentence);
  }
  for (
    const [statement, params] of [["put", { words: "a\0b" }], ["set", { n: 2n ** 64n, words: "" }]] as const
  ) {
    const told = await execute(statement, { id: 9, ...params }) as { code: number; errmsg: string };
    assert(told.code === 42 || told.code === 23, told.errmsg);
    assertStringIncludes(told.errmsg, "param ");
  }
  assertEquals(await insert({ id: 4, raw: "YQBi" }), { rows: 1 });
  assertEquals(file.all("SELECT hex(raw) AS raw FROM kept WHERE id = 4"), [{ raw: "610062" }]);
});

Deno.test("a table of SQLite that is altered is written as it is now", async () => {
  using file = new SqliteFile(VISITS);
  await using sql = await SqlServer.start({ url: file.url, tables: ["visits"] }, file.allowed);
  const insert = (row: JsonObject) => sql.call(1001, { table: "visits", row });
  assertEquals(await insert({ uid: 1, name: "Ann" }), { rows: 1 });
  file.database.exec("ALTER TABLE visits ADD COLUMN price NUMERIC; ALTER TABLE visits ADD COLUMN raw TEXT");
  assertEquals(await insert({ uid: 2, name: "Ben", price: 1.5, raw: "AAH/" }), { rows: 1 });
  file.database.exec("ALTER TABLE visits DROP COLUMN raw; ALTER TABLE visits ADD COLUMN raw BLOB");
  assertEquals(await insert({ uid: 3, name: "Cat", price: 1.5, raw: "AAH/" }), { rows: 1 });
  file.database.exec("ALTER TABLE visits DROP COLUMN price");
  assertStringIncludes(
    JSON.stringify(await insert({ uid: 4, name: "Dan", price: 1.5 })),
    "there are uid, name, raw",
  );
  assertEquals(file.all("SELECT uid, typeof(raw) AS type FROM visits"), [
    { uid: 1, type: "null" },
    // SQLite has dropped the text with its column.
    { uid: 2, type: "null" },
    { uid: 3, type: "blob" },
  ]);
});

Deno.test("statements of SQLite write into a table that is altered by its new types", async () => {
  using file = new SqliteFile("CREATE TABLE kept (v INTEGER)");
  await using sql = await SqlServer.start({
    url: file.url,
    statements: { plain: "INSERT INTO kept (v) VALUES (:v)", update: "UPDATE kept SET v = :v" },
  }, file.allowed);
  const run = (statement: string, v: JsonValue) => sql.call(1002, { statement, params: { v } });
  const becomes = (type: string) => file.database.exec(`DROP TABLE kept; CREATE TABLE kept (v ${type})`);
  assertEquals(await run("plain", 5), { rows: 1 });
  becomes("TEXT");
  assertEquals(await run("plain", 0.1234567890123456), { rows: 1 });
  assertEquals(file.all("SELECT v FROM kept"), [{ v: "0.1234567890123456" }]);
  // The type of before did not take it.
  assertEquals(await run("update", 12345678901234567890123n), { rows: 1 });
  assertEquals(file.all("SELECT v FROM kept"), [{ v: "12345678901234567890123" }]);
  becomes("DOUBLE");
  assertEquals((await run("plain", 9007199254740993n) as JsonObject)["code"], 23);
  assertEquals(file.all("SELECT v FROM kept"), []);
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

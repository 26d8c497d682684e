import { assert, assertEquals, assertGreater } from "@std/assert";
import { asServerStats, fetchStats } from "../src/cli/stats/report.ts";
import { Connection } from "../src/client/connection.ts";
import { parseJson, stringifyJson } from "../src/exact_json.ts";
import type { JsonObject } from "../src/plugin.ts";
import { BodyView, encodeBody, encodeContent, Encoding } from "../src/protocol/body.ts";
import type { Reply } from "../src/protocol/reply.ts";
import { NO_PERMISSIONS } from "./support/exec_python.ts";
import { HookServer } from "./support/hook_server.ts";
import { type NumberRow, numberRows, type NumberWay, waysOf } from "./support/number_rows.ts";
import { HAS_PYTHON } from "./support/python.ts";
import type { RawConnection } from "./support/raw_connection.ts";
import { messageOf, streamRequest, valueOf } from "./support/requests.ts";
import { type PluginOverrides, TestServer } from "./support/test_server.ts";

/** Tells what each getter makes of `n`, and hands params on in all the ways that a plugin has. */
const NUMBERS = `
const shown = (value) => typeof value === "bigint" ? value + "n" : Object.is(value, -0) ? "-0" : JSON.stringify(value);
const tried = (run) => { try { return shown(run()); } catch (error) { return String(error.code); } };
export default {
  name: "numbers",
  concurrency: 8,
  commands: {
    1001: { name: "look", run: ({ params }) => ({
      all: tried(() => params.all().n),
      value: tried(() => params.value("n")),
      number: tried(() => params.number("n")),
      int: tried(() => params.int("n")),
      bigint: tried(() => params.bigint("n")),
      string: tried(() => params.string("n")),
      exact: JSON.stringify(params.exact("n")),
    }) },
    1002: { name: "all", run: ({ params }) => params.all() },
    1003: { name: "exact", run: ({ params }) => params.exact() },
    1004: { name: "call", run: ({ params, call }) => call("numbers", 1003, params.exact()) },
    1005: { name: "text", run: ({ params }) => ({ text: JSON.stringify(params.exact()) }) },
    1006: { name: "results", run: ({ params }) => ({
      unsigned: 18446744073709551615n, signed: -9223372036854775808n, small: 7n, beyond: 2n ** 70n,
      decimal: JSON.rawJSON("0.1234567890123456789"), list: [JSON.rawJSON("1e400"), JSON.rawJSON("true")],
    }) },
    1007: { name: "infinity", run: () => ({ n: [1n, Infinity] }) },
    1008: { name: "log", run: ({ params, log, stats }) => {
      log.info("seen", { all: params.exact(), n: params.exact("n") });
      stats.gauge("large", 1e17);
    } },
  },
};`;

/** Counts its runs, which a second request with the same key is not. */
const ONCE = `
let runs = 0;
export default { name: "once", commands: { 1001: { name: "run", run: () => ({
  run: ++runs, id: 1234567890123456789n, decimal: JSON.rawJSON("0.1234567890123456789"),
}) } } };`;

const WHO = `
export default { name: "who", commands: { 1001: { name: "who", run: ({ worker }) => ({ worker }) } } };`;

/** Tells the digits of n as they stand in its line, and gives them back. */
const EXEC = `
import re, sys
print('{"ready":true}', flush=True)
for line in sys.stdin:
    found = re.search(r'"params":\\{"n":(.*?)\\}', line)
    id = re.search(r'"id":(\\d+)', line).group(1)
    digits = found.group(1)
    print('{"id":%s,"result":{"n":%s,"came":"%s"}}' % (id, digits, digits.replace('"', '\\\\"')), flush=True)
`;

const rows = await numberRows();

Deno.test("docs/params.md has a row for every kind of number", () => {
  const sent = rows.map((row) => row.sent);
  for (const kind of ["0", "-0", "7", "9007199254740992", "9007199254740993", "1e400", "0.1", "1.10"]) {
    assert(sent.includes(kind), `no row for ${kind}`);
  }
  assertGreater(rows.filter(({ sent }) => sent.startsWith('"')).length, 2);
});

Deno.test("a number arrives as it was sent or is refused with 23, as docs/params.md says", async (t) => {
  await using hook = new HookServer(() => new Response("taken"));
  await using server = await start(hook);
  using connection = await server.connect();

  await t.step("in every getter of a plugin, in each encoding", async () => {
    for (const { row, way } of allWays()) {
      const { all, number, int, bigint, string, exact } = row;
      const reply = await ask(connection, "numbers", 1001, way.body("n"));
      const { value, ...others } = valueOf(reply) as JsonObject;
      const what = `${row.sent} as ${way.name}`;
      assertEquals(others, { all, number, int, bigint, string, exact }, what);
      assertEquals(value, all, what);
    }
  });

  await t.step("in what a plugin returns, with all that it holds or alone", async () => {
    for (const { row, way } of allWays()) {
      const what = `${row.sent} as ${way.name}`;
      for (const command of [1003, 1004]) {
        const reply = await ask(connection, "numbers", command, way.body("n"));
        assertEquals([reply.code, ofN(reply)], [1000, row.exact], what);
      }
      const text = await ask(connection, "numbers", 1005, way.body("n"));
      assertEquals(valueOf(text), { text: `{"n":${row.exact}}` }, what);
      const all = await ask(connection, "numbers", 1002, way.body("n"));
      const expected = row.all === "23"
        ? undefined
        : row.all.replace(/^-0$|n$/, (end) => end === "n" ? "" : "0");
      assertEquals([all.code, ofN(all)], [expected === undefined ? 23 : 1000, expected], what);
      if (expected === undefined) {
        assert(messageOf(all).includes(`"n" is ${row.sent}, which no double holds`));
      }
    }
  });

  await t.step("through echo, which gives JSON back as it came", async () => {
    for (const { row, way } of allWays()) {
      const reply = await ask(connection, "echo", 1001, way.body("n"));
      if (way.name === "JSON") assertEquals(textOf(reply), `{"n":${row.sent}}`);
      else assertEquals(ofN(reply), row.exact, `${row.sent} as ${way.name}`);
    }
  });

  await t.step({
    name: "through exec, to a program in Python and back",
    ignore: !HAS_PYTHON,
    fn: async () => {
      for (const { row, way } of allWays()) {
        const reply = await ask(connection, "py", 2001, way.body("n"));
        const what = `${row.sent} as ${way.name}`;
        assertEquals((valueOf(reply) as JsonObject)["came"], row.exact, what);
        assertEquals(ofN(reply), row.exact, what);
      }
    },
  });

  await t.step("through webhook, to whoever receives it", async () => {
    for (const { row, way } of allWays()) {
      const reply = await ask(connection, "webhook", 1001, way.body("body.n", { endpoint: "hook" }));
      const what = `${row.sent} as ${way.name}`;
      assertEquals([reply.code, hook.received.pop()?.body], [1000, `{"n":${row.exact}}`], what);
    }
  });

  await t.step("as a value and a key of kv and of the cache's commands", async () => {
    for (const { row, way } of allWays()) {
      const what = `${row.sent} as ${way.name}`;
      const text: string = JSON.parse(row.string);
      for (
        const [plugin, set, get, key, value] of [
          ["kv", 1002, 1001, "key", "value"],
          ["echo", 101, 100, "cachekey", "cacheval"],
        ] as const
      ) {
        assertEquals((await ask(connection, plugin, set, way.body(value, { [key]: "k" }))).code, 1000, what);
        const got = await ask(connection, plugin, get, json({ [key]: "k" }));
        assertEquals(valueOf(got), { [value]: text }, what);
        assertEquals((await ask(connection, plugin, set, way.body(key, { [value]: what }))).code, 1000, what);
        for (const other of [...waysOf(row), ...waysOf({ sent: row.string })]) {
          const found = await ask(connection, plugin, get, other.body(key));
          assertEquals((valueOf(found) as JsonObject)[value], what, `${what}, asked for as ${other.name}`);
        }
      }
    }
  });

  await t.step(
    "as the seconds that an entry of kv or the cache is to stay: decimal, and such that a double holds",
    async () => {
      for (
        const expire of ["0x10", "0b1", "Infinity", " 5", "5 s", "1_0", "1e400", "0.1234567890123456789", -1]
      ) {
        const kv = await ask(connection, "kv", 1002, json({ key: "k", value: "v", expire }));
        const cache = await ask(connection, "echo", 101, json({ cachekey: "k", cacheval: "v", expire }));
        assertEquals([kv.code, cache.code], [23, 23], String(expire));
      }
      for (const expire of ["16", "1.5", "1e1", ".5", 7, 2.5]) {
        const kv = await ask(connection, "kv", 1002, json({ key: "k", value: "v", expire }));
        const cache = await ask(connection, "echo", 101, json({ cachekey: "k", cacheval: "v", expire }));
        assertEquals([kv.code, cache.code], [1000, 1000], String(expire));
      }
    },
  );

  await t.step("as mevent.key: what is equal is run once, in whatever encoding it comes", async () => {
    const runOf = new Map<string, unknown>();
    for (const { row, way } of allWays()) {
      const { run } = valueOf(await ask(connection, "once", 1001, way.body("mevent.key"))) as JsonObject;
      const known = runOf.get(row.string) ?? run;
      assertEquals(run, known, `${row.sent} as ${way.name}`);
      runOf.set(row.string, known);
    }
    assertEquals(new Set(runOf.values()).size, new Set(rows.map(({ string }) => string)).size);
  });

  await t.step(
    "in the result that is remembered for a key, in whatever encoding it is asked for again",
    async () => {
      const again = (encoding: Encoding) => encodeBody(encoding, { mevent: { key: "again" } });
      const results: JsonObject[] = [];
      for (const encoding of [Encoding.Json, Encoding.Hdf, Encoding.Cells]) {
        results.push(valueOf(await ask(connection, "once", 1001, again(encoding))) as JsonObject);
      }
      assertEquals(new Set(results.map(({ run }) => run)).size, 1);
      assertEquals(results.map(({ id }) => id), Array(3).fill(1234567890123456789n));
      const [inJson, inHdf, inCells] = results.map(({ decimal }) => stringifyJson(decimal!));
      assertEquals([inJson, inHdf], ["0.1234567890123456789", "0.1234567890123456789"]);
      assertEquals(inCells, '"0.1234567890123456789"');
    },
  );

  await t.step("as the param of an affinity: what is equal goes to one worker", async () => {
    const workerOf = new Map<string, unknown>();
    for (const row of rows) {
      for (const way of [...waysOf(row), ...waysOf({ sent: row.string })]) {
        const { worker } = valueOf(await ask(connection, "who", 1001, way.body("n"))) as JsonObject;
        const known = workerOf.get(row.string) ?? worker;
        assertEquals(worker, known, `${row.sent} as ${way.name}`);
        workerOf.set(row.string, known);
      }
    }
    assertGreater(new Set(workerOf.values()).size, 1);
  });

  await t.step("and one that stands for all params is no object", async () => {
    for (const alone of ["7", "9007199254740993", "1e400"]) {
      for (const command of [1001, 1002, 100]) {
        const body = encodeContent(Encoding.Json, new TextEncoder().encode(alone));
        const reply = await ask(connection, "numbers", command, body);
        assertEquals([reply.code, messageOf(reply)], [23, "the params are not an object"], alone);
      }
    }
  });

  await t.step("in a plugin's log, as the text of its digits", async () => {
    await ask(connection, "numbers", 1008, json({ n: 1234567890123456789n, d: parseJson("1e400") }));
    const seen = (): JsonObject | undefined =>
      server.log.map((line): JsonObject => JSON.parse(line)).find(({ message }) => message === "seen");
    await server.until("it is logged", () => seen() !== undefined);
    assertEquals([seen()?.["all"], seen()?.["n"]], [
      { n: "1234567890123456789", d: "1e400" },
      "1234567890123456789",
    ]);
  });

  await t.step("in the server's figures, which are doubles", async () => {
    await server.until("it is told", () => server.plugin("numbers").gauges["large"] === 1e17);
    await using client = await Connection.connect({ ...server.tcp, transport: "tcp" });
    const { plugins } = asServerStats(await fetchStats(client));
    assertEquals(plugins.find(({ name }) => name === "numbers")?.gauges, { large: 1e17 });
    const params = { id: 1234567890123456789n, small: 7n, decimal: parseJson("0.1234567890123456789") };
    const { value } = await client.request("numbers", 1003, params);
    assertEquals(stringifyJson(value!), stringifyJson(params), "and through the client");
    assertEquals((value as JsonObject)["id"], 1234567890123456789n);
  });
});

Deno.test("a result's bigints and raw numbers are written with every digit in each encoding, from a child process, too", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "numbers", source: NUMBERS, isolation: "process" }],
  });
  using connection = await server.connect();
  const results = async (encoding: Encoding) =>
    stringifyJson(
      valueOf(
        await ask(connection, "numbers", 1006, encodeContent(encoding, new Uint8Array(0))),
      ) as JsonObject,
    );
  assertEquals(
    await results(Encoding.Json),
    '{"unsigned":18446744073709551615,"signed":-9223372036854775808,"small":7,"beyond":1180591620717411303424,' +
      '"decimal":0.1234567890123456789,"list":[1e400,true]}',
  );
  assertEquals(await results(Encoding.Hdf), await results(Encoding.Json));
  assertEquals(
    await results(Encoding.Cells),
    '{"unsigned":18446744073709551615,"signed":"-9223372036854775808","small":7,"beyond":"1180591620717411303424",' +
      '"decimal":"0.1234567890123456789","list":["1e400",1]}',
  );
  for (const row of rows) {
    const called = await ask(connection, "numbers", 1004, waysOf(row)[0]!.body("n"));
    assertEquals(ofN(called), row.exact, "from a child process to the server and back");
  }
  const infinite = await ask(connection, "numbers", 1007, json({}));
  assertEquals([infinite.code, messageOf(infinite).includes("Infinity, which JSON cannot carry")], [
    22,
    true,
  ]);
});

function* allWays(): Generator<{ row: NumberRow; way: NumberWay }> {
  for (const row of rows) for (const way of waysOf(row)) yield { row, way };
}

async function start(hook: HookServer): Promise<TestServer> {
  const plugins: PluginOverrides[] = [
    { name: "echo" },
    { name: "kv" },
    { name: "numbers", source: NUMBERS },
    { name: "once", source: ONCE, dedup: { window: 60_000, maxKeys: 1000, maxBytes: 1_000_000 } },
    { name: "who", source: WHO, workers: 3, affinity: "n" },
    {
      name: "webhook",
      permissions: { ...NO_PERMISSIONS, net: [`127.0.0.1:${hook.port}`] },
      config: { endpoints: { hook: { url: hook.url } } },
    },
  ];
  if (HAS_PYTHON) {
    plugins.push({
      name: "py",
      module: "builtin:exec",
      permissions: { ...NO_PERMISSIONS, run: ["python3"] },
      config: { command: ["python3", "-c", EXEC], commands: { 2001: "digits" } },
    });
  }
  return await TestServer.start({ plugins });
}

async function ask(
  connection: RawConnection,
  plugin: string,
  command: number,
  body: Uint8Array,
): Promise<Reply> {
  await connection.send(streamRequest({ plugin, command, body }));
  return await connection.reply();
}

function json(params: JsonObject): Uint8Array {
  return encodeContent(Encoding.Json, new TextEncoder().encode(stringifyJson(params)));
}

/** What stands at `n` of the result, as JSON text. */
function ofN(reply: Reply): string | undefined {
  const n = (valueOf(reply) as JsonObject | undefined)?.["n"];
  return n === undefined ? undefined : stringifyJson(n);
}

function textOf({ body }: Reply): string {
  const view = new BodyView();
  view.locate(body!, 0, body!.length);
  return new TextDecoder().decode(body!.subarray(view.at, view.at + view.length));
}

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { JsonValue } from "../../src/plugin.ts";
import { Encoding } from "../../src/protocol/body.ts";
import { concat } from "../support/bytes.ts";
import type { RawConnection } from "../support/raw_connection.ts";
import { datagramRequest, messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";

/** A plugin `p` of these commands: its module's text, 1001 on. */
function commands(...bodies: string[]): string {
  const list = bodies.map((body, index) => `${1001 + index}: { name: "c${index}", run: ${body} }`).join(
    ",\n",
  );
  return `import type { Plugin } from "mevent/plugin";
export default { name: "p", commands: { ${list} } } satisfies Plugin;`;
}

function start(source: string, overrides: Partial<PluginOverrides> = {}): Promise<TestServer> {
  return TestServer.start({ plugins: [{ name: "p", source, ...overrides }] });
}

async function call(connection: RawConnection, command: number, params: JsonValue = {}, encoding?: Encoding) {
  await connection.send(streamRequest({ plugin: "p", command, params, ...(encoding && { encoding }) }));
  return await connection.reply();
}

Deno.test("typed getters find params of every encoding, and answer 23 with the param's name where they do not", async () => {
  await using server = await start(commands(
    `({ params }) => ({ text: params.string("s"), whole: params.int("i"), deep: params.int("a.b"), yes: params.bool("y") })`,
    `({ params }) => ({ got: params.string("s", "default"), has: params.has("s"), number: params.number("n", 1.5) })`,
  ));
  using connection = await server.connect();
  const params = { s: "text", i: 7, a: { b: 8 }, y: 1 };
  for (const encoding of [Encoding.Hdf, Encoding.Json, Encoding.Cells]) {
    const reply = await call(connection, 1001, params, encoding);
    assertEquals(reply.code, 1000);
    const value = valueOf(reply);
    assert(typeof value === "object" && value !== null && !Array.isArray(value));
    assertEquals([value["text"], Number(value["whole"]), Number(value["deep"])], ["text", 7, 8]);
    for (const [missing, name] of [["s", "s"], ["i", "i"], ["a", "a.b"], ["y", "y"]] as const) {
      const less = Object.fromEntries(Object.entries(params).filter(([key]) => key !== missing));
      const error = await call(connection, 1001, less, encoding);
      assertEquals(error.code, 23);
      assertStringIncludes(messageOf(error), `"${name}"`);
    }
    for (const wrong of [{ i: "x" }, { i: "1.5" }, { y: "maybe" }, { s: { t: "1" } }, { a: "7" }]) {
      assertEquals(
        (await call(connection, 1001, { ...params, ...wrong }, encoding)).code,
        23,
        JSON.stringify(wrong),
      );
    }
  }
  assertEquals(valueOf(await call(connection, 1002)), { got: "default", has: false, number: 1.5 });
  assertEquals(valueOf(await call(connection, 1002, { s: "x", n: "2.5" })), {
    got: "x",
    has: true,
    number: 2.5,
  });
});

Deno.test("a plugin's own errors arrive as their code, its successes as theirs, an exception as 14; the worker lives on", async () => {
  await using server = await start(commands(
    `(context) => { throw context.fail(40, "no such order"); }`,
    `(context) => context.reply(1001, { kept: true })`,
    `() => { throw new TypeError("broken inside"); }`,
    `async () => { await Promise.resolve(); throw new Error("broken later"); }`,
    `() => { throw "a text"; }`,
    `(context) => context.reply(1002)`,
    `(context) => { throw context.fail(1, "no such code"); }`,
    `(context) => { throw context.fail(41, ""); }`,
  ));
  using connection = await server.connect();
  for (const encoding of [Encoding.Hdf, Encoding.Json, Encoding.Cells]) {
    for (
      const [command, code, message] of [
        [1001, 40, "no such order"],
        [1003, 14, "broken inside"],
        [1004, 14, "broken later"],
        [1005, 14, "a text"],
        [1007, 14, "25"],
        [1008, 41, "the plugin failed with code 41 and said nothing more"],
        [9999, 18, "9999"],
      ] as const
    ) {
      const reply = await call(connection, command, { a: 1 }, encoding);
      assertEquals(reply.code, code);
      assertStringIncludes(messageOf(reply), message);
    }
    const success = await call(connection, 1002, { a: 1 }, encoding);
    assertEquals(success.code, 1001);
    assert(success.body !== null);
    assertEquals(await call(connection, 1006, { a: 1 }, encoding), { id: 1, code: 1002, body: null });
  }
  assertEquals(server.plugin("p").restarts, 0);
});

Deno.test("start and stop run once a worker, and the config is handed over as it is", async () => {
  const source = `export default {
    name: "p",
    start(context) { context.log.info("worker started", { worker: context.worker, config: context.config }); },
    stop(context) { context.log.info("worker stopped", { worker: context.worker }); },
    commands: { 1001: { name: "config", run: (context) => context.config } },
  };`;
  const config = { dsn: "x", list: [1, { a: true }] };
  const server = await start(source, { workers: 2, config });
  try {
    using connection = await server.connect();
    assertEquals(valueOf(await call(connection, 1001)), config);
  } finally {
    await server[Symbol.asyncDispose]();
  }
  const lines = server.log.map((line) => JSON.parse(line));
  for (const message of ["worker started", "worker stopped"]) {
    assertEquals(lines.filter((line) => line.message === message).map(({ worker }) => worker).toSorted(), [
      0,
      1,
    ]);
  }
});

Deno.test("the plugin's cache is the one of the system commands 100-103, shared by all its workers", async () => {
  await using server = await start(
    commands(
      `async ({ cache, params }) => ({ value: (await cache.get(params.string("key"))) ?? null })`,
      `async ({ cache, params }) => { await cache.set(params.string("key"), params.string("value")); }`,
      `async ({ cache, params }) => ({ had: await cache.delete(params.string("key")) })`,
    ),
    { workers: 2 },
  );
  using connection = await server.connect();
  assertEquals((await call(connection, 101, { cachekey: "k", cacheval: "from outside" })).code, 1000);
  for (let i = 0; i < 4; i++) {
    assertEquals(valueOf(await call(connection, 1001, { key: "k" })), { value: "from outside" });
  }
  assertEquals((await call(connection, 1002, { key: "k2", value: "from inside" })).code, 1000);
  assertEquals(valueOf(await call(connection, 100, { cachekey: "k2" })), { cacheval: "from inside" });
  assertEquals(valueOf(await call(connection, 1003, { key: "k2" })), { had: true });
  assertEquals((await call(connection, 100, { cachekey: "k2" })).code, 24);
  assertEquals((await call(connection, 103)).code, 1000);
  assertEquals(valueOf(await call(connection, 1001, { key: "k" })), { value: null });
});

Deno.test("a long cache key does not make an error reply longer than a message may be", async () => {
  await using server = await TestServer.start();
  const cachekey = "\u0001".repeat(60_000);
  const request = { command: 100, params: { cachekey }, encoding: Encoding.Hdf };
  using connection = await server.connect();
  await connection.send(streamRequest(request));
  const [frame] = await connection.frames(1);
  assert(frame!.length <= 65_536, `the reply has ${frame!.length} bytes`);
  using socket = server.datagrams();
  await socket.send(datagramRequest(request));
  assertEquals((await socket.reply()).code, 24);
});

Deno.test("the plugin's own figures stand in Reserve.Stats, counters added up over its workers, in every encoding", async () => {
  await using server = await start(
    commands(
      `({ stats, params }) => { stats.count("mails sent!", params.int("n")); stats.gauge("open", 3); }`,
    ),
    { workers: 2 },
  );
  using connection = await server.connect();
  await connection.send(
    concat(Array.from({ length: 10 }, () => streamRequest({ plugin: "p", params: { n: 2 } }))),
  );
  await connection.frames(10);
  await server.until("they are reported", () => server.plugin("p").counters["mails sent!"] === 20);
  assertEquals(server.plugin("p").gauges["open"], 3);
  for (const encoding of [Encoding.Json, Encoding.Hdf, Encoding.Cells]) {
    await connection.send(streamRequest({ plugin: "Reserve.Stats", encoding }));
    const { code } = await connection.reply();
    assert(code === 1000 || code === 22, `answered ${code}`);
  }
});

Deno.test("an operation that takes too long is answered 14, its signal aborts, and the worker goes on", async () => {
  const source = `let aborted = 0;
  export default {
    name: "p",
    commands: {
      1001: {
        name: "hang",
        run: (context) => new Promise((resolve) => context.signal.addEventListener("abort", () => { aborted++; resolve({}); })),
      },
      1002: { name: "count", run: () => ({ aborted }) },
    },
  };`;
  await using server = await start(source, { timeout: 80 });
  using connection = await server.connect();
  for (let round = 1; round <= 2; round++) {
    const reply = await call(connection, 1001);
    assertEquals(reply.code, 14);
    assertStringIncludes(messageOf(reply), "80 ms");
    assertEquals(valueOf(await call(connection, 1002)), { aborted: round });
  }
  assertEquals(server.plugin("p").failed, 2);
});

Deno.test("one worker runs as many operations at once as its concurrency says, several run that many each", async () => {
  const source = `let running = 0, most = 0;
  export default {
    name: "p",
    concurrency: 3,
    commands: {
      1001: {
        name: "wait",
        async run() {
          most = Math.max(most, ++running);
          await new Promise((resolve) => setTimeout(resolve, 10));
          running--;
        },
      },
      1002: { name: "most", run: (context) => ({ most, worker: context.worker }) },
    },
  };`;
  for (
    const [overrides, wanted] of [[{}, 3], [{ concurrency: 1 }, 1], [
      { concurrency: 8, workers: 2 },
      8,
    ]] as const
  ) {
    await using server = await start(source, overrides);
    using connection = await server.connect();
    await connection.send(concat(Array.from({ length: 40 }, (_, id) => streamRequest({ plugin: "p", id }))));
    await connection.frames(40);
    const value = valueOf(await call(connection, 1002));
    assert(typeof value === "object" && value !== null && !Array.isArray(value));
    assertEquals(value["most"], wanted);
  }
});

Deno.test("operations of a worker with concurrency 1 run strictly in order", async () => {
  await using server = await start(commands(
    `async (context) => { await new Promise((r) => setTimeout(r, 5 - context.params.int("n"))); return context.params; }`,
  ));
  using connection = await server.connect();
  const requests = Array.from(
    { length: 5 },
    (_, id) => streamRequest({ plugin: "p", id, params: { n: id } }),
  );
  await connection.send(concat(requests));
  assertEquals((await connection.replies(5)).map(({ id }) => id), [0, 1, 2, 3, 4]);
});

Deno.test("an error that escapes from a plugin's timer or promise is logged and ends nothing", async () => {
  await using server = await start(commands(
    `() => { setTimeout(() => { throw new Error("escaped from a timer"); }, 0); }`,
    `() => { Promise.reject(new Error("escaped from a promise")); }`,
    `(context) => context.params`,
  ));
  using connection = await server.connect();
  assertEquals((await call(connection, 1001)).code, 1000);
  assertEquals((await call(connection, 1002)).code, 1000);
  for (const where of ["timer", "promise"]) {
    await server.until(
      `${where} is logged`,
      () => server.log.some((line) => line.includes(`escaped from a ${where}`)),
    );
  }
  assertEquals(valueOf(await call(connection, 1003, { still: "here" })), { still: "here" });
  assertEquals(server.plugin("p").restarts, 0);
});

Deno.test("a plugin that does not load stops the start, with its name and the reason", async () => {
  for (
    const [source, reason] of [
      [`throw new Error("no database here");`, "no database here"],
      [`export default 1;`, "default export"],
      [`export const plugin = {};`, "default export"],
      [`export default { name: "p" };`, "commands"],
      [`export default { name: "p", commands: { 100: { name: "x", run() {} } } };`, "100"],
      [`export default { name: "p", commands: { 1001: { name: "x" } } };`, "run"],
      [
        `export default { name: "p", commands: {}, start() { throw new Error("cannot start"); } };`,
        "cannot start",
      ],
      [`this is no TypeScript`, "p.ts"],
    ] as const
  ) {
    const error = await assertRejects(() => start(source));
    assertStringIncludes(error.message, "plugin p");
    assertStringIncludes(error.message, reason);
  }
});

Deno.test("a plugin whose second worker cannot start stops the start, too", async () => {
  const source =
    `export default { name: "p", commands: {}, start(context) { if (context.worker === 1) throw new Error("only one"); } };`;
  const error = await assertRejects(() => start(source, { workers: 2 }));
  assertStringIncludes(error.message, "only one");
});

Deno.test("a plugin may not do what its config does not grant", async () => {
  await using server = await start(commands(
    `async () => ({ text: await Deno.readTextFile("/etc/hostname") })`,
    `() => ({ value: Deno.env.get("HOME") ?? null })`,
  ));
  using connection = await server.connect();
  for (const command of [1001, 1002]) assertEquals((await call(connection, command)).code, 14);
});

Deno.test("a stop that is told to hurry answers 14 to all that is not done, and closes", async () => {
  const server = await start(
    commands(
      `(context) => new Promise((_, reject) => context.signal.addEventListener("abort", () => reject(context.signal.reason)))`,
    ),
    { timeout: 60_000 },
  );
  using connection = await server.connect();
  await connection.send(concat(Array.from({ length: 5 }, (_, id) => streamRequest({ plugin: "p", id }))));
  await server.until("one runs", () => server.plugin("p").accepted === 5);
  const began = performance.now();
  const first = server.server.stop();
  const report = await server.server.stop();
  assertEquals(await first, report);
  assertEquals(report, { pending: 5, abandoned: 5, kept: 0, unstopped: [] });
  assert(performance.now() - began < 3000, `the stop took ${performance.now() - began} ms`);
  const replies = await connection.replies(5);
  assertEquals(replies.map(({ id, code }) => [id, code]).toSorted(), [0, 1, 2, 3, 4].map((id) => [id, 14]));
  assertEquals(await connection.frame(), null);
  await server[Symbol.asyncDispose]();
});

Deno.test("null and an empty list are replies without a body in HDF and cells, another list or a text is 22 there", async () => {
  await using server = await start(commands("() => null", "() => []", '() => ["text"]', '() => "text"'));
  using connection = await server.connect();
  for (const [command, value] of [[1001, null], [1002, []], [1003, ["text"]]] as [number, JsonValue][]) {
    assertEquals(valueOf(await call(connection, command)), value);
  }
  for (const encoding of [Encoding.Hdf, Encoding.Cells]) {
    for (const command of [1001, 1002]) {
      const reply = await call(connection, command, {}, encoding);
      assertEquals([reply.code, valueOf(reply)], [1000, undefined]);
    }
    for (const command of [1003, 1004]) {
      const reply = await call(connection, command, {}, encoding);
      assertEquals(reply.code, 22);
      assertStringIncludes(messageOf(reply), "only an object can be written");
    }
  }
});

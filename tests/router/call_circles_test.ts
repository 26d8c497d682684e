import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import type { RawConnection } from "../support/raw_connection.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";

/** Plugin `s` runs one operation at a time, and calls itself. */
const SELF = `
export default {
  name: "s", biz: 73,
  commands: {
    1001: { name: "self", run: async (context) => {
      try { return await context.call(context.params.value("plugin", "s"), 1002, { uid: context.params.value("uid", 0) }); }
      catch (error) { return { code: error.code, message: error.message }; }
    } },
    1002: { name: "answer", run: (context) => ({ worker: context.worker }) },
    1003: { name: "stats", run: async (context) => (await context.call("s", 1000)).msg_total },
    1004: { name: "enqueue", run: (context) => context.enqueue("s", 1002) },
  },
};`;

async function ask(connection: RawConnection, plugin: string, command: number, params: JsonValue = {}) {
  await connection.send(streamRequest({ plugin, command, params }));
  return valueOf(await connection.reply());
}

function logged(server: TestServer, message: string): JsonObject[] {
  return server.log.map((line): JsonObject => JSON.parse(line)).filter((line) => line["message"] === message);
}

Deno.test("a plugin that would wait for itself is told at once; where another place may run the call, it is run", async () => {
  const at = async (overrides: Partial<PluginOverrides>, params: JsonObject = {}) => {
    await using server = await TestServer.start({ plugins: [{ name: "s", source: SELF, ...overrides }] });
    using connection = await server.connect();
    assertEquals(await ask(connection, "s", 1003), 2);
    await connection.send(streamRequest({ plugin: "s", command: 1004 }));
    assertEquals((await connection.reply()).code, 1000);
    return await ask(connection, "s", 1001, params) as JsonObject;
  };
  for (const plugin of ["s", 73]) {
    const { code, message } = await at({}, { plugin });
    assertEquals(code, 17);
    assertStringIncludes(String(message), "would wait for itself");
  }
  assertEquals(await at({ concurrency: 2 }), { worker: 0 });
  assert("worker" in await at({ workers: 2 }));
  const parted = { workers: 2, affinity: "uid" };
  assertEquals((await at(parted, { uid: 5 })).code, 17);
});

Deno.test("a batch calls with the longest chain that has led to one of its operations, and not itself where it would wait", async () => {
  const source =
    `export default { name: "m", commands: { 1001: { name: "all", batch: { max: 10, wait: "20ms" }, runBatch: async (operations, batch) => {
    const outcome = await batch.enqueue("m", 1001).then(() => "queued", ({ code }) => code);
    batch.log.info("ran", { outcome, at: Date.now() });
    return await Promise.all(operations.map(async () => (await batch.call("m", 1001).catch(({ code }) => code))));
  } } } };`;
  await using server = await TestServer.start({ plugins: [{ name: "m", source }] });
  using connection = await server.connect();
  await connection.send(streamRequest({ plugin: "m" }));
  assertEquals(valueOf(await connection.reply()), 17);
  await server.until("the loop has ended", () => logged(server, "ran").some(({ outcome }) => outcome === 17));
  assertEquals(logged(server, "ran").map(({ outcome }) => outcome), [...Array(16).fill("queued"), 17]);
});

Deno.test("while the server drains, what runs still calls and enqueues, and that is worked off", async () => {
  const source = `
  const until = async (cache) => {
    while (await cache.get("go") === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  export default {
    name: "d", concurrency: 4,
    commands: {
      1001: { name: "work", run: async (context) => {
        context.stats.count("begun");
        await until(context.cache);
        await context.call("e", 1001, { n: 1 });
        await context.enqueue("e", 1001, { n: 10 });
        context.log.info("worked");
      } },
    },
    async stop(context) {
      const error = await context.call("e", 1001).then(() => null, (error) => error);
      context.log.info("last words", { code: error?.code ?? 0, said: error?.message ?? "" });
    },
  };`;
  const called = `export default { name: "e", commands: { 1001: { name: "c", run: async (context) => {
    const n = context.params.int("n");
    while (n === 10 && await context.cache.get("go") === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    context.log.info("done", { n });
  } } } };`;
  const server = await TestServer.start({
    server: { drain_timeout: "30s" },
    plugins: [{ name: "e", source: called }, { name: "d", source }],
  });
  try {
    using connection = await server.connect();
    await connection.send(streamRequest({ plugin: "d", sync: false }));
    assertEquals((await connection.reply()).code, 1000);
    await server.until("it runs", () => server.plugin("d").counters["begun"] === 1);
    const go = async (plugin: string) => {
      const params = { cachekey: "go", cacheval: "1" };
      await connection.send(streamRequest({ plugin, command: 101, params }));
      assertEquals((await connection.reply()).code, 1000);
    };
    const stopped = server.server.stop();
    await go("d");
    await server.until("it has worked", () => logged(server, "worked").length === 1);
    await go("e");
    assertEquals(await stopped, { pending: 1, abandoned: 0, kept: 0, unstopped: [] });
  } finally {
    await server[Symbol.asyncDispose]();
  }
  assertEquals(logged(server, "done").map(({ n }) => n), [1, 10]);
  assertEquals(logged(server, "worked").length, 1);
  const [{ code, said }] = logged(server, "last words") as [JsonObject];
  assertEquals(code, 21);
  assertStringIncludes(String(said), "the server is stopping");
});

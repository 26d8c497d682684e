import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import { isFromHost } from "../../src/thread/from_host.ts";
import type { RawConnection } from "../support/raw_connection.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { inSteps } from "../support/steps.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";

/** Plugin `a` does with another plugin what its params say, and answers with what came of it. */
const CALLER = `
const outcome = async (work) => {
  try { return { result: await work() ?? null }; }
  catch (error) { return { error: error.name, isError: error instanceof Error, code: error.code ?? null, message: error.message }; }
};
let kept = [];
export default {
  name: "a", biz: 71, concurrency: 64,
  commands: {
    1001: { name: "call", run: (context) => {
      const { params } = context;
      const name = params.value("plugin");
      return outcome(() => context[params.string("how", "call")](name, params.int("command", 1001), params.has("params") ? params.value("params") : undefined));
    } },
    1002: { name: "many", run: async (context) => {
      const outcomes = await Promise.all(Array.from({ length: context.params.int("count") }, () => outcome(() => context.call("b", context.params.int("command"), { ms: context.params.int("ms", 1) }))));
      const codes = {};
      for (const { code = 1000 } of outcomes) codes[code] = (codes[code] ?? 0) + 1;
      return codes;
    } },
    1003: { name: "depth", run: (context) => {
      const depth = context.params.int("depth", 0) + 1;
      context.stats.gauge("depth", depth);
      return outcome(() => context.call("a", 1003, { depth }));
    } },
    1004: { name: "again", run: async (context) => {
      context.stats.count("runs");
      const { code, message } = await outcome(() => context.enqueue("a", 1004));
      if (code) context.log.info("the end", { code, message });
    } },
    1005: { name: "abandon", run: (context) => {
      kept.push(outcome(() => context.call("b", 1002, { ms: 2000 })));
      context.stats.count("abandoned");
      return new Promise((resolve) => context.signal.addEventListener("abort", () => setTimeout(resolve, 20)));
    } },
    1006: { name: "kept", run: async () => (await Promise.all(kept)) },
    1010: { name: "taken out", run: async ({ call, enqueue }) => { await enqueue("b", 1005); return await call("b", 1004); } },
    1007: { name: "odd", run: async (context) => {
      const cyclic = {}; cyclic.self = cyclic;
      const tries = [["", 1001], [0, 1001], ["b", 0], ["b", 65536], ["b", 1.5], ["b", 1001, []], ["b", 1001, "x"], ["b", 1001, cyclic], ["b", 1001, { n: () => cyclic, cyclic }], ["b", 1001, { n: NaN }]];
      return await Promise.all(tries.map(([plugin, command, params]) => outcome(() => context.call(plugin, command, params))));
    } },
    1009: { name: "long", run: (context) => outcome(() => context.call("b", 1002, { text: "ü".repeat(context.params.int("chars")), ms: 1 })) },
    1008: { name: "crash", run: (context) => { context.call("b", 1002, { ms: 3000 }); setTimeout(() => self.close(), 50); return new Promise(() => {}); } },
  },
};`;
/** Plugin `b` is called. */
const CALLED = `
export default {
  name: "b", biz: 72, concurrency: 2000,
  commands: {
    1001: { name: "echo", run: (context) => ({ params: context.params.all(), sync: context.sync }) },
    1002: { name: "sleep", run: (context) => new Promise((resolve) => setTimeout(resolve, context.params.int("ms", 1))) },
    1003: { name: "fail", run: (context) => { throw context.fail(40, "no such order"); } },
    1004: { name: "code", run: (context) => context.reply(1001, [1, "ü"]) },
    1005: { name: "count", run: (context) => { context.stats.count("counted", context.params.int("by", 1)); } },
    1006: { name: "throw", run: () => { throw new Error("broken"); } },
    1007: { name: "needs", run: ({ params }) => params.int("n") },
    1008: { name: "long", run: ({ params }) => "x".repeat(params.int("length")) },
  },
};`;

function start(overrides: Partial<PluginOverrides> = {}, server: JsonObject = {}): Promise<TestServer> {
  return TestServer.start({
    server,
    plugins: [
      { name: "a", source: CALLER, ...overrides },
      {
        name: "b",
        source: CALLED,
        maxDelay: 60_000,
        dedup: { window: 60_000, maxKeys: 10, maxBytes: 10_000 },
      },
    ],
  });
}

async function ask(connection: RawConnection, plugin: string, command: number, params: JsonValue = {}) {
  await connection.send(streamRequest({ plugin, command, params }));
  return valueOf(await connection.reply());
}

function call(connection: RawConnection, params: JsonObject): Promise<JsonObject> {
  return ask(connection, "a", 1001, params).then((value) => value as JsonObject);
}

function logged(server: TestServer, message: string): JsonObject[] {
  return server.log.map((line): JsonObject => JSON.parse(line)).filter((line) => line["message"] === message);
}

for (const isolation of ["worker", "process"] as const) {
  Deno.test(
    `calls of plugins arrive and are answered (${isolation})`,
    inSteps(() => start({ isolation }), {
      "a plugin calls others by name and number, and gets their results and errors": async (
        _server,
        connection,
      ) => {
        const params = { text: "ü€😀", n: 1.5, list: [null, true] };
        for (const plugin of ["b", "72", 72]) {
          assertEquals(await call(connection, { plugin, params }), { result: { params, sync: true } });
        }
        assertEquals(await call(connection, { plugin: "b" }), { result: { params: {}, sync: true } });
        assertEquals(await call(connection, { plugin: "b", command: 1002 }), { result: null });
        assertEquals(await call(connection, { plugin: "b", command: 1004 }), { result: [1, "ü"] });
        for (
          const [plugin, command, code, sentence] of [
            ["b", 1003, 40, "no such order"],
            ["b", 1006, 14, "broken"],
            ["b", 1007, 23, '"n"'],
            ["b", 1999, 18, "no command 1999"],
            ["nobody", 1001, 18, "there is no plugin"],
            ["Reserve.Stats", 1001, 18, "there is no plugin"],
            ["b", 5, 18, "no command 5"],
            ["b", 100, 23, "need cachekey"],
          ] as const
        ) {
          const answer = await call(connection, { plugin, command });
          assertEquals(
            [answer.error, answer.isError, answer.code],
            ["CallError", true, code],
            `${plugin} ${command}`,
          );
          assertStringIncludes(String(answer.message), sentence);
          assertStringIncludes(String(answer.message), `${plugin} ${command}`);
        }
      },
      "system commands answer plugins, too": async (_server, connection) => {
        const set = { cachekey: "k", cacheval: "v" };
        assertEquals(await call(connection, { plugin: "b", command: 101, params: set }), { result: null });
        assertEquals(await call(connection, { plugin: "b", command: 100, params: { cachekey: "k" } }), {
          result: { cacheval: "v" },
        });
        const missed = await call(connection, { plugin: "b", command: 100, params: { cachekey: "other" } });
        assertEquals(missed.code, 24);
        const { result } = await call(connection, { plugin: "b", command: 1000 });
        assert(typeof result === "object" && result !== null && "msg_total" in result);
      },
      "what is enqueued runs once, later where that is asked for, and once a key": async (
        server,
        connection,
      ) => {
        const enqueue = (params: JsonObject) =>
          call(connection, { plugin: "b", command: 1005, how: "enqueue", params });
        assertEquals(await enqueue({ by: 1 }), { result: null });
        for (let i = 0; i < 3; i++) {
          assertEquals(await enqueue({ by: 10, mevent: { key: "once" } }), { result: null });
        }
        assertEquals(await enqueue({ by: 100, mevent: { delay: 30 } }), { result: null });
        assertEquals((await enqueue({ mevent: { delay: 90 } })).code, 23);
        await server.until("both have run", () => server.plugin("b").counters["counted"] === 11);
        assertEquals([server.plugin("b").delayed, server.plugin("b").deduplicated], [1, 2]);
        assertEquals((await call(connection, { plugin: "nobody", how: "enqueue" })).code, 18);
      },
      "more than 1,000 calls of a worker at once are refused, and the others answered": async (
        _server,
        connection,
      ) => {
        const many = await ask(connection, "a", 1002, { count: 1500, command: 1002 });
        assertEquals(many, { 21: 500, 1000: 1000 });
        assertEquals(await ask(connection, "a", 1002, { count: 1000, command: 1002 }), { 1000: 1000 });
      },
    }),
  );

  Deno.test(`a call is not waited for when the time of its operation is over (${isolation})`, async () => {
    await using server = await start({ isolation, timeout: 300 });
    using connection = await server.connect();
    await connection.send(streamRequest({ plugin: "a", command: 1005 }));
    assertEquals((await connection.reply()).code, 14);
    const [{ error, code, message }] = await ask(connection, "a", 1006) as JsonObject[] as [JsonObject];
    assertEquals([error, code], ["CallError", 14]);
    assertStringIncludes(String(message), "b 1002 is not waited for any more");
    assertEquals(await call(connection, { plugin: "b", command: 1004 }), { result: [1, "ü"] });
  });
}

Deno.test(
  "calls are made as they are meant, or refused",
  inSteps(() => start(), {
    "call and enqueue may be taken out of the context": async (server, connection) => {
      assertEquals(await ask(connection, "a", 1010), [1, "ü"]);
      await server.until("it was enqueued", () => server.plugin("b").counters["counted"] === 1);
    },
    "what is no call is refused with a sentence": async (_server, connection) => {
      const outcomes = await ask(connection, "a", 1007) as JsonObject[];
      assertEquals(outcomes.map(({ error }) => error), outcomes.map(() => "TypeError"));
      for (const { message } of outcomes) assertStringIncludes(String(message), "context.call: ");
    },
    "a loop of calls ends after 16, and says so; so does one of enqueued operations": async (
      server,
      connection,
    ) => {
      let answer = await ask(connection, "a", 1003) as JsonObject;
      let depth = 1;
      for (; "result" in answer; depth++) answer = answer.result as JsonObject;
      assertEquals([depth, answer.code], [17, 17]);
      assertStringIncludes(String(answer.message), "16 calls have led here");
      await connection.send(streamRequest({ plugin: "a", command: 1004, sync: false }));
      await connection.reply();
      await server.until("the loop has ended", () => logged(server, "the end").length > 0);
      assertEquals(logged(server, "the end").map(({ code }) => code), [17]);
      await server.until("all have been counted", () => server.plugin("a").counters["runs"] === 17);
    },
  }),
);

Deno.test("the queue's bounds hold for plugins as for callers", async () => {
  const queue = { maxOps: 2, maxBytes: 1_000_000 };
  await using server = await TestServer.start({
    plugins: [{ name: "a", source: CALLER }, { name: "b", source: CALLED, queue }],
  });
  using connection = await server.connect();
  // What runs is still running when the last one asks, on a busy machine, too.
  assertEquals(await ask(connection, "a", 1002, { count: 10, command: 1002, ms: 800 }), { 21: 8, 1000: 2 });
  assertEquals(server.plugin("b").busy, 8);
});

Deno.test("params and results that are longer than a message may be are refused", async () => {
  await using server = await start({}, { max_frame: "4 KiB" });
  using connection = await server.connect();
  assertEquals(await ask(connection, "a", 1009, { chars: 2000 }), { result: null });
  for (
    const [chars, sentence] of [[2040, "bytes, a message carries"], [
      5000,
      "characters, a message carries",
    ]] as const
  ) {
    const { code, message } = await ask(connection, "a", 1009, { chars }) as JsonObject;
    assertEquals(code, 17);
    assertStringIncludes(String(message), sentence);
  }
  const { code } = await call(connection, { plugin: "b", command: 1008, params: { length: 5000 } });
  assertEquals(code, 22);
});

Deno.test("replies for a worker that has gone go nowhere, and the one after it gets its own", async () => {
  await using server = await start({ timeout: 300, grace: 100 });
  using connection = await server.connect();
  await connection.send(streamRequest({ plugin: "a", command: 1008 }));
  await server.until("the call runs", () => server.plugin("b").in_flight === 1);
  assertEquals((await connection.reply()).code, 14);
  await server.until("the reply was dropped", () => server.stats().errors["replies_dropped"] === 1);
  await server.until("there is another worker", () => server.plugin("a").workers_running === 1);
  assertEquals(await call(connection, { plugin: "b", params: { n: 1 } }), {
    result: { params: { n: 1 }, sync: true },
  });
});

Deno.test("a plugin that posts calls of its own past the host is held to the same bounds", async () => {
  const source = `
  let port;
  const post = globalThis.MessagePort.prototype.postMessage;
  globalThis.MessagePort.prototype.postMessage = function (message) { port = this; return post.call(this, message); };
  export default {
    name: "h", concurrency: 8,
    commands: {
      1001: { name: "forge", run: (context) => {
        context.log.info("shows the port");
        const call = { kind: "call", id: 1, plugin: "b", command: 1002, sync: true, params: "{}", hops: 1, operation: null };
        const wrong = [{ id: -1 }, { hops: 17 }];
        for (const each of wrong) post.call(port, { ...call, ...each });
        for (let id = 0; id < 3000; id++) post.call(port, { ...call, id });
        post.call(port, { ...call, id: 5000, params: "not json" });
        post.call(port, { ...call, id: 5001, params: "x".repeat(10_000_000) });
      } },
      1002: { name: "alive", run: () => "yes" },
    },
  };`;
  await using server = await TestServer.start({
    plugins: [{ name: "h", source }, { name: "b", source: CALLED }],
  });
  using connection = await server.connect();
  await connection.send(streamRequest({ plugin: "h" }));
  assertEquals((await connection.reply()).code, 1000);
  await server.until(
    "it was told of",
    () => logged(server, "a worker posted a message that mevent does not know").length > 0,
  );
  await server.until(
    "what was taken is done",
    () => server.plugin("b").done >= 1000 && server.plugin("b").queued === 0,
  );
  assertEquals(await ask(connection, "h", 1002), "yes");
});

Deno.test("a call that is none is not taken for one", () => {
  const call = {
    kind: "call",
    id: 1,
    plugin: "b",
    command: 1,
    sync: true,
    params: "{}",
    hops: 1,
    operation: null,
  };
  assert(isFromHost(call));
  assert(isFromHost({ ...call, operation: { slot: 0, sequence: 4_294_967_295 } }));
  for (
    const wrong of [
      { id: -1 },
      { id: 2 ** 28 },
      { id: "1" },
      { plugin: 1 },
      { plugin: "x".repeat(300) },
      { command: 70000 },
      { command: 1.5 },
      { sync: 1 },
      { params: {} },
      { hops: 0 },
      { hops: 17 },
      { operation: undefined },
      { operation: { slot: 1 } },
      { operation: { slot: -1, sequence: 1 } },
      { operation: { slot: 0, sequence: 1.5 } },
    ]
  ) assert(!isFromHost({ ...call, ...wrong }), JSON.stringify(wrong));
});

Deno.test("calls go on while the workers that call are recycled", async () => {
  await using server = await start({ recycleAfter: 3 });
  using connection = await server.connect();
  for (let n = 0; n < 30; n++) {
    assertEquals(await call(connection, { plugin: "b", params: { n } }), {
      result: { params: { n }, sync: true },
    });
  }
  await server.until("a worker was recycled", () => server.plugin("a").recycled > 0);
});

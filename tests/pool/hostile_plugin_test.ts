import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { PLUGIN_DEFAULTS } from "../../src/config/defaults.ts";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import { Encoding } from "../../src/protocol/body.ts";
import { CONTENT_LIMITS } from "../../src/protocol/content_limits.ts";
import { Dedup } from "../../src/queue/dedup.ts";
import { OperationQueue, QueueBudget } from "../../src/queue/operation_queue.ts";
import { SegmentPool } from "../../src/queue/segment.ts";
import { startHostWorker } from "../../src/thread/host_worker.ts";
import { WorkerPool } from "../../src/pool/pool.ts";
import type { RawConnection } from "../support/raw_connection.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";
import { testLog } from "../support/test_log.ts";

/** A good command 1001 that echoes, and the bodies given from 1002 on. */
function plugin(...bodies: string[]): string {
  const list = bodies.map((body, index) => `${1002 + index}: { name: "c${index}", run: ${body} }`).join(
    ",\n",
  );
  return `const bare = Object.create(null);
// The plugin gets hold of the host's own port, and posts in its name.
const send = MessagePort.prototype.postMessage;
let port;
MessagePort.prototype.postMessage = function (...args) { port = this; return send.apply(this, args); };
const forge = (message) => send.call(port, message);
const mean = new Proxy(new Error("mean"), { get() { throw bare; }, getPrototypeOf() { throw bare; } });
const odd = (message) => Object.defineProperty(new Error("odd"), "message", { value: message });
const noStack = () => Object.defineProperty(new Error("no stack"), "stack", { get() { throw bare; } });
const thisError = (context) => Object.assign(context.fail(40, "x"), { code: bare });
export default { name: "p", commands: { 1001: { name: "good", run: (context) => context.params }, ${list} } };`;
}

function startIn(source: string, overrides: Partial<PluginOverrides> = {}): Promise<TestServer> {
  return TestServer.start({ plugins: [{ name: "p", source, ...overrides }] });
}

/** A test's part of the plugin, and what is done with it; `first` is its first command. */
interface Member {
  readonly name: string;
  readonly bodies: readonly string[];
  readonly run: (server: TestServer, connection: RawConnection, first: number) => Promise<void>;
}

const MEMBERS: Member[] = [];

/** The test with the plugin in a Web Worker, and in a child process: one plugin has the commands of all of them. */
function everywhere(name: string, bodies: readonly string[], run: Member["run"]): void {
  MEMBERS.push({ name, bodies, run });
}

async function call(connection: RawConnection, command: number, params: JsonValue = {}, encoding?: Encoding) {
  await connection.send(streamRequest({ plugin: "p", command, params, ...(encoding && { encoding }) }));
  return await connection.reply();
}

async function assertGood(connection: RawConnection): Promise<void> {
  assertEquals(valueOf(await call(connection, 1001, { still: "here" })), { still: "here" });
}

function logged(server: TestServer, message: string): JsonObject[] {
  return server.log.map((line): JsonObject => JSON.parse(line)).filter((line) => line["message"] === message);
}

const THROWN = [
  "bare",
  "mean",
  "odd(5n)",
  "odd(bare)",
  "odd(() => 1)",
  "noStack()",
  "Symbol('s')",
  "null",
  "undefined",
  "10n",
];

everywhere(
  "whatever a command throws or rejects with is answered 14 with a sentence, and its place is free again",
  [
    ...THROWN.map((thrown) => `() => { throw ${thrown}; }`),
    ...THROWN.map((thrown) => `async () => { await null; throw ${thrown}; }`),
    `(context) => { throw thisError(context); }`,
    `() => ({ get then() { throw bare; } })`,
    `() => ({ then() { throw bare; } })`,
    `() => Object.assign(Promise.resolve(1), { then() { throw bare; } }) && Promise.reject(bare)`,
    `() => ({ toJSON() { throw bare; } })`,
    `async () => ({ toJSON() { throw bare; } })`,
  ],
  async (server, connection, first) => {
    const count = 2 * THROWN.length + 6;
    for (const encoding of [Encoding.Json, Encoding.Cells, Encoding.Hdf]) {
      for (let command = first; command < first + count; command++) {
        const reply = await call(connection, command, { a: 1 }, encoding);
        const isToJson = command >= first + count - 2;
        if (!isToJson) {
          assertEquals(reply.code, 14, `command ${command}`);
          assert(messageOf(reply) !== "", `command ${command}`);
        }
        await assertGood(connection);
      }
    }
    assertEquals([server.plugin("p").restarts, server.plugin("p").in_flight], [0, 0]);
  },
);

everywhere("whatever a plugin logs becomes a line, and throws nowhere", [
  `({ log }) => {
      const cycle = {};
      cycle.self = cycle;
      log.info("bigint", { n: 1n });
      log.info("cycle", { cycle, beside: 1 });
      log.info(42);
      log.info(bare, bare);
      log.info("mean", mean);
      log.info("inside", { mean, call: () => 1, nan: NaN, error: new Error("sentence"), none: undefined });
      log.info("m".repeat(10_000), { long: "l".repeat(10_000), after: 1 });
      log.info("own", { time: 1, level: 2, message: 3, plugin: 4, worker: 5 });
    }`,
], async (server, connection, first) => {
  assertEquals((await call(connection, first)).code, 1000);
  await assertGood(connection);
  await server.until("all is logged", () => logged(server, "own").length === 1);
  assertEquals(logged(server, "bigint")[0]!["n"], "1");
  assertStringIncludes(String(logged(server, "cycle")[0]!["cycle"]), "cannot be written");
  assertEquals(logged(server, "cycle")[0]!["beside"], 1);
  assertEquals(logged(server, "42").length, 1);
  assertEquals(logged(server, "mean").length, 1);
  const inside = logged(server, "inside")[0]!;
  assertEquals([inside["nan"], inside["error"], "none" in inside], ["NaN", "sentence", false]);
  const long = logged(server, "m".repeat(4095) + "…")[0]!;
  assertEquals(String(long["long"]).length <= 4096 && String(long["long"]).endsWith("…"), true);
  assertEquals(long["fields_left_out"], 1);
  const own = logged(server, "own")[0]!;
  assertEquals([own["time_"], own["level_"], own["message_"], own["plugin_"], own["worker_"]], [
    1,
    2,
    3,
    4,
    5,
  ]);
  assertEquals([own["level"], own["plugin"], own["worker"]], ["info", "p", 0]);
  assertEquals(server.plugin("p").restarts, 0);
});

const FORGED = [
  `null`,
  `42`,
  `{}`,
  `{ kind: "log" }`,
  `{ kind: "log", level: "shout", message: "x", fields: {} }`,
  `{ kind: "log", level: "info", message: "x", fields: null }`,
  `{ kind: "stats", counters: 1, gauges: [] }`,
  `{ kind: "stats", counters: [["x", 1n]], gauges: [], limits: { depth: 0, keys: 0, figures: 0 } }`,
  `{ kind: "stats", counters: [], gauges: [], limits: { depth: 0, keys: -1, figures: 0 } }`,
  `{ kind: "stats", counters: Array(1001).fill(["x", 1]), gauges: [], limits: { depth: 0, keys: 0, figures: 0 } }`,
  `{ kind: "cache", id: 1, request: null }`,
  `{ kind: "cache", id: 1, request: { operation: "set", key: "k", value: null, expire: 0 } }`,
  `{ kind: "failed", message: 5 }`,
  `{ kind: "ready", declaration: null }`,
  `{ kind: "ready", declaration: { concurrency: 1, description: "", commands: [], timers: [], example: null, isStanding: true } }`,
  `{ kind: "surveyed", index: 0, survey: null }`,
  `{ kind: "stopped", problem: null }`,
];

everywhere(
  "what a plugin posts in its host's name is one warning, and ends neither its worker nor the server",
  FORGED.map((message) => `() => forge(${message})`),
  async (server, connection, first) => {
    for (let i = 0; i < FORGED.length; i++) {
      assertEquals((await call(connection, first + i)).code, 1000);
      await assertGood(connection);
    }
    await server.until(
      "the last is logged",
      () => logged(server, "a worker said that it has stopped, unasked").length === 1,
    );
    // All but the last three are unknown; equal lines that follow each other are counted.
    assertEquals(logged(server, "a worker posted a message that mevent does not know").length, 1);
    assertEquals(logged(server, "the line before was repeated")[0]!["times"], FORGED.length - 4);
    assertEquals(logged(server, "a worker said twice that it is ready").length, 1);
    assertEquals(logged(server, "a worker told of modules, unasked").length, 1);
    assertEquals(server.plugin("p").restarts, 0);
    await assertGood(connection);
  },
);

Deno.test("a forged log line with fields that no JSON has says so", async () => {
  await using server = await startIn(plugin(
    `() => { const fields = {}; fields.own = fields; forge({ kind: "log", level: "info", message: "forged", fields }); }`,
  ));
  using connection = await server.connect();
  await call(connection, 1002);
  await server.until("it is logged", () => logged(server, "forged").length === 1);
  assertStringIncludes(String(logged(server, "forged")[0]!["fields"]), "cannot be written");
  await assertGood(connection);
});

const WRONG = [
  `context.cache.set("k", null)`,
  `context.cache.set("k", 42)`,
  `context.cache.set(7, "v")`,
  `context.cache.set("k", "v", NaN)`,
  `context.cache.set("k", "v", "5")`,
  `context.cache.set("k", "v", -1)`,
  `context.cache.get({})`,
  `context.cache.delete(undefined)`,
  `context.stats.gauge("x", 1n)`,
  `context.stats.gauge("x", NaN)`,
  `context.stats.gauge("x", Infinity)`,
  `context.stats.count("x", "1")`,
  `context.stats.count(null)`,
];

everywhere(
  "the cache takes text alone, and figures are finite numbers: anything else is the plugin's TypeError",
  WRONG.map((call) =>
    `async (context) => { try { await ${call}; } catch (error) { return { error: error.name, text: error.message }; } }`
  ),
  async (server, connection, first) => {
    for (const [index, what] of WRONG.entries()) {
      const value = valueOf(await call(connection, first + index));
      assert(typeof value === "object" && value !== null && !Array.isArray(value), what);
      assert(value["error"] === "TypeError" || value["error"] === "RangeError", what);
      assertStringIncludes(String(value["text"]), what.slice("context.".length, what.indexOf("(")));
      await assertGood(connection);
    }
    assertEquals([server.plugin("p").counters, server.plugin("p").gauges], [{}, {}]);
  },
);

everywhere(
  "what escapes from a timer or a promise is logged, even where it cannot be written as text",
  [`() => { setTimeout(() => { throw bare; }, 0); }`, `() => { Promise.reject(bare); }`],
  async (server, connection, first) => {
    assertEquals((await call(connection, first)).code, 1000);
    assertEquals((await call(connection, first + 1)).code, 1000);
    await server.until(
      "the first is logged",
      () => logged(server, "an error escaped from the plugin").length === 1,
    );
    await server.until(
      "the second is logged",
      () => logged(server, "a rejected promise escaped from the plugin").length === 1,
    );
    await assertGood(connection);
    assertEquals(server.plugin("p").restarts, 0);
  },
);

everywhere(
  "what is thrown while a time-out aborts the operation is logged, and the next operation runs",
  [
    `({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => { reject(mean); throw bare; }))`,
  ],
  async (server, connection, first) => {
    for (let i = 0; i < 3; i++) {
      assertEquals((await call(connection, first)).code, 14);
      await assertGood(connection);
    }
    assertEquals([server.plugin("p").restarts, server.plugin("p").in_flight], [0, 0]);
  },
);

everywhere("a number that JSON has not is answered 22 in every encoding, a null as it is", [
  `() => ({ list: [1, { bad: NaN }] })`,
  `() => Infinity`,
  `() => ({ none: null, text: "null" })`,
], async (_server, connection, first) => {
  for (const encoding of [Encoding.Json, Encoding.Hdf, Encoding.Cells]) {
    for (const command of [first, first + 1]) {
      assertEquals((await call(connection, command, {}, encoding)).code, 22);
    }
  }
  assertStringIncludes(messageOf(await call(connection, first)), `"bad" is NaN`);
  assertEquals(valueOf(await call(connection, first + 2)), { none: null, text: "null" });
});

everywhere(
  "a worker that Deno itself ends, over a proxy that escapes from a timer, is replaced",
  [`() => { setTimeout(() => { throw mean; }, 0); }`],
  async (server, connection, first) => {
    assertEquals((await call(connection, first)).code, 1000);
    await server.until("it is replaced", () => server.plugin("p").restarts === 1);
    await assertGood(connection);
  },
);

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`a hostile plugin (${isolation})`, async (t) => {
    const source = plugin(...MEMBERS.flatMap(({ bodies }) => bodies));
    await using server = await startIn(source, { isolation, exposeTrace: true, timeout: 100 });
    let first = 1002;
    for (const { name, bodies, run } of MEMBERS) {
      await t.step(name, async () => {
        using connection = await server.connect();
        await run(server, connection, first);
      });
      first += bodies.length;
    }
  });
}

Deno.test("a start that throws what is no error fails the load, with the plugin's name", async () => {
  for (const thrown of THROWN) {
    const source = plugin().replace("commands:", `start() { throw ${thrown}; }, commands:`);
    const error = await assertRejects(() => startIn(source));
    assertStringIncludes(error.message, "plugin p does not load: ");
  }
});

Deno.test("a load that fails on an import is told without mevent's own lines, one of the plugin's code with the plugin's", async () => {
  const missing = await assertRejects(() => startIn(`import "./nowhere.ts"; export default {};`));
  assertStringIncludes(missing.message, "nowhere.ts");
  const own = await assertRejects(() => startIn(`function inside() { throw new Error("own"); }\ninside();`));
  assertStringIncludes(own.message, "own");
  assertStringIncludes(own.message, "at inside");
  for (const { message } of [missing, own]) {
    assertEquals([/\/src\/(pool|thread|host|ring)\//.test(message), message.includes("\x1b")], [
      false,
      false,
    ]);
  }
});

Deno.test("a plugin whose start does not end is given up", async () => {
  const directory = await Deno.makeTempDir({ prefix: "mevent-test-" });
  try {
    for (
      const body of [
        "return new Promise(() => {});",
        "for (const end = Date.now() + 1500; Date.now() < end;);",
      ]
    ) {
      const path = `${directory}/p.js`;
      await Deno.writeTextFile(path, `export default { name: "p", commands: {}, start() { ${body} } };`);
      const nothing = () => {};
      const pool = new WorkerPool({
        lostSince: () => 0,
        setup: {
          name: "p",
          biz: undefined,
          ...{ run: "test", syncRun: "test" },
          module: new URL(`file://${path}`).href,
          original: null,
          grants: PLUGIN_DEFAULTS.permissions,
          readable: null,
          config: {},
          concurrency: undefined,
          timeout: 1000,
          grace: 100,
          healthInterval: 0,
          startTimeout: 300,
          maxReplyBytes: 1024,
          contentLimits: CONTENT_LIMITS,
          exposeTrace: false,
        },
        workers: 1,
        minWorkers: "all",
        workerIdle: 0,
        mayStart: () => true,
        mayEnd: () => true,
        startHostWorker,
        demoteThreads: () => {},
        discard: null,
        isolation: "worker",
        maxMemory: 0,
        recycleAfter: 0,
        permissions: { read: true },
        maxContentBytes: 1024,
        queue: new OperationQueue({ maxOps: 1, maxBytes: 1024 }, new QueueBudget(1024), new SegmentPool(1)),
        log: testLog(),
        now: () => performance.now(),
        life: {
          retry: { maxAttempts: 1, backoff: 1, maxBackoff: 1 },
          dead: { maxOps: 0, maxBytes: 0 },
          ...{ ttl: 0, slowOperation: 0 },
        },
        dedup: new Dedup({ window: 0, maxKeys: 1, maxBytes: 1 }),
        random: Math.random,
        clock: () => new Date(),
        events: {
          answer: nothing,
          fail: nothing,
          share: nothing,
          answered: nothing,
          asked: nothing,
          declared: nothing,
          gone: nothing,
          limits: nothing,
        },
      });
      const error = await assertRejects(() => pool.start(null));
      assertEquals(error.message, "plugin p does not load: it did not finish its start within 0.3 s");
      await pool.stop(0, Promise.resolve());
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

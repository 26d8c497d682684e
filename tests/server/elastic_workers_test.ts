import { assert, assertEquals, assertRejects } from "@std/assert";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";

/** 1001 tells its worker and adds to a number of its own, 1002 runs for `ms`, 1003 ends its worker. */
const SOURCE = `let count = 0;
export default { name: "p", concurrency: 1, commands: {
  1001: { name: "count", run: (c) => ({ worker: c.worker, count: ++count }) },
  1002: { name: "wait", run: (c) => new Promise((resolve) => setTimeout(resolve, c.params.int("ms"))) },
  1003: { name: "leave", run: () => self.close() },
}, stop: (c) => c.log.info("stops") };`;
const ELASTIC = { workers: 3, minWorkers: 0, workerIdle: 40 } as const;

const request = (command: number, params = {}, sync = true, id = 1) =>
  streamRequest({ id, plugin: "p", command, params, sync });

function start(overrides: Partial<PluginOverrides> = {}): Promise<TestServer> {
  return TestServer.start({ plugins: [{ name: "p", source: SOURCE, ...ELASTIC, ...overrides }] });
}

const running = (server: TestServer) => server.plugin("p").workers_running;
const stops = (server: TestServer) => server.log.filter((line) => line.includes('"stops"')).length;

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`a worker starts with the first operation, and ends by its stop when there is no work (${isolation})`, async () => {
    await using server = await start({ isolation });
    // A child process has said itself what its module declares, and has ended: its `stop` is told a little later.
    const before = isolation === "process" ? 1 : 0;
    await server.until("nobody is there", () => running(server) === 0 && stops(server) === before);
    assertEquals(server.plugin("p").workers, 3);
    using connection = await server.connect();
    await connection.send(request(1001));
    assertEquals(valueOf(await connection.reply()), { worker: 0, count: 1 });
    await server.until("it has ended", () => running(server) === 0 && stops(server) === before + 1);
    await connection.send(request(1001));
    assertEquals(valueOf(await connection.reply()), { worker: 0, count: 1 }, "another one, from its start");
    assertEquals([server.plugin("p").restarts, server.plugin("p").failed], [0, 0]);
  });
}

Deno.test("more workers start while operations wait, at most so many, and all of them end again", async () => {
  await using server = await start();
  using connection = await server.connect();
  for (let id = 1; id <= 60; id++) await connection.send(request(1002, { ms: 25 }, true, id));
  let most = 0;
  await server.until("all three run", () => {
    most = Math.max(most, running(server));
    return most === 3;
  });
  assertEquals((await connection.replies(60)).map(({ code }) => code), Array(60).fill(1000));
  await server.until("all have ended", () => running(server) === 0);
  await server.until("all have run their stop", () => stops(server) === 3);
  assertEquals(server.plugin("p").done, 60);
});

Deno.test("operations that come due, are resumed, put back or drained have a worker started for them", async () => {
  await using server = await start({ maxDelay: 1000, retry: { maxAttempts: 1, backoff: 1, maxBackoff: 1 } });
  using connection = await server.connect();
  const plugin = server.server.registry.plugins[0]!;
  const asleep = () => server.until("nobody is there", () => running(server) === 0);
  await connection.send(request(1001, { "mevent.delay": 0.05 }, false));
  await connection.reply();
  await server.until("it was run when it was due", () => server.plugin("p").done === 1);
  await asleep();
  plugin.pause();
  await connection.send(request(1001, {}, false));
  await connection.reply();
  assertEquals([running(server), server.plugin("p").queued], [0, 1]);
  plugin.resume();
  await server.until("it was run when it was resumed", () => server.plugin("p").done === 2);
  await asleep();
  plugin.pause();
  await connection.send(request(1001, {}, false));
  await connection.reply();
  plugin.resume();
  await server.server.stop();
  assertEquals(plugin.pool.outcomes.done, 3, "it was worked off at the stop");
});

Deno.test("a worker that dies is replaced while there is work, and its place stays empty where there is none", async () => {
  await using server = await start({ timeout: 100, grace: 50 });
  using connection = await server.connect();
  await connection.send(request(1003));
  assertEquals((await connection.reply()).code, 14);
  await server.until(
    "its place is empty",
    () => server.server.registry.plugins[0]!.pool.workers.length === 0,
  );
  const since = performance.now();
  await server.until(
    "it has been looked for idle ones",
    () => performance.now() - since > ELASTIC.workerIdle,
  );
  await connection.send(request(1001));
  assertEquals(valueOf(await connection.reply()), { worker: 0, count: 1 });
});

Deno.test("a module that does not load stops the start, whoever else there is", async () => {
  const broken = 'throw new Error("no such thing");';
  const error = await assertRejects(() =>
    TestServer.start({
      plugins: [{ name: "p", source: SOURCE, ...ELASTIC }, { name: "q", source: broken, ...ELASTIC }],
    })
  );
  assert(
    error instanceof Error && /plugin q does not load: .*no such thing/.test(error.message),
    String(error),
  );
});

Deno.test("a module that reads what it is granted while it loads is loaded by a worker of its own", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, "kept");
    const source = `const text = Deno.readTextFileSync(${JSON.stringify(file)});
export default { name: "p", commands: { 1001: { name: "text", run: () => ({ text }) } } };`;
    const none = { net: false, write: false, env: false, run: false, sys: false, ffi: false, import: false };
    await using server = await start({ source, permissions: { ...none, read: [file] } });
    await server.until("it goes when it has nothing to do", () => running(server) === 0);
    using connection = await server.connect();
    await connection.send(request(1001));
    assertEquals(valueOf(await connection.reply()), { text: "kept" });
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("who has a start, a health or timers has a worker from the start where the config leaves it to the module", async () => {
  const module = (extra: string) =>
    `export default { name: "p", commands: { 1001: { name: "a", run: () => {} } }, ${extra} };`;
  for (
    const [extra, workers] of [
      ["", 0],
      ["start: () => {}", 1],
      ["health: () => {}", 1],
      ['timers: [{ name: "t", every: "1h", run: () => {} }]', 1],
    ] as const
  ) {
    await using server = await start({ source: module(extra), minWorkers: "auto" });
    assertEquals(running(server), workers, extra);
  }
});

Deno.test("the keys of an affinity keep to their order while workers come and go", async () => {
  const source = `const seen = new Map();
export default { name: "p", concurrency: 4, commands: { 1001: { name: "nth", async run(c) {
  const key = c.params.int("key"), nth = c.params.int("nth"), before = await c.cache.get("k" + key) ?? "-1";
  if (Number(before) !== nth - 1) throw c.fail(30, nth + " after " + before);
  await new Promise((resolve) => setTimeout(resolve, 1));
  await c.cache.set("k" + key, String(nth));
} } } };`;
  await using server = await start({
    source: source.replace("concurrency: 4", "concurrency: 1"),
    affinity: "key",
  });
  using connection = await server.connect();
  let id = 0;
  for (let nth = 0; nth < 40; nth++) {
    for (let key = 0; key < 8; key++) await connection.send(request(1001, { key, nth }, true, ++id));
    if (nth === 20) {
      await connection.replies(id);
      await server.until("all have ended", () => running(server) === 0);
    }
  }
  const replies = await connection.replies(19 * 8);
  assertEquals(replies.filter(({ code }) => code !== 1000).map(messageOf), []);
  assertEquals(server.plugin("p").done, 320);
});

Deno.test("a reload of a plugin without a worker loads its new code, and refuses what does not load", async () => {
  await using server = await start();
  using connection = await server.connect();
  await server.reload({
    plugins: [{ name: "p", source: SOURCE.replace("++count", "count -= 1"), ...ELASTIC }],
  });
  assertEquals(running(server), 0);
  await connection.send(request(1001));
  assertEquals(valueOf(await connection.reply()), { worker: 0, count: -1 });
  await assertRejects(
    () => server.reload({ plugins: [{ name: "p", source: "export default 5;", ...ELASTIC }] }),
    Error,
    "plugin p does not load",
  );
  await connection.send(request(1001));
  assertEquals((await connection.reply()).code, 1000);
});

Deno.test("an operation behind a long one is run by another worker, and a plugin that calls itself gets one for that", async () => {
  const source = `export default { name: "p", concurrency: 1, commands: {
  1001: { name: "wait", run: (c) => new Promise((resolve) => setTimeout(resolve, c.params.int("ms"))) },
  1002: { name: "self", run: (c) => c.call("p", 1003, { key: c.params.int("key") }) },
  1003: { name: "which", run: (c) => ({ worker: c.worker }) },
  1004: { name: "told", run: (c) => c.call("p", 1003, { key: c.params.int("key") }).catch(({ code }) => ({ code })) },
} };`;
  const plugin = { source, workers: 2, minWorkers: 0, workerIdle: 5000 } as const;
  await using server = await start(plugin);
  using connection = await server.connect();
  const behind = [request(1001, { ms: 1500 }, true, 1), request(1003, {}, true, 2)];
  await connection.send(...behind);
  assertEquals((await connection.reply()).id, 2, "it does not wait for the long one");
  await connection.reply();
  await using calling = await start(plugin);
  using caller = await calling.connect();
  await caller.send(request(1002, { key: 0 }));
  assertEquals(valueOf(await caller.reply()), { worker: 1 });
  await using parted = await start({ ...plugin, affinity: "key" });
  using other = await parted.connect();
  for (let key = 0; key < 8; key++) {
    await other.send(request(1004, { key }, true, key));
    assertEquals(valueOf(await other.reply()), { code: 17 }, `what is to come after itself, key ${key}`);
  }
});

Deno.test("while there is no worker and none can be started, sync callers are answered 14 at their time-out, and async operations wait", async () => {
  await using server = await start({ timeout: 100 });
  using connection = await server.connect();
  const { reserve, registry: { plugins: [plugin] } } = server.server;
  const makeRoom = reserve.makeRoom.bind(reserve);
  reserve.makeRoom = () => false;
  await connection.send(request(1001, {}, true, 1), request(1001, {}, false, 2));
  assertEquals((await connection.reply()).id, 2);
  await server.until("it is told", () => {
    plugin!.pool.replaceHung();
    return server.plugin("p").failed === 1;
  });
  const reply = await connection.reply();
  assertEquals([reply.id, reply.code], [1, 14]);
  assert(/no worker is there to run the operation/.test(messageOf(reply)), messageOf(reply));
  const told = server.log.filter((line) => line.includes("a worker cannot be started yet"));
  assertEquals(told.length, 1);
  reserve.makeRoom = makeRoom;
  await server.until("the other one is run", () => server.plugin("p").done === 1);
});

Deno.test("a worker whose successor does not start stays until it has one, and ends by itself then", async () => {
  const source =
    `export default { name: "p", commands: { 1001: { name: "a", run: (c) => ({ worker: c.worker }) } },
  async start(c) { if (await c.cache.incr("starts") === 2) throw new Error("not the second time"); } };`;
  await using server = await start({ source, recycleAfter: 1 });
  using connection = await server.connect();
  await connection.send(request(1001));
  assertEquals(valueOf(await connection.reply()), { worker: 0 });
  await server.until(
    "its successor has died",
    () => server.log.some((line) => line.includes("worker died that was to replace one")),
  );
  assertEquals(running(server), 1);
  await server.until("it has ended", () => running(server) === 0);
  const at = (message: string) => {
    const line: { time: string } = JSON.parse(server.log.find((line) => line.includes(message))!);
    return Date.parse(line.time);
  };
  const stayed = at("a worker without work ends") - at("worker died that was to replace one");
  assert(stayed > 190, `while another one could not be started, it stayed for ${stayed} ms`);
  await connection.send(request(1001));
  assertEquals(valueOf(await connection.reply()), { worker: 0 });
});

Deno.test("the first worker of a plugin is told so also where it comes after a reload, and no later one", async () => {
  const source = (text: string) =>
    `let first; export default { name: "p", description: "${text}", start: (c) => { first = c.first; }, commands: {
  1001: { name: "first", run: () => ({ first }) } } };`;
  await using server = await start({ source: source("one") });
  const { pool } = server.server.registry.plugins[0]!;
  assertEquals(pool.workers.length, 0);
  await server.reload({ plugins: [{ name: "p", source: source("two"), ...ELASTIC }] });
  using connection = await server.connect();
  for (const first of [true, false]) {
    await connection.send(request(1001));
    assertEquals(valueOf(await connection.reply()), { first });
    await server.until("it has ended", () => running(server) === 0);
  }
  await server.reload({ plugins: [{ name: "p", source: source("three"), ...ELASTIC }] });
  await connection.send(request(1001));
  assertEquals(valueOf(await connection.reply()), { first: false });
});

Deno.test("while the workers of a reload wait for those of before, none is started for what waits", async () => {
  await using server = await start({ affinity: "key" });
  using connection = await server.connect();
  await connection.send(request(1002, { ms: 1000, key: 1 }, true, 1));
  const { pool } = server.server.registry.plugins[0]!;
  await server.until("it runs", () => pool.inFlight === 1);
  await server.reload({ plugins: [{ name: "p", source: `${SOURCE}\n`, ...ELASTIC, affinity: "key" }] });
  for (let key = 0; key < 8; key++) await connection.send(request(1001, { key }, true, key + 2));
  await server.until("they wait", () => server.plugin("p").queued === 8);
  const since = performance.now();
  await server.until("there was time to start some", () => {
    if (pool.inFlight === 1) assertEquals(pool.workers.length, 0);
    return performance.now() - since > 150;
  });
  assertEquals(new Set((await connection.replies(9)).map(({ code }) => code)), new Set([1000]));
});

Deno.test("timers go on in another worker at once where the one on duty ends for want of work", async () => {
  const source = `export default { name: "p", concurrency: 1,
  commands: { 1001: { name: "wait", run: (c) => new Promise((resolve) => setTimeout(resolve, c.params.int("ms"))) } },
  timers: [{ name: "tick", every: "10ms", run: (c) => c.log.info("tick " + c.worker) }],
  async stop(c) { while (c.worker === 1 && await c.cache.get("go") === undefined) await new Promise((resolve) => setTimeout(resolve, 5)); } };`;
  await using server = await start({ source, workers: 2, minWorkers: "auto" });
  const { pool } = server.server.registry.plugins[0]!;
  using connection = await server.connect();
  const ticks = (worker: number) => server.log.filter((line) => line.includes(`"tick ${worker}"`)).length;
  for (let id = 0; id < 20; id++) await connection.send(request(1001, { ms: 25 }, true, id));
  await server.until("both run", () => running(server) === 2);
  pool.workers[0]!.fail("it was told to");
  await server.until("the other one has its timers", () => ticks(1) > 0);
  await server.until("it ends", () => pool.workers.length === 1 && running(server) === 1);
  const before = ticks(0);
  await server.until("they go on", () => ticks(0) > before);
  assertEquals(pool.holders.length, 2, "and it has not ended yet");
  await connection.replies(20);
  await connection.send(
    streamRequest({ id: 99, plugin: "p", command: 101, params: { cachekey: "go", cacheval: "1" } }),
  );
  await connection.reply();
});

Deno.test("a reload tells of the workers in the config's own words", async () => {
  await using server = await start({ workers: 2, minWorkers: "all", workerIdle: 0 });
  const changed = async (overrides: Partial<PluginOverrides>) =>
    (await server.reload({ plugins: [{ name: "p", source: SOURCE, ...overrides }] })).changed;
  const elastic = { workers: 4, minWorkers: "auto", workerIdle: 60_000 } as const;
  assertEquals(await changed(elastic), ['plugin p: workers 2 -> { max = 4, idle = "1m" }']);
  assertEquals(await changed({ ...elastic, minWorkers: 1, workerIdle: 1000 }), [
    "plugin p: workers.min none -> 1",
    "plugin p: workers.idle 1m -> 1s",
  ]);
  assertEquals(await changed({ workers: 4 }), ['plugin p: workers { min = 1, max = 4, idle = "1s" } -> 4']);
});

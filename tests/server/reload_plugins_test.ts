import { assertEquals } from "@std/assert";
import { streamRequest, valueOf } from "../support/requests.ts";
import { countingPlugin, SteadyLoad } from "../support/steady_load.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";
import { within } from "../support/until.ts";

const COUNTING = countingPlugin("p");

/** 1001 tells what it sees of its plugin, 1002 waits for so many ms. */
const telling = (answer: number, more = "") =>
  `export default { name: "p", commands: {
    1001: { name: "tell", run: (c) => ({ answer: ${answer}, worker: c.worker, biz: c.biz ?? 0, config: c.config }) },
    1002: { name: "wait", run: (c) => new Promise((resolve) => setTimeout(resolve, c.params.int("ms"), { answer: ${answer} })) },
    ${more}
  } };`;

/** The same, and 1003 that waits until the plugin's cache has the key "open". */
const holding = (answer: number) =>
  telling(
    answer,
    `1003: { name: "hold", async run(c) {
      while (await c.cache.get("open") === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
      return { answer: ${answer} };
    } },`,
  );

/** What each of the reloads changes of a plugin under load. */
const CHANGES: readonly (readonly [string, Partial<PluginOverrides>])[] = [
  ["workers 1 -> 2", { workers: 2 }],
  ["concurrency none -> 4", { workers: 2, concurrency: 4 }],
  ["timeout 30s -> 5s", { timeout: 5000 }],
  ["config changed", { config: { greeting: "Hello" } }],
  ["expose_trace false -> true", { exposeTrace: true }],
  ["biz none -> 77", { biz: 77 }],
  ["queue.max_ops 1000000 -> 5000", { queue: { maxOps: 5000, maxBytes: 2 ** 28 } }],
  ["affinity none -> key", { affinity: "key", workers: 2 }],
  ["workers 2 -> 3", { affinity: "key", workers: 3 }],
  ["affinity key -> uid", { affinity: "uid", workers: 2 }],
  ["affinity uid -> none", {}],
  ["its module's files have changed", { source: countingPlugin("p", "await wait(1);") }],
  ["concurrency none -> 64", { source: countingPlugin("p", "await wait(1);"), concurrency: 64 }],
  ["its module's files have changed", { source: countingPlugin("p", "", "sync: false,") }],
];

Deno.test("through a reload of each kind under load no operation is lost or run twice and no connection dropped", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "p", source: COUNTING }] });
  const load = await SteadyLoad.start(server, "p");
  for (const [sentence, overrides] of CHANGES) {
    const sent = load.sent;
    await server.until("the load goes on", () => load.sent > sent + 50);
    const { changed } = await server.reload({ plugins: [{ name: "p", source: COUNTING, ...overrides }] });
    assertEquals(changed.includes(`plugin p: ${sentence}`), true, `${sentence}: ${changed.join("; ")}`);
  }
  await load.end(server);
  assertEquals(server.plugin("p").restarts, 0);
});

Deno.test("a plugin that runs one short operation after the other goes on after each of 15 reloads", async () => {
  const source = (version: number) =>
    `export default { name: "p", commands: { 1001: { name: "short", run: () => ({ version: ${version} }) } } };`;
  await using server = await TestServer.start({ plugins: [{ name: "p", source: source(0) }] });
  using connection = await server.connect();
  for (let version = 1; version <= 15; version++) {
    // The last replies of a burst are found while the workers change.
    const burst = Array.from({ length: 200 }, (_, id) => streamRequest({ id, plugin: "p" }));
    await connection.send(...burst);
    await server.reload({ plugins: [{ name: "p", source: source(version) }] });
    assertEquals((await connection.replies(burst.length)).filter(({ code }) => code !== 1000), []);
    await connection.send(streamRequest({ plugin: "p" }));
    assertEquals(valueOf(await connection.reply()), { version });
  }
});

Deno.test("new workers run the module's new text and get the new config, the old ones none of it", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "p", source: telling(1) }] });
  using connection = await server.connect();
  const ask = async () => {
    await connection.send(streamRequest({ plugin: "p" }));
    return valueOf(await connection.reply());
  };
  assertEquals(await ask(), { answer: 1, worker: 0, biz: 0, config: {} });
  await server.reload({ plugins: [{ name: "p", source: telling(2) }] });
  assertEquals(await ask(), { answer: 2, worker: 0, biz: 0, config: {} });
  await server.reload({ plugins: [{ name: "p", source: telling(2), biz: 5, config: { key: "x" } }] });
  assertEquals(await ask(), { answer: 2, worker: 0, biz: 5, config: { key: "x" } });
});

Deno.test("what runs when the plugin changes is finished by the old worker, what waits is run by the new one", async () => {
  const plugin = (answer: number) => ({ name: "p", source: holding(answer), workers: 2 });
  await using server = await TestServer.start({ plugins: [plugin(1)] });
  using connection = await server.connect();
  await connection.send(
    streamRequest({ id: 1, plugin: "p", command: 1003 }),
    streamRequest({ id: 2, plugin: "p", command: 1003 }),
    streamRequest({ id: 3, plugin: "p", command: 1001 }),
  );
  await server.until("all are accepted", () => server.plugin("p").accepted === 3);
  await server.reload({ plugins: [plugin(2)] });
  // The new workers do not wait for the old ones.
  const third = await connection.reply();
  assertEquals([third.id, (valueOf(third) as { answer: number }).answer], [3, 2]);
  using other = await server.connect();
  await other.send(
    streamRequest({ plugin: "p", command: 101, params: { cachekey: "open", cacheval: "yes" } }),
  );
  const answers = (await connection.replies(2)).map((reply) => [reply.id, valueOf(reply)] as const);
  assertEquals(new Map(answers), new Map([[1, { answer: 1 }], [2, { answer: 1 }]]));
});

Deno.test("operations that run one after the other do so across reloads, all or those of a key", async () => {
  const inOrder = (salt: string) =>
    `// ${salt}
export default { name: "p", commands: { 1001: { name: "next", async run(c) {
      const key = c.config.all ? "all" : "key " + c.params.int("key");
      const nth = c.params.int(c.config.all ? "uid" : "nth");
      const before = await c.cache.get(key) ?? "none";
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (before !== (nth === 0 ? "none" : "end " + (nth - 1))) throw c.fail(30, nth + " after " + before);
      await c.cache.set(key, "begin " + nth);
      await new Promise((resolve) => setTimeout(resolve, 0));
      await c.cache.set(key, "end " + nth);
    } } } };`;
  for (const all of [true, false]) {
    const config = { all };
    const keys = all ? {} : { affinity: "key", workers: 2 };
    await using server = await TestServer.start({
      plugins: [{ name: "p", source: inOrder("0"), config, ...keys }],
    });
    using connection = await server.connect();
    const count = 120;
    const requests = Array.from(
      { length: count },
      (_, uid) =>
        streamRequest({ id: uid, plugin: "p", params: { uid, key: uid % 6, nth: Math.floor(uid / 6) } }),
    );
    await connection.send(...requests);
    for (let round = 1; round <= 3; round++) {
      const { done } = server.plugin("p");
      await server.until("some are done", () => server.plugin("p").done >= Math.min(done + 10, count));
      const workers = all ? 1 : 1 + (round + 1) % 3;
      await server.reload({
        plugins: [{ name: "p", source: inOrder(`${round}`), config, ...keys, workers }],
      });
    }
    const replies = await connection.replies(count);
    assertEquals(replies.filter(({ code }) => code !== 1000).map(valueOf), []);
  }
});

Deno.test("a plugin is added, and removed: new operations get 18 at once, those accepted are done", async () => {
  const [first, second] = [
    { name: "p", source: telling(1), biz: 7 },
    { name: "q", source: telling(2).replace('"p"', '"q"'), biz: 8 },
  ];
  await using server = await TestServer.start({ plugins: [first] });
  using connection = await server.connect();
  const call = async (plugin: string) => {
    await connection.send(streamRequest({ plugin }));
    return (await connection.reply()).code;
  };
  assertEquals(await call("q"), 18);
  assertEquals(await server.reload({ plugins: [first, second] }), {
    changed: ["plugin q added"],
    kept: [],
    unchanged: false,
  });
  assertEquals([await call("q"), await call("8")], [1000, 1000]);

  using waiting = await server.connect();
  await waiting.send(
    streamRequest({ id: 1, plugin: "p", command: 1002, params: { ms: 200 } }),
    streamRequest({ id: 2, plugin: "p", command: 1001 }),
  );
  await server.until("one runs and one waits", () => server.plugin("p").accepted === 2);
  assertEquals((await server.reload({ plugins: [second] })).changed, ["plugin p removed"]);
  assertEquals([await call("p"), await call("7"), await call("q")], [18, 18, 1000]);
  assertEquals((await waiting.replies(2)).map(({ id, code }) => [id, code]), [[1, 1000], [2, 1000]]);
  await server.until("it has gone", () => server.stats().plugins.every(({ name }) => name !== "p"));
});

Deno.test("a removed plugin that does not finish within drain_timeout is given up, and that is logged", async () => {
  const untilAborted = `1003: { name: "long", run: (c) => new Promise((_, reject) =>
    c.signal.addEventListener("abort", () => reject(c.signal.reason))) },`;
  const settings = { drain_timeout: "50ms" };
  await using server = await TestServer.start({
    server: settings,
    plugins: [{ name: "p", source: telling(1, untilAborted) }],
  });
  using connection = await server.connect();
  await connection.send(streamRequest({ plugin: "p", command: 1003 }));
  await server.until("it runs", () => server.plugin("p").in_flight === 1);
  await server.reload({ server: settings, plugins: [] });
  assertEquals((await connection.reply()).code, 14);
  await server.until("it has gone", () => server.stats().plugins.length === 0);
  const [line] = server.log.filter((each) => each.includes("a removed plugin has ended"));
  const { level, plugin, operations_abandoned } = JSON.parse(line ?? "{}");
  assertEquals([level, plugin, operations_abandoned], ["warn", "p", 1]);
});

Deno.test("the queue's and the cache's bounds change in place, what is in them stays", async () => {
  const source = holding(1);
  const plugin = (maxOps: number, maxEntries: number): PluginOverrides => ({
    name: "p",
    source,
    queue: { maxOps, maxBytes: 2 ** 20 },
    cache: { maxEntries, maxBytes: 2 ** 20 },
  });
  await using server = await TestServer.start({ plugins: [plugin(2, 10)] });
  using connection = await server.connect();
  const set = async (cachekey: string) => {
    await connection.send(streamRequest({ plugin: "p", command: 101, params: { cachekey, cacheval: "v" } }));
    assertEquals((await connection.reply()).code, 1000);
  };
  for (const key of ["a", "b", "c"]) await set(key);
  using waiting = await server.connect();
  const wait = (id: number) => streamRequest({ id, plugin: "p", command: 1003 });
  await waiting.send(wait(1), wait(2), wait(3));
  assertEquals(
    (await server.until("the third is refused", () => server.plugin("p").busy === 1),
      server.plugin("p").queue_level),
    "full",
  );

  const before = server.plugin("p");
  const { changed } = await server.reload({ plugins: [plugin(3, 2)] });
  assertEquals(changed, ["plugin p: queue.max_ops 2 -> 3", "plugin p: cache.max_entries 10 -> 2"]);
  const after = server.plugin("p");
  assertEquals([after.accepted, after.queue_level, after.cache_entries], [before.accepted, "info", 2]);
  await waiting.send(wait(4), wait(5));
  await server.until("the fifth is refused", () => server.plugin("p").busy === 2);
  await set("open");
  const codes = new Map((await waiting.replies(5)).map(({ id, code }) => [id, code]));
  assertEquals([1, 2, 3, 4, 5].map((id) => codes.get(id)), [1000, 1000, 21, 1000, 21]);
});

Deno.test("with nothing changed nothing is done; a change in a file that the module imports is one", async () => {
  await using server = await TestServer.start({ plugins: [] });
  const helper = `${server.directory}/helper.ts`;
  await Deno.writeTextFile(helper, "export const answer: number = 1;");
  const source =
    `import { answer } from "./helper.ts"; export default { name: "p", commands: { 1001: { name: "a", run: () => answer } } };`;
  const options = { plugins: [{ name: "p", source }] };
  await server.reload(options);
  using connection = await server.connect();
  const ask = async () => {
    await connection.send(streamRequest({ plugin: "p" }));
    return valueOf(await connection.reply());
  };
  assertEquals(await ask(), 1);
  assertEquals(await server.reload(options), { changed: [], kept: [], unchanged: true });
  await Deno.writeTextFile(helper, "export const answer: number = 1 + 1;");
  assertEquals((await server.reload(options)).changed, ["plugin p: its module's files have changed"]);
  assertEquals(await ask(), 2);
});

Deno.test("an old worker whose plugin does not stop holds up neither the reload nor the operations", async () => {
  const source = (salt: number) => `

export default { name: "p", commands: { 1001: { name: "a", run: () => ${salt} } }, stop: () => new Promise(() => {}) };`;
  await using server = await TestServer.start({ plugins: [{ name: "p", source: source(1) }] });
  using connection = await server.connect();
  for (let salt = 2; salt < 5; salt++) {
    await within("the reload", server.reload({ plugins: [{ name: "p", source: source(salt) }] }), 3000);
    await connection.send(streamRequest({ plugin: "p" }));
    assertEquals(valueOf(await connection.reply()), salt);
  }
  server.server.stop();
  await within("the stop", server.server.stop());
});

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ModuleSurvey } from "../../src/ring/messages.ts";
import { ModuleStore } from "../../src/server/module_store.ts";
import { surveyModules } from "../../src/server/survey_modules.ts";
import { Nursery } from "../../src/thread/nursery.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { testLog } from "../support/test_log.ts";
import { until, within } from "../support/until.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";

const ELASTIC = { workers: 2, minWorkers: 0, workerIdle: 60_000 } as const;
const NONE = {
  net: false,
  read: false,
  write: false,
  env: false,
  run: false,
  sys: false,
  ffi: false,
  import: false,
} as const;
/** What `self.name` is where modules are loaded beside each other. */
const BESIDE = "survey";

/** Tells by its description in which thread it was loaded. */
const placed = (before = "", extra = "") =>
  `${before}
export default { name: "p", description: self.name, commands: { 1001: { name: "a", run: () => ({ in: self.name }) } }${extra} };`;

function start(...plugins: PluginOverrides[]): Promise<TestServer> {
  return TestServer.start({ plugins: plugins.map((plugin) => ({ ...ELASTIC, ...plugin })), surveyMs: 1000 });
}

const warnings = (server: TestServer) =>
  server.log.filter((line) => line.includes("declares something else")).map((line) => JSON.parse(line));

Deno.test("only modules without a config and without grants are loaded beside others", async () => {
  const config = { config: { secret: "s3cret" } };
  const grants = { permissions: { ...NONE, env: ["HOME"] } };
  await using server = await start(
    { name: "bare", source: placed() },
    { name: "configured", source: placed(), ...config },
    { name: "granted", source: placed(), ...grants },
    { name: "echo" },
  );
  const places = ["bare", "configured", "granted"].map((name) => server.plugin(name).description);
  assertEquals(places, [BESIDE, "configured/0", "granted/0"]);
  const running = server.stats().plugins.map(({ workers_running }) => workers_running);
  assertEquals(running, [0, 1, 1, 0], "those are there, and end when they have had nothing to do");
});

Deno.test("a module gets hold of nothing by which it could answer for those that are loaded after it", async () => {
  const forger = placed(`
const send = MessagePort.prototype.postMessage;
MessagePort.prototype.postMessage = function (message) {
  if (message.survey) message.survey.declaration.description = "forged";
  globalThis.port = this;
  return send.call(this, message);
};
Promise.reject(new Error("escapes, and is logged over the port"));
await new Promise((resolve) => setTimeout(resolve, 1));
globalThis.port?.postMessage({ kind: "surveyed", index: 0, survey: null });
globalThis.port?.postMessage({ kind: "surveyed", index: 1, survey: null });`);
  await using server = await start({ name: "forger", source: forger }, { name: "victim", source: placed() });
  assertEquals(["forger", "victim"].map((name) => server.plugin(name).description), [BESIDE, BESIDE]);
});

Deno.test("what the first worker declares counts, and is told once where it is something else", async () => {
  const source = `const isBeside = self.name === "${BESIDE}";
const command = (name) => ({ name, run: () => ({ name }) });
export default { name: "p", biz: isBeside ? 71 : 72, concurrency: isBeside ? 1 : 3,
  commands: isBeside ? { 1001: command("a") } : { 1001: command("a"), 1002: command("b") },
  ...isBeside ? {} : { timers: [{ name: "t", every: "1h", run: () => {} }] } };`;
  await using server = await start({ name: "p", source, workerIdle: 20 }, { name: "q", source: placed() });
  using connection = await server.connect();
  const run = async (plugin: string, command: number) => {
    await connection.send(streamRequest({ id: 1, plugin, command, params: {} }));
    return await connection.reply();
  };
  assertEquals((await run("p", 1002)).code, 18);
  assertEquals(valueOf(await run("p", 1001)), { name: "a" });
  assertEquals(valueOf(await run("71", 1002)), { name: "b" }, "by the number that it has had");
  assertEquals((await run("72", 1002)).code, 18);
  const pool = server.server.registry.plugins[0]!.pool;
  assertEquals([pool.declaration!.concurrency, pool.declaration!.biz], [3, 71]);
  assertEquals(valueOf(await run("q", 1001)), { in: "q/0" });
  assertEquals(server.plugin("q").description, "q/0");
  const since = performance.now();
  await server.until("idle ones have been looked for", () => performance.now() - since > 100);
  assertEquals(server.plugin("p").workers_running, 1, "its timers keep one");
  assertEquals(
    warnings(server).map(({ plugin, members }) => [plugin, members]),
    [["p", ["biz", "concurrency", "commands", "timers", "isStanding"]], ["q", ["description"]]],
  );
});

Deno.test("a module that spins where it is loaded beside others holds up none of them, and is moved to processes", async () => {
  const spins = placed(`if (self.name === "${BESIDE}") {
    // Until the test has removed it.
    for (const end = Date.now() + 30_000; Date.now() < end;) Deno.statSync(new URL(import.meta.url));
  }`);
  await using server = await start(
    { name: "first", source: placed() },
    { name: "spins", source: spins },
    { name: "last", source: placed() },
    {
      name: "fixed",
      source: placed("", `, start: (c) => c.log.info("fixed has started")`),
      minWorkers: "all",
    },
  );
  const places = ["first", "spins", "last"].map((name) => server.plugin(name).description);
  assertEquals(places, [BESIDE, "spins/0", BESIDE]);
  const line = (text: string) => server.log.findIndex((each) => each.includes(text));
  assert(line("fixed has started") >= 0);
  const { pool } = server.server.registry.named("spins")!;
  for (let look = 0; look < 3; look++) pool.replaceHung();
  assertEquals([server.plugin("spins").leaked_threads, server.plugin("spins").moved], [1, true]);
  await server.until(
    "it runs in a process",
    () => server.log.some((each) => each.includes("a plugin spins")),
  );
  await server.reload({
    plugins: [{ ...ELASTIC, name: "spins", source: `${placed()}\n` }, {
      ...ELASTIC,
      name: "last",
      source: `${placed()}\n`,
    }],
  });
  const after = ["spins", "last"].map((name) => server.plugin(name).description);
  assertEquals(after, ["spins/0", BESIDE], "who was moved is loaded by its process alone");
});

/** Looks at modules with these texts, a second for each; `stuck` has the indices of those that did not come to an end. */
async function surveyed(
  sources: readonly string[],
  done: (each: Promise<ModuleSurvey | null>[], stuck: number[]) => Promise<void>,
  parts: { readonly moduleMs: number; readonly dropped: AbortSignal },
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "mevent-test-" });
  using nursery = new Nursery();
  const store = new ModuleStore((request) => nursery.prepare(request), {}, testLog("error", () => {}));
  try {
    const stuck: number[] = [];
    const requests = await Promise.all(sources.map(async (source, index) => {
      const path = `${directory}/${index}.ts`;
      await Deno.writeTextFile(path, source);
      const module = await store.take(
        { name: `p${index}`, module: `file://${path}`, permissions: NONE },
        null,
      );
      const { url, folder, root } = module.prepared!;
      const original = { folder, root };
      return {
        setup: {
          name: `p${index}`,
          module: url,
          biz: undefined,
          concurrency: undefined,
          first: true,
          original,
        },
        module,
        stuck: (threads: readonly string[]) => {
          assert(Deno.build.os !== "linux" || threads.length > 0);
          stuck.push(index);
        },
      };
    }));
    await done(surveyModules(requests, { nursery, mayStart: () => true, ...parts }), stuck);
  } finally {
    await store.close();
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("after a module that does not end the next thread goes on, and after four of them workers of their own", async () => {
  const hangs = placed("await new Promise(() => setTimeout(() => {}, 1e6));");
  const dropped = new AbortController().signal;
  const sources = [placed(), hangs, "export default 5;", hangs, placed(), hangs, hangs, placed()];
  await surveyed(sources, async (each, stuck) => {
    const told = (await Promise.all(each)).map((survey) => survey?.declaration.description ?? null);
    assertEquals(told, [BESIDE, null, null, null, BESIDE, null, null, null]);
    assertEquals(stuck, [1, 3, 5, 6]);
  }, { moduleMs: 500, dropped });
});

Deno.test("when nobody waits for it any more no module is waited for, and none is said to hang", async () => {
  const dropping = new AbortController();
  const hangs = placed("await new Promise(() => setTimeout(() => {}, 1e6));");
  await surveyed([placed(), hangs, placed()], async (each, stuck) => {
    assertEquals((await each[0])?.declaration.description, BESIDE);
    dropping.abort();
    assertEquals(await within("the others", Promise.all(each.slice(1))), [null, null]);
    assertEquals(stuck, []);
  }, { moduleMs: 600_000, dropped: dropping.signal });
});

Deno.test("a stop while modules are looked at starts no worker afterwards", async () => {
  const stop = new AbortController();
  const lines: string[] = [];
  const told = (line: string) => {
    lines.push(line);
    if (line.includes("modules are loaded")) stop.abort();
  };
  const slow = placed(
    "await new Promise((resolve) => setTimeout(resolve, 200));",
    `, start: (c) => c.log.info("begun")`,
  );
  await assertRejects(
    () =>
      TestServer.start({
        plugins: [{ name: "p", source: slow, ...ELASTIC, minWorkers: 1 }],
        stop: stop.signal,
        told,
      }),
    Error,
    "the server was told to stop meanwhile",
  );
  const since = performance.now();
  await until("it would have been there", () => performance.now() - since > 700);
  assertEquals(lines.filter((line) => line.includes('"begun"')), []);
});

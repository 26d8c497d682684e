import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { Registry } from "../../src/router/registry.ts";
import { StartCalls } from "../../src/router/start_calls.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";

/** Calls what its config says in its start, and keeps what came of it. */
const EARLY = `
let outcomes = [];
const outcome = async (work) => {
  try { return { result: await work ?? null }; }
  catch (error) { return { code: error.code, message: error.message }; }
};
export default {
  name: "early", concurrency: 4,
  async start(context) {
    outcomes = await Promise.all((context.config.calls ?? []).map(([how, plugin, command, params]) =>
      outcome(context[how](plugin, command ?? 1001, params ?? {}))));
    context.stats.gauge("started", 1);
  },
  commands: { 1001: { name: "outcomes", run: () => outcomes } },
};`;
/** Takes its time to start, and knows then that it has. */
const LATE = `
let hasStarted = false;
export default {
  name: "late", biz: 77,
  async start({ config }) {
    await new Promise((resolve) => setTimeout(resolve, config.ms ?? 300));
    hasStarted = true;
  },
  commands: {
    1001: { name: "answer", run: ({ params, stats }) => { stats.count("runs"); return { hasStarted, n: params.value("n", null) }; } },
  },
};`;

const late: PluginOverrides = { name: "late", source: LATE };

function early(calls: JsonObject["calls"] = [], overrides: Partial<PluginOverrides> = {}): PluginOverrides {
  return { name: "early", source: EARLY, config: { calls: calls! }, ...overrides };
}

async function outcomes(server: TestServer, plugin = "early"): Promise<JsonObject[]> {
  using connection = await server.connect();
  await connection.send(streamRequest({ plugin }));
  return valueOf(await connection.reply()) as JsonObject[];
}

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`at the server's start a plugin's start calls plugins that start later, by name and number (${isolation})`, async () => {
    const calls = [
      ["call", "late", 1001, { n: 1 }],
      ["call", 77, 1001, { n: 2 }],
      ["enqueue", "late"],
      ["call", "late", 1000],
      ["call", "nobody"],
      ["call", 78],
      ["call", "late", 1999],
    ];
    await using server = await TestServer.start({ plugins: [early(calls, { isolation, workers: 2 }), late] });
    const [byName, byNumber, queued, stats, nobody, noNumber, noCommand] = await outcomes(server) as [
      JsonObject,
      JsonObject,
      JsonObject,
      { result: JsonObject },
      ...JsonObject[],
    ];
    assertEquals([byName, byNumber, queued], [
      { result: { hasStarted: true, n: 1 } },
      { result: { hasStarted: true, n: 2 } },
      { result: null },
    ]);
    assert("msg_total" in stats.result);
    assertEquals([nobody, noNumber, noCommand].map((each) => each?.code), [18, 18, 18]);
    await server.until("all have run", () => server.plugin("late").done === 6);
  });
}

Deno.test("plugins whose starts call each other, or themselves, are told at once; the others get on", async () => {
  const other = { ...early([["call", "early"]]), name: "other", source: EARLY };
  const third = { ...early([["call", "third"], ["call", "other"]]), name: "third", source: EARLY };
  const plugins = [early([["call", "third"]], { timeout: 60_000 }), other, third];
  await using server = await TestServer.start({ plugins });
  const all = (await Promise.all(["early", "other", "third"].map((name) => outcomes(server, name)))).flat();
  const refused = all.filter(({ code }) => code === 17);
  assertEquals(refused.length, 2, JSON.stringify(all));
  for (const { message } of refused) assertStringIncludes(String(message), "would wait for itself");
  assertEquals(all.filter((each) => "result" in each).length, 2, JSON.stringify(all));
});

Deno.test("who has started lets go of those that wait for it, and of no others, in whatever order they came", () => {
  const calls = [["b", "a"], ["a", "c"]] as const;
  for (const order of [calls, calls.toReversed()]) {
    const starts = new StartCalls(new Registry());
    starts.begin(["a", "b", "c"].map((name) => ({ name, biz: undefined })));
    const gone: string[] = [];
    for (const [from, to] of order) starts.hold({ from, to, chars: 0, go: () => gone.push(`${from} ${to}`) });
    starts.ended("c");
    assertEquals(gone, ["a c"]);
    starts.ended("a");
    assertEquals(gone, ["a c", "b a"]);
  }
});

Deno.test("a call of a plugin that does not start says so, and the server why", async () => {
  const broken = `export default {
    name: "late",
    async start() {
      await new Promise((resolve) => setTimeout(resolve, 200));
      throw new Error("no disk");
    },
    commands: { 1001: { name: "a", run() {} } },
  };`;
  const needs = `export default {
    name: "early",
    start: async (context) => { await context.call("late", 1001); },
    commands: { 1001: { name: "a", run() {} } },
  };`;
  const { message } = await assertRejects(
    () => TestServer.start({ plugins: [{ name: "early", source: needs }, { name: "late", source: broken }] }),
    Error,
  );
  assertStringIncludes(message, "plugin late does not load: Error: no disk");
  assertStringIncludes(message, 'late 1001 answered 18: there is no plugin "late"');
});

Deno.test("a call at the start waits no longer than its time", async () => {
  await using server = await TestServer.start({
    plugins: [early([["call", "late"]], { timeout: 50 }), { ...late, config: { ms: 2000 } }],
  });
  const [{ code, message }] = await outcomes(server) as [JsonObject];
  assertEquals(code, 14);
  assertStringIncludes(String(message), "there was no answer within 50 ms");
  assertEquals(server.plugin("late").accepted, 0);
});

Deno.test("what a reload adds calls in its start those that are there", async () => {
  await using server = await TestServer.start({ plugins: [late] });
  await server.reload({
    plugins: [late, early([["call", "late"], ["call", "other"]]), { ...early(), name: "other" }],
  });
  const [there, other] = await outcomes(server);
  assertEquals(there, { result: { hasStarted: true, n: null } });
  assertEquals(other?.code, 18);
});

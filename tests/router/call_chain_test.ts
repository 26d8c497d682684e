import { assertEquals, assertStringIncludes } from "@std/assert";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import type { RawConnection } from "../support/raw_connection.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";

/** Goes the way that its params name, from plugin to plugin, and says how far it has come and why no farther. */
const STEP = `
const run = async (context) => {
  const [next, ...way] = context.params.value("way", []);
  context.stats.count("steps");
  while (context.params.has("hold")) await new Promise((resolve) => setTimeout(resolve, 5));
  if (next === undefined) return { steps: 0 };
  const answer = await context.call(next, context.params.int("command", 1001), { way, uid: context.params.value("uid", 0) })
    .catch(({ code, message }) => ({ steps: -1, code, message }));
  return { ...answer, steps: answer.steps + 1 };
};
export default {
  name: "step",
  commands: {
    1001: { name: "step", run },
    1002: { name: "steps", batch: { max: 10 }, runBatch: (operations) => Promise.all(operations.map(run)) },
    1003: { name: "start", run: async (context) => context.log.info("came", await run(context)) },
    1004: { name: "wait", run: async (context) => {
      context.stats.count("waits");
      for (let left = true; left;) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        left = await context.cache.get("go") === undefined;
      }
    } },
  },
};`;

/** Longer than any test: what ends by its time-out is answered 14, and too late. */
const TIMEOUT = 60_000;

function step(name: string, overrides: Partial<PluginOverrides> = {}): PluginOverrides {
  return {
    name,
    source: STEP.replace('name: "step",\n  commands', `name: "${name}",\n  commands`),
    timeout: TIMEOUT,
    ...overrides,
  };
}

async function ask(
  connection: RawConnection,
  way: readonly string[],
  more: JsonObject = {},
): Promise<JsonObject> {
  const [plugin = "", ...rest] = way;
  const params: JsonValue = { way: rest, ...more };
  await connection.send(streamRequest({ plugin, params }));
  return valueOf(await connection.reply()) as JsonObject;
}

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`a call that would wait for a place that its own chain holds is refused at once (${isolation})`, async () => {
    await using server = await TestServer.start({
      plugins: [step("a", { isolation }), step("b"), step("c")],
    });
    using connection = await server.connect();
    for (const way of [["a", "a"], ["a", "b", "a"], ["a", "b", "c", "a"], ["a", "b", "c", "b"]]) {
      const { steps, code, message } = await ask(connection, way);
      assertEquals([steps, code], [way.length - 2, 17], way.join());
      assertStringIncludes(String(message), `whatever plugin ${way.at(-1)} runs at once waits for this call`);
    }
    assertEquals(await ask(connection, ["a", "b", "c"]), { steps: 2 });
  });
}

Deno.test("as many places as a plugin has can be held by one chain, with concurrency and with workers", async () => {
  for (const overrides of [{ concurrency: 2 }, { workers: 2 }]) {
    await using server = await TestServer.start({
      plugins: [step("a", overrides), step("b", { concurrency: 3 })],
    });
    using connection = await server.connect();
    assertEquals(await ask(connection, ["a", "b", "a", "b"]), { steps: 3 });
    const { steps, code } = await ask(connection, ["a", "b", "a", "b", "a"]);
    assertEquals([steps, code], [3, 17]);
  }
});

Deno.test("where operations with the same key go to one worker, its places count", async () => {
  await using server = await TestServer.start({
    plugins: [step("a", { workers: 2, affinity: "uid" }), step("b")],
  });
  using connection = await server.connect();
  const { steps, code } = await ask(connection, ["a", "b", "a"], { uid: 5 });
  assertEquals([steps, code], [1, 17]);
});

Deno.test("a place that another operation holds is waited for", async () => {
  await using server = await TestServer.start({ plugins: [step("a", { concurrency: 2 }), step("b")] });
  using connection = await server.connect();
  using other = await server.connect();
  await other.send(streamRequest({ plugin: "a", command: 1004 }));
  await server.until("it waits", () => server.plugin("a").counters["waits"] === 1);
  await connection.send(streamRequest({ plugin: "a", params: { way: ["b", "a"] } }));
  await server.until(
    "the call is in line",
    () => server.plugin("a").queued + server.plugin("a").in_flight === 3,
  );
  await other.send(streamRequest({ plugin: "a", command: 101, params: { cachekey: "go", cacheval: "1" } }));
  assertEquals(valueOf(await connection.reply()), { steps: 2 });
});

Deno.test("chains that begin with an async operation, and those through batches, are known, too", async () => {
  await using server = await TestServer.start({ plugins: [step("a"), step("b")] });
  using connection = await server.connect();
  await connection.send(
    streamRequest({ plugin: "a", command: 1003, sync: false, params: { way: ["b", "a"] } }),
  );
  await connection.reply();
  const came = () =>
    server.log.map((line): JsonObject => JSON.parse(line)).filter(({ message }) => message === "came");
  await server.until("it has come so far", () => came().length === 1);
  assertEquals([came()[0]!["steps"], came()[0]!["code"]], [1, 17]);
  const { steps, code } = await ask(connection, ["a", "b", "a"], { command: 1002 });
  assertEquals([steps, code], [1, 17]);
});

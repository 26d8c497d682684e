import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { isFromHost } from "../../src/thread/from_host.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

/** 1001 says how the plugin is from then on: "well", "ill" or "hangs"; 1002 how often it was asked, and at once. */
const SOURCE = `
let state = "START";
let asked = 0;
let now = 0;
let most = 0;
export default {
  name: "p",
  concurrency: 4,
  async health({ name }) {
    asked++;
    most = Math.max(most, ++now);
    try {
      while (state === "hangs") await new Promise((done) => setTimeout(done, 5));
      if (state === "ill") throw new Error(name + " has no database");
    } finally {
      now--;
    }
  },
  commands: {
    1001: { name: "be", run({ params }) { state = params.string("state"); } },
    1002: { name: "asked", run: () => ({ asked, most }) },
  },
};`;

const source = (state: string) => SOURCE.replace("START", state);

function logged(server: TestServer, message: string): JsonObject[] {
  return server.log.map((line): JsonObject => JSON.parse(line)).filter((line) => line["message"] === message);
}

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`who is not well any more is logged once and shown, is left at work, and is well again (${isolation})`, async () => {
    await using server = await TestServer.start({
      plugins: [{ name: "p", source: source("well"), isolation, healthInterval: 10, timeout: 200 }],
    });
    using connection = await server.connect();
    const be = async (state: string) => {
      await connection.send(streamRequest({ plugin: "p", command: 1001, params: { state } }));
      assertEquals((await connection.reply()).code, 1000);
    };
    const asked = async () => {
      await connection.send(streamRequest({ plugin: "p", command: 1002 }));
      return valueOf(await connection.reply()) as { asked: number; most: number };
    };
    const unhealthy = () => server.plugin("p").unhealthy_workers;
    assertEquals(unhealthy(), 0);
    await be("ill");
    await server.until("it is not well", () => unhealthy() === 1);
    const before = (await asked()).asked;
    while ((await asked()).asked < before + 3);
    await be("well");
    await server.until("it is well again", () => unhealthy() === 0);
    await be("hangs");
    await server.until("it hangs", () => unhealthy() === 1);
    await be("well");
    await server.until("it is well again", () => unhealthy() === 0);
    assertEquals((await asked()).most, 1, "it is asked once at a time");
    assertEquals(logged(server, "a worker is not healthy").map(({ reason }) => reason), [
      "p has no database",
      "health took longer than the time-out of 200 ms",
    ]);
    assertEquals(logged(server, "a worker is healthy again").length, 2);
    const { restarts, failed } = server.plugin("p");
    assertEquals([restarts, failed], [0, 0]);
  });
}

Deno.test("a plugin that is not well at its start does not load, be it that it throws or hangs", async () => {
  for (
    const [state, sentence] of [["ill", "p has no database"], ["hangs", "longer than the time-out of 100 ms"]]
  ) {
    const error = await assertRejects(
      () => TestServer.start({ plugins: [{ name: "p", source: source(state!), timeout: 100 }] }),
      Error,
    );
    assertStringIncludes(error.message, "plugin p does not load: its health check failed: ");
    assertStringIncludes(error.message, sentence!);
  }
});

Deno.test("a reload to code that is not well is refused, and the code of before goes on", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "p", source: source("well") }] });
  await assertRejects(
    () => server.reload({ plugins: [{ name: "p", source: source("ill") }] }),
    Error,
    "its health check failed: Error: p has no database",
  );
  using connection = await server.connect();
  await connection.send(streamRequest({ plugin: "p", command: 1002 }));
  assertEquals(valueOf(await connection.reply()), { asked: 1, most: 1 });
});

Deno.test("with an interval of 0 it is asked at its start alone", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "p", source: source("well"), healthInterval: 0 }, {
      name: "q",
      source: source("well").replace(`name: "p"`, `name: "q"`),
      healthInterval: 10,
    }],
  });
  using connection = await server.connect();
  const asked = async (plugin: string) => {
    await connection.send(streamRequest({ plugin, command: 1002 }));
    return (valueOf(await connection.reply()) as { asked: number }).asked;
  };
  while (await asked("q") < 5);
  assertEquals(await asked("p"), 1);
});

Deno.test("what a plugin posts of batches and health in its host's name is bounded", () => {
  const command = { number: 1001, name: "a", description: "", idempotent: false, batch: null };
  const ready = (batch: unknown) => ({
    kind: "ready",
    declaration: {
      biz: 1,
      description: "",
      concurrency: 1,
      commands: [{ ...command, batch }],
      timers: [],
      example: null,
      isStanding: true,
    },
  });
  const right = [null, { max: 1, wait: 0 }, { max: 100_000, wait: 59_999.5 }];
  const wrong = [
    undefined,
    1,
    {},
    { max: 0, wait: 0 },
    { max: 1.5, wait: 0 },
    { max: 100_001, wait: 0 },
    {
      max: 1,
      wait: -1,
    },
    { max: 1, wait: 60_000 },
    { max: 1, wait: NaN },
    { max: 1, wait: "1s" },
  ];
  assertEquals(right.map((batch) => isFromHost(ready(batch))), right.map(() => true));
  assertEquals(wrong.map((batch) => isFromHost(ready(batch))), wrong.map(() => false));
  const health = (problem: unknown) => isFromHost({ kind: "health", problem });
  assertEquals([null, "", "ill", "x".repeat(8192)].map(health), [true, true, true, true]);
  assertEquals([undefined, 1, {}, "x".repeat(8193)].map(health), [false, false, false, false]);
});

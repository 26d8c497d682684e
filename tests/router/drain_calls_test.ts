import { assertEquals } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { within } from "../support/until.ts";

/** Far beyond what the tests wait for. */
const DRAIN_TIMEOUT = "10m";

/** Runs operations that come faster than it does them. */
const SLOW = `export default { name: "slow", commands: {
  1001: { name: "work", run: () => new Promise((resolve) => setTimeout(resolve, 50)) },
} };`;

/** Calls by itself, in the way that its config names, and again as soon as it was answered. */
const RESTLESS = `
const again = (context) => async () => {
  for (let isOver = false; !isOver;) {
    await context.enqueue("slow", 1001).then(() => context.stats.count("enqueued"), ({ message }) => {
      isOver = message.includes("the server is stopping");
    });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
export default {
  name: "restless", concurrency: 4,
  timers: [{ name: "t", every: 10, run: async (context) => {
    context.stats.count("runs");
    if (context.config.how !== "timer") return;
    await context.enqueue("slow", 1001);
    context.stats.count("enqueued");
  } }],
  start: (context) => { if (context.config.how === "start") setTimeout(again(context)); },
  commands: {
    1001: { name: "begin", run: (context) => {
      if (context.config.how === "command") setTimeout(again(context));
      if (context.config.how === "promise") setTimeout(again(context), 100);
      return context.config.how === "promise" ? new Promise((resolve) => setTimeout(resolve, 50)) : null;
    } },
    1002: { name: "last", run: async (context) => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      await context.enqueue("slow", 1001);
      context.log.info("enqueued at last");
    } },
  },
};`;

function logged(server: TestServer, message: string): JsonObject[] {
  return server.log.map((line): JsonObject => JSON.parse(line)).filter((line) => line["message"] === message);
}

for (const how of ["timer", "start", "command", "promise"]) {
  Deno.test(`a drain ends though a plugin goes on calling by itself (${how})`, async () => {
    const server = await TestServer.start({
      server: { drain_timeout: DRAIN_TIMEOUT },
      plugins: [
        { name: "slow", source: SLOW, queue: { maxOps: 20, maxBytes: 1_000_000 } },
        { name: "restless", source: RESTLESS, config: { how } },
      ],
    });
    try {
      using connection = await server.connect();
      await connection.send(streamRequest({ plugin: "restless", command: 1001 }));
      assertEquals((await connection.reply()).code, 1000);
      await server.until("it calls", () => (server.plugin("restless").counters["enqueued"] ?? 0) > 3);
      await connection.send(streamRequest({ plugin: "restless", command: 1002, sync: false }));
      await connection.reply();
      const { abandoned } = await within("the drain", server.server.stop(), 20_000);
      assertEquals(abandoned, 0);
    } finally {
      await server.server.stop();
      await server[Symbol.asyncDispose]();
    }
    assertEquals(logged(server, "enqueued at last").length, 1);
  });
}

Deno.test("timers begin no run once the server drains, and one that runs is told", async () => {
  const source = `
  export default {
    name: "t", concurrency: 2,
    timers: [
      { name: "quick", every: 10, run: (context) => { context.stats.count("quick"); context.log.info("quick"); } },
      { name: "long", every: 10, run: (context) => new Promise((resolve) => {
        context.stats.count("long");
        context.signal.addEventListener("abort", () => { context.log.info("told"); resolve(); });
      }) },
    ],
    commands: { 1001: { name: "work", run: async (context) => {
      context.stats.count("begun");
      await new Promise((resolve) => setTimeout(resolve, 500));
      context.log.info("done");
    } } },
  };`;
  const server = await TestServer.start({
    server: { drain_timeout: DRAIN_TIMEOUT },
    plugins: [{ name: "t", source }],
  });
  try {
    using connection = await server.connect();
    await server.until("both run", () => {
      const { quick = 0, long = 0 } = server.plugin("t").counters;
      return quick > 2 && long === 1;
    });
    await connection.send(streamRequest({ plugin: "t", sync: false }));
    await connection.reply();
    await server.until("it works", () => server.plugin("t").counters["begun"] === 1);
    const stopped = server.server.stop();
    await server.until("the long one was told", () => logged(server, "told").length === 1);
    assertEquals(logged(server, "done").length, 0);
    assertEquals(await stopped, { pending: 1, abandoned: 0, kept: 0, unstopped: [] });
  } finally {
    await server[Symbol.asyncDispose]();
  }
  const messages = server.log.map((line): string => JSON.parse(line).message);
  assertEquals(messages.filter((message) => ["told", "done"].includes(message)), ["told", "done"]);
  assertEquals(messages.indexOf("quick", messages.indexOf("told")), -1);
});

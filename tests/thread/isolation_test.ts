import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

/** Far less than what waits for no time-out, and more than a machine under load needs; in ms. */
const SOON_MS = 15_000;

/** Plugin `p`: 1001 echoes, the others misbehave. */
const MEAN = `
const held = [];
const bare = Object.create(null);
const mean = new Proxy(new Error("mean"), { get() { throw bare; }, getPrototypeOf() { throw bare; } });
export default {
  name: "p",
  commands: {
    1001: { name: "echo", run: (context) => context.params },
    1002: { name: "spin", run: () => { for (;;); } },
    1003: { name: "fill", run: () => { while (held.length < 60_000) held.push(new Array(1000).fill(held.length + 0.5)); return new Promise(() => {}); } },
    1004: { name: "leave", run: () => { self.close(); return new Promise(() => {}); } },
    1005: { name: "exit", run: () => { Deno.exit(3); } },
    1006: { name: "escape", run: () => { setTimeout(() => { throw mean; }, 0); } },
    1007: { name: "write", run: () => { console.log("to stdout"); console.error("e".repeat(10_000)); for (let i = 0; i < 500; i++) console.error("line", i); } },
    1008: { name: "read", run: () => Deno.readTextFileSync("/etc/hostname") },
    1009: { name: "post", run: () => { self.postMessage({ kind: "log", level: "info", message: "forged", fields: { n: 1n } }); self.postMessage(42); } },
    1010: { name: "cache", run: async ({ cache, stats, log }) => { await cache.set("k", "v"); stats.count("seen"); log.info("told", { a: 1 }); return await cache.get("k"); } },
    1011: { name: "never", run: () => new Promise(() => {}) },
    1012: { name: "block", run: (context) => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, context.params.int("ms")); return { worker: context.worker }; } },
    1014: { name: "pid", run: () => Deno.pid },
    1013: { name: "env", run: () => Deno.env.get("HOME") },
  },
};`;

function start(overrides: Partial<PluginOverrides> = {}, ...others: PluginOverrides[]): Promise<TestServer> {
  return TestServer.start({
    server: { max_frame: "2 MiB" },
    plugins: [
      { name: "p", source: MEAN, isolation: "process", timeout: 200, grace: 100, ...overrides },
      ...others,
    ],
  });
}

function logged(server: TestServer, message: string): JsonObject[] {
  return server.log.map((line): JsonObject => JSON.parse(line)).filter((line) => line["message"] === message);
}

/** The worker that is there, or comes in the place of one that has gone, answers. */
async function assertAnswers(server: TestServer): Promise<void> {
  // Where none has come within an operation's time-out, the operation fails.
  await server.until("a worker runs", () => server.plugin("p").workers_running === 1);
  using connection = await server.connect();
  await connection.send(streamRequest({ id: 9, plugin: "p", params: { still: "here" } }));
  assertEquals(valueOf(await connection.reply()), { still: "here" });
}

Deno.test("a plugin in a child process", async (t) => {
  await using server = await start({ timeout: 20_000, maxMemory: 200 * 1024 * 1024 }, { name: "echo" });

  await t.step(
    "a plugin in a child process answers, logs, counts and reaches the cache as in a worker",
    async () => {
      using connection = await server.connect();
      const ids = Array.from({ length: 2000 }, (_, id) => id);
      await connection.send(
        ...ids.map((id) => streamRequest({ id, plugin: "p", params: { text: "x".repeat(id % 700) } })),
      );
      for (const id of ids) {
        const reply = await connection.reply();
        assertEquals([reply.id, valueOf(reply)], [id, { text: "x".repeat(id % 700) }]);
      }
      await connection.send(streamRequest({ id: 1, plugin: "p", command: 1010 }));
      assertEquals(valueOf(await connection.reply()), "v");
      await server.until("the counter has come", () => server.plugin("p").counters["seen"] === 1);
      assertEquals(logged(server, "told").map(({ a, plugin, worker }) => [a, plugin, worker]), [[1, "p", 0]]);
      const { isolation, moved, workers_running, restarts } = server.plugin("p");
      assertEquals([isolation, moved, workers_running, restarts], ["process", false, 1, 0]);
    },
  );

  await t.step(
    "messages as long as they may be go to a child process and back, with others around them",
    async () => {
      using connection = await server.connect();
      const lengths = [2_000_000, 10, 1_500_000, 0, 700_000, 70_000, 3, 2_000_000];
      await connection.send(
        ...lengths.map((length, id) =>
          streamRequest({ id, plugin: "p", params: { text: "y".repeat(length) } })
        ),
      );
      for (const [id, length] of lengths.entries()) {
        const reply = await connection.reply();
        assertEquals([reply.id, valueOf(reply)], [id, { text: "y".repeat(length) }]);
      }
    },
  );

  await t.step("the permissions of a plugin hold in its child process", async () => {
    using connection = await server.connect();
    for (const [command, what] of [[1008, "may not read"], [1013, "may not read the environment"]] as const) {
      await connection.send(streamRequest({ id: 1, plugin: "p", command }));
      const reply = await connection.reply();
      assertEquals(reply.code, 14);
      assertStringIncludes(messageOf(reply), `plugin p ${what}`);
    }
  });

  await t.step("what a child process writes to stdout and stderr goes to the log, in bounds", async () => {
    using connection = await server.connect();
    await connection.send(
      streamRequest({ id: 1, plugin: "p", command: 1007 }),
      streamRequest({ id: 2, plugin: "p" }),
    );
    assertEquals((await connection.replies(2)).map(({ code }) => code), [1000, 1000]);
    await server.until(
      "it is logged",
      () => logged(server, "a plugin's process wrote to stdout").length === 1,
    );
    await server.until(
      "the first lines are there",
      () => logged(server, "a plugin's process wrote to stderr").length > 5,
    );
    const [long] = logged(server, "a plugin's process wrote to stderr");
    assertEquals(String(long!["text"]).length, 4096);
    assertLess(logged(server, "a plugin's process wrote to stderr").length, 300);
  });

  await t.step("what a plugin posts by itself is one warning in a child process too", async () => {
    using connection = await server.connect();
    await connection.send(streamRequest({ id: 1, plugin: "p", command: 1009 }));
    assertEquals((await connection.reply()).code, 1000);
    await server.until(
      "it is told",
      () => logged(server, "a worker posted a message that mevent does not know").length >= 1,
    );
    await assertAnswers(server);
    assertEquals(server.plugin("p").restarts, 0);
  });

  await t.step(
    "a plugin that fills its memory is a restarted child process, and the others do not notice",
    async () => {
      using connection = await server.connect();
      using other = await server.connect();
      await connection.send(
        streamRequest({ id: 1, plugin: "p", command: 1003 }),
        streamRequest({ id: 2, plugin: "p", params: { after: true } }),
      );
      await other.send(streamRequest({ id: 3, plugin: "echo", params: { a: 1 } }));
      assertEquals(valueOf(await other.reply()), { a: 1 });
      const replies = new Map((await connection.replies(2)).map((reply) => [reply.id, reply]));
      assertEquals(replies.get(1)!.code, 14);
      assert(/uses \d+ MiB of memory, more than its max_memory of 200 MiB/.test(messageOf(replies.get(1)!)));
      assertEquals(valueOf(replies.get(2)!), { after: true });
      assertEquals([server.plugin("p").restarts, server.plugin("echo").restarts], [1, 0]);
    },
  );

  await t.step(
    "a child process that is killed is replaced, and its callers are told by what it ended",
    async () => {
      using connection = await server.connect();
      await connection.send(streamRequest({ id: 1, plugin: "p", command: 1014 }));
      const pid = Number(valueOf(await connection.reply()));
      await connection.send(streamRequest({ id: 1, plugin: "p", command: 1011 }));
      await server.until("it runs", () => server.plugin("p").in_flight === 1);
      Deno.kill(pid, "SIGABRT");
      const reply = await connection.reply();
      assertEquals(reply.code, 14);
      assertStringIncludes(messageOf(reply), "its process ended by SIGABRT");
      await assertAnswers(server);
    },
  );
});

Deno.test("a child process that is of no use any more", async (t) => {
  await using server = await start();

  await t.step(
    "a child process that spins is ended after its time-out and grace, and what waited behind it runs",
    async () => {
      using connection = await server.connect();
      const before = performance.now();
      await connection.send(
        streamRequest({ id: 1, plugin: "p", command: 1002 }),
        streamRequest({ id: 2, plugin: "p", params: { after: true } }),
      );
      const replies = new Map((await connection.replies(2)).map((reply) => [reply.id, reply]));
      assertEquals(replies.get(1)!.code, 14);
      assertStringIncludes(messageOf(replies.get(1)!), "hangs");
      assertEquals(valueOf(replies.get(2)!), { after: true });
      assertLess(performance.now() - before, SOON_MS);
      const [death] = logged(server, "worker died and is replaced");
      assertEquals([death!["plugin"], death!["commands"], death!["operations_begun"]], ["p", "1002 spin", 1]);
      const { restarts, leaked_threads, moved } = server.plugin("p");
      assertEquals([restarts, leaked_threads, moved], [1, 0, false]);
    },
  );

  await t.step("a child process that ends itself, or whose error escapes, is replaced", async () => {
    using connection = await server.connect();
    const before = server.plugin("p").restarts;
    for (const [index, command] of [1004, 1005, 1006].entries()) {
      await connection.send(streamRequest({ id: index, plugin: "p", command }));
      await connection.reply();
      await server.until("it is replaced", () => server.plugin("p").restarts === before + index + 1);
      await assertAnswers(server);
    }
  });
});

Deno.test("what a child process was given ahead and has not begun is run by another", async () => {
  await using server = await start({ workers: 2, timeout: 10_000 });
  using connection = await server.connect();
  using stuck = await server.connect();
  const burst = (from: number) =>
    Array.from({ length: 500 }, (_, i) => streamRequest({ id: from + i, plugin: "p" }));
  await connection.send(...burst(0));
  await connection.replies(500);
  await stuck.send(streamRequest({ id: 1, plugin: "p", command: 1012, params: { ms: 4000 } }));
  await server.until("it is busy", () => server.plugin("p").in_flight === 1);
  const order: string[] = [];
  await connection.send(...burst(500));
  await Promise.all([
    connection.replies(500).then(() => order.push("burst")),
    stuck.reply().then(({ code }) => order.push(`stuck ${code}`)),
  ]);
  assertEquals(order, ["burst", "stuck 1000"], "some waited for the worker that is busy");
});

Deno.test("a plugin that does not load in its child process says why", async () => {
  const error = await assertRejects(() =>
    TestServer.start({
      plugins: [{ name: "p", source: `throw new Error("no luck");`, isolation: "process" }],
    })
  );
  assertStringIncludes(error.message, "plugin p does not load: ");
  assertStringIncludes(error.message, "no luck");
});

Deno.test("a child process ends with the server that started it", async () => {
  const parent = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL("../support/isolated_server.ts", import.meta.url).pathname],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = parent.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  const pid = Number(value);
  assert(pid > 0 && isAlive(pid), `no child: ${value}`);
  parent.kill("SIGKILL");
  await parent.status;
  await until("the child has ended", () => !isAlive(pid));
  await reader.cancel();
});

function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

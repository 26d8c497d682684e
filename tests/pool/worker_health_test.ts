import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { PLUGIN_DEFAULTS } from "../../src/config/defaults.ts";
import type { JsonObject } from "../../src/plugin.ts";
import { createBeats, Pulse } from "../../src/ring/heartbeat.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

/** 1001 tells how many it had before, 1002 never ends, 1003 blocks, 1004 leaves after its reply, 1005 waits, 1006 spins until its file is gone. */
const SOURCE = `
let before = 0;
export default {
  name: "p",
  concurrency: CONCURRENCY,
  commands: {
    1001: { name: "count", run: () => ({ before: before++ }) },
    1002: { name: "never", run: () => new Promise(() => {}) },
    1003: { name: "block", run: ({ params }) => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, params.int("ms")); } },
    1004: { name: "leave", run: () => { setTimeout(() => self.close(), 20); } },
    1005: { name: "wait", run: async ({ params }) => { await new Promise((done) => setTimeout(done, params.int("ms"))); return { before: before++ }; } },
    1006: { name: "spin", run: ({ params }) => { try { for (;;) Deno.statSync(params.string("until_gone")); } catch {} } },
  },
};`;

const source = (concurrency: number) => SOURCE.replace("CONCURRENCY", String(concurrency));

function logged(server: TestServer, message: string): JsonObject[] {
  return server.log.map((line): JsonObject => JSON.parse(line)).filter((line) => line["message"] === message);
}

Deno.test("an operation that goes on after its time-out and grace ends its worker, and what waited is run by the next one", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "p", source: source(1), timeout: 100, grace: 150 }],
  });
  using connection = await server.connect();
  const start = performance.now();
  await connection.send(
    streamRequest({ id: 1, plugin: "p", command: 1002 }),
    streamRequest({ id: 2, plugin: "p" }),
  );
  const replies = await connection.replies(2);
  assertEquals(replies.map(({ id, code }) => [id, code]), [[1, 14], [2, 1000]]);
  assertStringIncludes(messageOf(replies[0]!), "longer than its time-out of 100 ms");
  assert(performance.now() - start >= 250, "it had its grace");
  const [death] = logged(server, "worker died and is replaced");
  assertStringIncludes(
    String(death!["reason"]),
    "an operation of command 1002 never has not ended 150 ms after its time-out of 100 ms",
  );
  assertEquals([server.plugin("p").restarts, server.plugin("p").failed], [1, 1]);
});

Deno.test("what a worker had begun when it is given up is lost, what it had not begun is not", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "p", source: source(2), timeout: 800, grace: 0 }],
  });
  using connection = await server.connect();
  await connection.send(
    streamRequest({ id: 1, plugin: "p", command: 1002 }),
    streamRequest({ id: 2, plugin: "p", command: 1005, params: { ms: 100 } }),
    streamRequest({ id: 3, plugin: "p", command: 1002 }),
    ...[4, 5, 6].map((id) => streamRequest({ id, plugin: "p" })),
  );
  const codes = new Map((await connection.replies(6)).map(({ id, code }) => [id, code]));
  // 3 began when 2 had ended, and has not had its time when 1 ends the worker.
  assertEquals([...codes].sort(([a], [b]) => a - b), [[1, 14], [2, 1000], [3, 14], [4, 1000], [5, 1000], [
    6,
    1000,
  ]]);
});

Deno.test("a worker that ends itself with nothing in flight is found and replaced", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "p", source: source(1), timeout: 100, grace: 100 }],
  });
  using connection = await server.connect();
  await connection.send(streamRequest({ id: 1, plugin: "p", command: 1004 }));
  assertEquals((await connection.reply()).code, 1000);
  await server.until("it is replaced", () => server.plugin("p").restarts === 1);
  await connection.send(streamRequest({ id: 2, plugin: "p" }));
  assertEquals(valueOf(await connection.reply()), { before: 0 });
});

Deno.test("a worker that is idle, or busy within its time, is left alone", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "p", source: source(1), timeout: 1000, grace: 0 }, {
      name: "quick",
      source: source(1).replace(`name: "p"`, `name: "quick", sync: true`),
      timeout: 1,
      grace: 0,
    }],
  });
  using connection = await server.connect();
  await connection.send(streamRequest({ id: 1, plugin: "p", command: 1003, params: { ms: 900 } }));
  assertEquals((await connection.reply()).code, 1000);
  await connection.send(streamRequest({ id: 2, plugin: "p", command: 1003, params: { ms: 900 } }));
  assertEquals((await connection.reply()).code, 1000);
  await connection.send(streamRequest({ id: 3, plugin: "p", command: 1003, params: { ms: 900 } }));
  assertEquals((await connection.reply()).code, 1000);
  assertEquals([server.plugin("p").restarts, server.plugin("quick").restarts], [0, 0]);
});

Deno.test("workers are recycled after so many operations: none is lost, none waits for the next worker's start", async () => {
  for (const concurrency of [1, 8]) {
    await using server = await TestServer.start({
      plugins: [{ name: "p", source: source(concurrency), workers: 2, recycleAfter: 500 }],
    });
    using connection = await server.connect();
    const count = 2000;
    let most = 0;
    for (let from = 0; from < count; from += 100) {
      await connection.send(
        ...Array.from({ length: 100 }, (_, i) => streamRequest({ id: from + i, plugin: "p" })),
      );
      for (const reply of await connection.replies(100)) {
        assertEquals(reply.code, 1000);
        most = Math.max(most, (valueOf(reply) as { before: number }).before);
      }
    }
    await server.until("some were recycled", () => server.plugin("p").recycled >= 2);
    const { done, restarts, failed } = server.plugin("p");
    assertEquals([done, restarts, failed], [count, 0, 0]);
    assertLess(most, count, "one worker did all");
    assertEquals(logged(server, "worker died and is replaced"), []);
  }
});

Deno.test("with one worker and one operation at a time a recycled worker's last ends before the next one's first begins", async () => {
  await using server = await TestServer.start({
    plugins: [{
      name: "p",
      source: `export default { name: "p", commands: { 1001: { name: "span", run: async () => {
        const began = performance.timeOrigin + performance.now();
        await new Promise((done) => setTimeout(done, 2));
        return { began, ended: performance.timeOrigin + performance.now() };
      } } } };`,
      recycleAfter: 20,
    }],
  });
  using connection = await server.connect();
  const ids = Array.from({ length: 300 }, (_, id) => id);
  await connection.send(...ids.map((id) => streamRequest({ id, plugin: "p" })));
  let last = 0;
  for (const id of ids) {
    const reply = await connection.reply();
    const { began, ended } = valueOf(reply) as { began: number; ended: number };
    assertEquals(reply.id, id);
    // Each worker has a time origin of its own, known to a fraction of a millisecond.
    assert(began > last - 0.5, `operation ${id} began ${last - began} ms before the one before it had ended`);
    last = ended;
  }
  assert(server.plugin("p").recycled >= 2);
});

Deno.test({
  name: "a plugin whose ended thread goes on spinning is moved to child processes, where it can be ended",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const file = await Deno.makeTempFile({ prefix: "mevent-test-" });
    const permissions = { ...PLUGIN_DEFAULTS.permissions, read: [file] };
    await using server = await TestServer.start({
      plugins: [{ name: "p", source: source(1), workers: 2, timeout: 100, grace: 100, permissions }],
    });
    using connection = await server.connect();
    await connection.send(
      streamRequest({ id: 1, plugin: "p", command: 1006, params: { until_gone: file } }),
    );
    assertEquals((await connection.reply()).code, 14);
    await server.until("the thread is counted", () => server.plugin("p").leaked_threads === 1);
    const { isolation, moved } = server.plugin("p");
    assertEquals([isolation, moved], ["process", true]);
    await server.until("both run again", () => server.plugin("p").workers_running === 2);
    await connection.send(streamRequest({ id: 2, plugin: "p" }));
    assertEquals((await connection.reply()).code, 1000);
    await Deno.remove(file);
    await server.until("the thread has ended", () => server.plugin("p").leaked_threads === 0);
    assertEquals(server.plugin("p").moved, true);
    assertEquals(
      logged(server, "a plugin spins: it runs in child processes from now on, which can be ended").length,
      1,
    );
  },
});

Deno.test("a pulse counts silence by its own looks, and anew from one that comes late", () => {
  const memory = createBeats();
  const pulse = new Pulse(memory, 2000);
  const beat = () => Atomics.add(new Int32Array(memory), 0, 1);
  assertEquals(pulse.silentFor(10_000), 0);
  assertEquals(pulse.silentFor(11_000), 1000);
  assertEquals(pulse.silentFor(12_000), 2000);
  beat();
  assertEquals(pulse.silentFor(13_000), 0);
  // The process was stopped meanwhile.
  assertEquals(pulse.silentFor(14_000), 1000);
  assertEquals(pulse.silentFor(90_000), 0);
  assertEquals(pulse.silentFor(90_300), 300);
  assertEquals(pulse.silentFor(91_300), 1300);
  beat();
  assertEquals(pulse.silentFor(92_300), 0);
  assertEquals(pulse.silentFor(94_400), 0);
});

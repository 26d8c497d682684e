import { assert, assertEquals, assertLess } from "@std/assert";
import { concat } from "../support/bytes.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

/** A plugin whose commands tell which worker ran them: 1001 at once, 1002 after a blocking wait, 1003 in order of start. */
const WHO = `
let count = 0;
export default {
  name: "who",
  commands: {
    1001: { name: "who", run: (context) => ({ worker: context.worker, uid: context.params.value("uid", null), nth: count++ }) },
    1002: { name: "block", run: (context) => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, context.params.int("ms")); } },
  },
};`;

const SYNCHRONOUS = `
export default {
  name: "quick",
  sync: true,
  commands: {
    1001: { name: "echo", run: (context) => context.params },
    1002: { name: "later", run: async () => { await new Promise((resolve) => setTimeout(resolve, 5)); return { late: true }; } },
  },
};`;

Deno.test("what was given ahead to a worker that hangs is run by the others", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "who", source: WHO, workers: 2 }] });
  using warm = await server.connect();
  const count = 2000;
  const burst = (from: number) =>
    Array.from(
      { length: count },
      (_, i) => streamRequest({ id: from + i, plugin: "who", params: { uid: 1 } }),
    );
  // Quick replies first, so that much is given ahead.
  await warm.send(...burst(0));
  for (let i = 0; i < count; i++) await warm.reply();

  using stuck = await server.connect();
  await stuck.send(streamRequest({ id: 1, plugin: "who", command: 1002, params: { ms: 6000 } }));
  await server.until("it hangs", () => server.plugin("who").in_flight === 1);
  const start = performance.now();
  await warm.send(...burst(count));
  const workers = new Set<unknown>();
  for (let i = 0; i < count; i++) {
    const reply = await warm.reply();
    assertEquals(reply.code, 1000);
    workers.add((valueOf(reply) as { worker: number }).worker);
  }
  assertEquals(workers.size, 1);
  assertLess(performance.now() - start, 5000, "some waited for the worker that hangs");
  assertEquals((await stuck.reply()).code, 1000);
});

Deno.test("operations with the same value of the affinity param run on one worker, in order", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "who", source: WHO, workers: 3, affinity: "user.id" }],
  });
  using connection = await server.connect();
  const count = 600;
  await connection.send(
    ...Array.from(
      { length: count },
      (_, id) => streamRequest({ id, plugin: "who", params: { uid: id, user: { id: `u${id % 20}` } } }),
    ),
  );
  const workerOf = new Map<number, Set<number>>();
  const lastOf = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const { worker, uid, nth } = valueOf(await connection.reply()) as {
      worker: number;
      uid: number;
      nth: number;
    };
    const user = uid % 20;
    workerOf.set(user, (workerOf.get(user) ?? new Set()).add(worker));
    assert(nth > (lastOf.get(user) ?? -1), `user ${user}: out of order`);
    lastOf.set(user, nth);
  }
  assertEquals([...workerOf.values()].map((workers) => workers.size), Array(20).fill(1));
  assert(new Set([...workerOf.values()].flatMap((workers) => [...workers])).size > 1, "one worker had all");
});

Deno.test("without the affinity param an operation goes where least waits", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "who", source: WHO, workers: 2, affinity: "key" }],
  });
  using stuck = await server.connect();
  using connection = await server.connect();
  await stuck.send(streamRequest({ id: 1, plugin: "who", command: 1002, params: { ms: 300 } }));
  await connection.send(streamRequest({ id: 2, plugin: "who", params: { uid: 2 } }));
  assertEquals((await connection.reply()).code, 1000);
  assertEquals((await stuck.reply()).code, 1000);
});

Deno.test("a plugin of synchronous commands answers, sleeps, wakes, takes messages and stops", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "quick", source: SYNCHRONOUS }] });
  using connection = await server.connect();
  for (let round = 0; round < 20; round++) {
    const ids = Array.from({ length: 50 }, (_, i) => round * 50 + i);
    await connection.send(...ids.map((id) => streamRequest({ id, plugin: "quick", params: { id } })));
    for (const id of ids) assertEquals(valueOf(await connection.reply()), { id });
  }
  await connection.send(streamRequest({ id: 1, plugin: "quick", command: 1002 }));
  assertEquals(valueOf(await connection.reply()), { late: true });
});

Deno.test("the log tells once that a queue fills, is full, and is empty again", async () => {
  await using server = await TestServer.start({
    server: { log_level: "info" },
    plugins: [{ name: "who", source: WHO, queue: { maxOps: 10, maxBytes: 1_000_000 } }],
  });
  using connection = await server.connect();
  // In one segment: the server has had all of them before the first is done.
  await connection.send(concat(
    Array.from(
      { length: 30 },
      (_, id) => streamRequest({ id, plugin: "who", command: 1002, params: { ms: 60 }, sync: false }),
    ),
  ));
  for (let i = 0; i < 30; i++) await connection.reply();
  assertEquals(server.plugin("who").busy, 20);
  await server.until("all is done", () => server.plugin("who").queue_level === "normal");
  const told = server.log.filter((line) => line.includes("the queue of plugin who"));
  for (const [level, times] of [["info", 1], ["warning", 1], ["full", 1], ["normal", 1]] as const) {
    const lines = told.filter((line) => JSON.parse(line)["queue_level"] === level);
    assert(lines.length >= times && lines.length <= 2, `${level}: ${told.join("")}`);
  }
});

Deno.test("the time-out of an operation holds while an older one has not ended within its own", async () => {
  const source =
    `export default { name: "p", concurrency: 4, commands: { 1001: { name: "never", run: () => new Promise(() => {}) } } };`;
  await using server = await TestServer.start({
    plugins: [{ name: "p", source, timeout: 50, grace: 60_000 }],
    server: { drain_timeout: "0s" },
  });
  using connection = await server.connect();
  for (const id of [1, 2, 3]) {
    await connection.send(streamRequest({ id, plugin: "p" }));
    assertEquals((await connection.reply()).code, 14);
  }
  // They never end: the second stop, that of the test's end, does not wait for them.
  void server.server.stop();
});

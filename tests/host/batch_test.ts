import { assertEquals, assertLessOrEqual, assertRejects, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { begun, request, source, toldBy } from "../support/batch_plugin.ts";
import { messageOf, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

Deno.test("what came while a batch ran is the next one, in order and at most max", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "p", source: source(1) }] });
  using connection = await server.connect();
  await connection.send(...Array.from({ length: 450 }, (_, n) => request(n, 1002, { n })));
  const told = await toldBy(connection, 450);
  assertEquals(told.map(({ n }) => n), Array.from({ length: 450 }, (_, n) => n));
  const sizes = new Map(told.map(({ batch, size }) => [batch, size]));
  assertLessOrEqual(Math.max(...sizes.values()), 100);
  assertLessOrEqual(sizes.size, 8, `sizes ${[...sizes.values()]}`);
  for (const [batch, size] of sizes) {
    assertEquals(
      told.filter((each) => each.batch === batch).map(({ at }) => at),
      Array.from({ length: size }, (_, at) => at),
    );
  }
});

Deno.test("each operation of a batch gets its own result or error, a wrong list is an error of all", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "p", source: source(4) }] });
  using connection = await server.connect();
  const kinds: JsonObject[] = [
    {},
    { own: 1 },
    { error: 1 },
    { code: 1 },
    { unwritable: 1 },
    { same: 1 },
    {},
    {},
  ];
  await connection.send(...kinds.map((params, id) => request(id, 1003, params)));
  const replies = (await connection.replies(8)).sort((a, b) => a.id - b.id);
  assertEquals(replies.map(({ code }) => code), [1000, 40, 14, 1001, 22, 1000, 1000, 1000]);
  assertEquals(
    [
      valueOf(replies[0]!),
      messageOf(replies[1]!),
      messageOf(replies[2]!),
      valueOf(replies[3]!),
      valueOf(replies[5]!),
    ],
    [1003, "its own", "any", "kept", { same: 1 }],
  );
  for (
    const [kind, code, sentence] of [
      ["throw", 14, "all of it"],
      ["short", 14, "runBatch returned 1 results for 8 operations"],
      ["text", 14, "runBatch is to return an array, not a value of type string"],
      ["nothing", 1000, ""],
    ] as const
  ) {
    await connection.send(
      ...Array.from({ length: 8 }, (_, id) => request(id, 1003, id === 5 ? { [kind]: 1 } : {})),
    );
    for (const reply of await connection.replies(8)) {
      assertEquals([reply.code, messageOf(reply)], [code, sentence]);
      if (kind === "nothing") assertEquals(valueOf(reply), undefined);
    }
  }
  const lines = server.log.map((line): JsonObject => JSON.parse(line));
  assertEquals(lines.filter(({ message }) => message === "a batch failed").length, 3);
  assertEquals(lines.filter(({ message }) => message === "operations of a batch failed").length, 1);
});

Deno.test("an operation of another command ends the wait of a batch where it wants its place", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "p", source: source(1) }] });
  using connection = await server.connect();
  await connection.send(
    ...[0, 1, 2].map((n) => request(n, 1005, { n })),
    request(3, 1004),
    ...[4, 5].map((n) => request(n, 1005, { n })),
    request(6, 1004),
  );
  const replies = await connection.replies(7);
  assertEquals(replies.map(({ id }) => id), [0, 1, 2, 3, 4, 5, 6]);
  assertEquals([valueOf(replies[3]!), valueOf(replies[6]!)], [1, 2]);
});

Deno.test("a batch is filled from the queue, also where it is larger than what is handed over at once", async () => {
  const count = 6000;
  const large = `export default {
    name: "p",
    commands: {
      1001: {
        name: "large",
        batch: { max: ${count}, wait: "50s" },
        runBatch(operations) { operations[0].stats.gauge("size", operations.length); },
      },
    },
  };`;
  for (const isolation of ["worker", "process"] as const) {
    await using server = await TestServer.start({ plugins: [{ name: "p", source: large, isolation }] });
    using connection = await server.connect();
    const [plugin] = server.server.registry.plugins;
    plugin!.pause();
    const text = "x".repeat(900);
    for (let from = 0; from < count; from += 1000) {
      await connection.send(
        ...Array.from({ length: 1000 }, (_, n) => request(from + n, 1001, { text }, false)),
      );
      await connection.replies(1000);
    }
    plugin!.resume();
    await server.until("it is full and runs", () => server.plugin("p").done === count);
    await server.until("it says so", () => server.plugin("p").gauges["size"] === count);
  }
});

Deno.test("a worker that blocks while it waits gathers for as long as the batch waits, and runs it in time", async () => {
  const sync = `
    const told = (operations) => operations.map(() => operations.length);
    export default {
      name: "p",
      sync: true,
      commands: {
        1001: { name: "long", batch: { max: 2, wait: "20s" }, runBatch: told },
        1002: { name: "short", batch: { max: 100, wait: 150 }, runBatch: told },
      },
    };`;
  await using server = await TestServer.start({ plugins: [{ name: "p", source: sync }] });
  using connection = await server.connect();
  await connection.send(request(1, 1001));
  await server.until("it is gathered", () => begun(server).length === 1);
  // Each time that it has blocked it gives two signs of life.
  const [worker] = server.server.registry.plugins[0]!.pool.workers;
  const { beat } = worker!;
  await server.until("it has blocked more than once", () => worker!.beat >= beat + 5);
  await connection.send(request(2, 1001));
  assertEquals((await connection.replies(2)).map((reply) => valueOf(reply)), [2, 2]);
  await connection.send(request(3, 1002));
  assertEquals(valueOf(await connection.reply()), 1);
});

Deno.test("the shorter wait ends first, whichever batch was opened first", async () => {
  const waits = `
    const told = (operations) => operations.map(() => operations.length);
    export default {
      name: "p",
      concurrency: 3,
      commands: {
        1001: { name: "long", batch: { max: 10, wait: "50s" }, runBatch: told },
        1002: { name: "short", batch: { max: 10, wait: "50ms" }, runBatch: told },
      },
    };`;
  await using server = await TestServer.start({ plugins: [{ name: "p", source: waits }] });
  using connection = await server.connect();
  await connection.send(request(1, 1001));
  await server.until("it is gathered", () => begun(server).length === 1);
  await connection.send(request(2, 1002));
  assertEquals((await connection.reply()).id, 2);
  assertEquals(begun(server).length, 1);
});

Deno.test("operations and batches know when their time is over", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "p", source: source(1), timeout: 60_000 }],
  });
  using connection = await server.connect();
  for (const command of [1008, 1009]) {
    await connection.send(request(1, command));
    const { one, all, now } = valueOf(await connection.reply()) as { one: number; all: number; now: number };
    assertLessOrEqual(Math.abs(one - all), 1);
    assertLessOrEqual(one, now + 60_001);
    assertLessOrEqual(now + 50_000, one);
  }
});

Deno.test("a plugin with a wrong `batch` does not load, and is told why", async () => {
  for (
    const [command, sentence] of [
      [
        "batch: {}, runBatch() {}",
        "has a `batch` that needs a `max` that is a whole number from 1 to 100000",
      ],
      ["batch: { max: 0 }, runBatch() {}", "needs a `max`"],
      ["batch: 5, runBatch() {}", "has a `batch` that is no object"],
      ['batch: { max: 5, wait: "1 year" }, runBatch() {}', "has a `wait` that is no time"],
      ['batch: { max: 5, wait: "1m" }, runBatch() {}', "not shorter than a minute"],
      ["batch: { max: 5 }, run() {}", "needs a `name` and a `runBatch` function"],
      ["batch: { max: 5 }, run() {}, runBatch() {}", "has `run` and `batch`"],
      ["runBatch() {}, run() {}", "has `runBatch` and no `batch`"],
    ] as const
  ) {
    const wrong = `export default { name: "p", commands: { 1001: { name: "a", ${command} } } };`;
    const error = await assertRejects(
      () => TestServer.start({ plugins: [{ name: "p", source: wrong }] }),
      Error,
    );
    assertStringIncludes(error.message, sentence);
  }
});

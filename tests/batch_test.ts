import { assert, assertEquals, assertLessOrEqual, assertRejects, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../src/plugin.ts";
import type { RawConnection } from "./support/raw_connection.ts";
import { messageOf, streamRequest, valueOf } from "./support/requests.ts";
import { TestServer } from "./support/test_server.ts";

/**
 * 1001 tells which of its batch each operation was, 1002 waits for `ms` of its first operation, 1003 answers as told, 1004
 * is no batch command and tells how many batches there were, 1005 has a long wait, 1006 never ends, 1007 until all of it
 * are cancelled, 1008 and 1009 tell their deadline.
 */
const SOURCE = `
let batches = 0;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const told = (operations) => {
  const batch = batches++;
  return operations.map((operation, at) => ({ batch, at, size: operations.length, n: operation.params.int("n", -1) }));
};
export default {
  name: "p",
  concurrency: CONCURRENCY,
  commands: {
    1001: { name: "told", batch: { max: 100 }, runBatch: told },
    1002: {
      name: "slow",
      batch: { max: 100 },
      async runBatch(operations) {
        await sleep(operations[0].params.int("ms", 20));
        return told(operations);
      },
    },
    1003: {
      name: "answers",
      batch: { max: 8, wait: "5s" },
      runBatch(operations, batch) {
        if (operations.some(({ params }) => params.has("throw"))) throw new Error("all of it");
        if (operations.some(({ params }) => params.has("short"))) return [1];
        if (operations.some(({ params }) => params.has("text"))) return "done";
        if (operations.some(({ params }) => params.has("nothing"))) return;
        return operations.map((operation) => {
          const { params } = operation;
          if (params.has("own")) return operation.fail(40, "its own");
          if (params.has("error")) return new Error("any");
          if (params.has("code")) return operation.reply(1001, "kept");
          if (params.has("unwritable")) return () => {};
          return params.has("same") ? params : batch.command;
        });
      },
    },
    1004: { name: "single", run: () => batches },
    1005: { name: "waits", batch: { max: 1000, wait: "50s" }, runBatch: told },
    1007: {
      name: "cancelled",
      batch: { max: 3, wait: "50s" },
      async runBatch(operations, batch) {
        const aborted = [];
        for (const { params, signal } of operations) {
          signal.addEventListener("abort", () => aborted.push(params.int("n")));
        }
        await new Promise((done) => batch.signal.addEventListener("abort", done));
        return operations.map((operation) => operation.fail(40, operation.signal.reason.message + " " + aborted));
      },
    },
    1008: {
      name: "deadline",
      batch: { max: 1 },
      runBatch: ([operation], batch) => [{ one: operation.deadline, all: batch.deadline, now: Date.now() }],
    },
    1009: { name: "deadline", run: ({ deadline }) => ({ one: deadline, all: deadline, now: Date.now() }) },
    1006: { name: "hangs", batch: { max: 4, wait: "2s" }, runBatch: () => new Promise(() => {}) },
  },
};`;

const source = (concurrency: number) => SOURCE.replace("CONCURRENCY", String(concurrency));

interface Told {
  readonly batch: number;
  readonly at: number;
  readonly size: number;
  readonly n: number;
}

function request(id: number, command: number, params: JsonObject = {}, sync = true): Uint8Array {
  return streamRequest({ id, plugin: "p", command, params, sync });
}

async function toldBy(connection: RawConnection, count: number): Promise<Told[]> {
  const replies = await connection.replies(count);
  return replies.map((reply) => {
    assertEquals(reply.code, 1000, messageOf(reply));
    return valueOf(reply) as unknown as Told;
  });
}

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

Deno.test("a stopping server runs what has been gathered and does not wait for more", async () => {
  for (const isolation of ["worker", "process"] as const) {
    const server = await TestServer.start({
      server: { drain_timeout: "20s" },
      plugins: [{ name: "p", source: source(2), isolation }],
    });
    try {
      using connection = await server.connect();
      await connection.send(...Array.from({ length: 50 }, (_, n) => request(n, 1005, { n })));
      await server.until("they are gathered", () => server.plugin("p").in_flight === 50);
      const drained = server.server.drain();
      const told = await toldBy(connection, 50);
      assert(told.every(({ size }) => size >= 1));
      await drained;
    } finally {
      await server[Symbol.asyncDispose]();
    }
  }
});

Deno.test("a reload does not wait for what a batch waits for, and what was gathered is run by the code that has it", async () => {
  for (const concurrency of [1, 4]) {
    const plugin = { name: "p", source: source(concurrency), timeout: 1000 };
    await using server = await TestServer.start({ plugins: [plugin] });
    using connection = await server.connect();
    await connection.send(...Array.from({ length: 20 }, (_, n) => request(n, 1005, { n })));
    await server.until("they are gathered", () => begun(server).length === 20);
    await server.reload({ plugins: [{ ...plugin, source: `${plugin.source}// changed` }] });
    const told = await toldBy(connection, 20);
    assertEquals(told.map(({ batch, size }) => [batch, size]), Array.from({ length: 20 }, () => [0, 20]));
  }
});

Deno.test("a server that stops at once runs what has been gathered", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "p", source: source(2) }] });
  using connection = await server.connect();
  await connection.send(...Array.from({ length: 20 }, (_, n) => request(n, 1005, { n }, false)));
  await server.until("they are gathered", () => begun(server).length === 20);
  await server.server.stop();
  assertEquals([server.plugin("p").done, server.plugin("p").failed], [20, 0]);
});

Deno.test("a worker that waits for further operations longer than one may take is no worker that hangs", async () => {
  const waits = `export default {
    name: "p",
    commands: {
      1001: { name: "waits", batch: { max: 10, wait: "3s" }, runBatch: (operations) => operations.map(() => "waited") },
    },
  };`;
  await using server = await TestServer.start({
    plugins: [{ name: "p", source: waits, timeout: 50, grace: 0 }],
  });
  using connection = await server.connect();
  await connection.send(request(1, 1001));
  assertEquals(valueOf(await connection.reply()), "waited");
  assertEquals(server.plugin("p").restarts, 0);
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

Deno.test("a batch that takes too long is answered 14 for each of its operations, and its worker replaced", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "p", source: source(1), timeout: 100, grace: 50 }],
  });
  using connection = await server.connect();
  await connection.send(...[1, 2, 3, 4].map((id) => request(id, 1006)));
  for (const reply of await connection.replies(4)) {
    assertEquals(reply.code, 14);
    assertStringIncludes(messageOf(reply), "the batch took longer than its time-out of 100 ms");
  }
  await server.until("the worker is replaced", () => server.plugin("p").restarts === 1);
});

/** The ids of what the plugin's workers have begun. */
function begun(server: TestServer): number[] {
  const [plugin] = server.server.registry.plugins;
  return plugin!.peek(100).filter(({ state }) => state === "running").map(({ id }) => id);
}

Deno.test("an operation that is cancelled while its batch is gathered does not run", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "p", source: source(1) }] });
  using connection = await server.connect();
  await connection.send(...[0, 1, 2].map((n) => request(n, 1005, { n })));
  await server.until("they are gathered", () => begun(server).length === 3);
  const [plugin] = server.server.registry.plugins;
  assertEquals(plugin!.cancel(begun(server)[1]!), "cancelling");
  const reply = await connection.reply();
  assertEquals([reply.id, reply.code, messageOf(reply)], [1, 14, "the operation was cancelled"]);
  await connection.send(request(3, 1004));
  assertEquals((await toldBy(connection, 2)).map(({ n, size }) => [n, size]), [[0, 2], [2, 2]]);
  assertEquals(valueOf(await connection.reply()), 1);
  assertEquals([server.plugin("p").cancelled, server.plugin("p").done], [1, 3]);

  await connection.send(request(4, 1005, { n: 4 }));
  await server.until("it is gathered", () => begun(server).length === 1);
  plugin!.cancel(begun(server)[0]!);
  assertEquals((await connection.reply()).code, 14);
  await connection.send(request(5, 1004));
  assertEquals(valueOf(await connection.reply()), 1, "a batch that is empty is not run, and takes no place");
});

Deno.test("cancelling operations of a running batch aborts their signals, with the last one the batch's", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "p", source: source(1) }] });
  using connection = await server.connect();
  await connection.send(...[0, 1, 2].map((n) => request(n, 1007, { n })));
  await server.until("they run", () => begun(server).length === 3);
  const [plugin] = server.server.registry.plugins;
  for (const id of begun(server).reverse()) plugin!.cancel(id);
  for (const reply of await connection.replies(3)) {
    assertEquals([reply.code, messageOf(reply)], [40, "the operation was cancelled 2,1,0"]);
  }
  assertEquals(server.plugin("p").cancelled, 3);
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
  // Longer than the worker blocks at a time.
  await new Promise((resolve) => setTimeout(resolve, 250));
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

Deno.test("what a dying worker had gathered or was running is tried again where the config says so, and nothing is lost", async () => {
  for (const isolation of ["worker", "process"] as const) {
    const dying = `
      export default {
        name: "p",
        concurrency: 2,
        commands: {
          1001: { name: "waits", batch: { max: 50, wait: "800ms" }, runBatch: (operations) => operations.map(() => 1) },
          1002: {
            name: "hangs at first",
            batch: { max: 50 },
            async runBatch(operations, { cache }) {
              if (await cache.get("hung") === undefined) {
                await cache.set("hung", "yes");
                await new Promise(() => {});
              }
              return operations.map(() => 2);
            },
          },
        },
      };`;
    await using server = await TestServer.start({
      plugins: [{
        name: "p",
        source: dying,
        isolation,
        timeout: 300,
        grace: 50,
        retry: { maxAttempts: 3, backoff: 1, maxBackoff: 10 },
      }],
    });
    using connection = await server.connect();
    await connection.send(...Array.from({ length: 80 }, (_, n) => request(n, 1001 + n % 2, { n }, false)));
    assertEquals((await connection.replies(80)).every(({ code }) => code === 1000), true);
    await server.until("all are done", () => server.plugin("p").done === 80);
    assertEquals([server.plugin("p").restarts, server.plugin("p").failed], [1, 0]);
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

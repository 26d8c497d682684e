import { assert, assertEquals, assertLessOrEqual, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../src/plugin.ts";
import type { RawConnection } from "./support/raw_connection.ts";
import { messageOf, streamRequest, valueOf } from "./support/requests.ts";
import { TestServer } from "./support/test_server.ts";

/**
 * 1001 tells which of its batch each operation was, 1002 waits for `ms` of its first operation, 1003 answers as told, 1004
 * is no batch command and logs that it ran, 1005 has a long wait, 1006 never ends.
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
    1004: { name: "single", run: ({ log, params }) => { log.info("single", params.all()); return batches; } },
    1005: { name: "waits", batch: { max: 1000, wait: "50s" }, runBatch: told },
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

import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { encodeContentOf, Encoding } from "../../src/protocol/body.ts";
import { recordBytes } from "../../src/queue/record.ts";
import { concat } from "../support/bytes.ts";
import { messageOf, type RequestOptions, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

const SLEEP: RequestOptions = { command: 1003, params: { ms: 60_000 } };
const SLEEP_RECORD_BYTES = recordBytes(encodeContentOf(Encoding.Json, { ms: 60_000 })!.length);
const MAX_OPS = 50;

/** `echo` gives up after this long, so that what is stuck ends; in ms. */
const TIMEOUT_MS = 400;
/** So long it stays stuck where the test must not end before it does, on a busy machine, too. */
const LONG_MS = 8000;

const OTHER = `export default { name: "other", commands: { 1001: { name: "echo", run: (c) => c.params } } };`;

function stuckServer(queue: { maxOps: number; maxBytes: number }): Promise<TestServer> {
  const plugins = [{ name: "skeleton", biz: 1 }, { name: "echo", biz: 3, queue, timeout: TIMEOUT_MS }];
  return TestServer.start({ plugins });
}

for (const concurrency of [1, 16, 256]) {
  Deno.test(`a stuck echo that runs ${concurrency} at once answers 21 exactly from its bound on`, async () => {
    await using server = await TestServer.start({
      plugins: [{ name: "skeleton" }, {
        name: "echo",
        concurrency,
        queue: { maxOps: MAX_OPS, maxBytes: 1e6 },
        timeout: LONG_MS,
      }],
    });
    using connection = await server.connect();
    await connection.send(
      concat(Array.from({ length: MAX_OPS }, (_, id) => streamRequest({ ...SLEEP, id }))),
    );
    await server.until("the queue is full", () => server.plugin("echo").accepted === MAX_OPS);
    assertEquals(server.plugin("echo").busy, 0);

    const start = performance.now();
    for (let id = 100; id < 150; id++) {
      await connection.send(streamRequest({ id, sync: id % 2 === 0 }));
      const reply = await connection.reply();
      assertEquals([reply.id, reply.code], [id, 21]);
      assertStringIncludes(messageOf(reply), "echo");
    }
    assertLess(performance.now() - start, LONG_MS, "refusing took longer than what was stuck");
    assertEquals(server.plugin("echo").busy, 50);
    assertEquals(server.stats().errors.busy, 50);
    assertEquals(server.plugin("echo").accepted, MAX_OPS);
  });
}

Deno.test("while echo is stuck and full, skeleton answers as before, on the same connection and on others", async () => {
  await using server = await stuckServer({ maxOps: MAX_OPS, maxBytes: 1e6 });
  using connection = await server.connect();
  using other = await server.connect();
  await connection.send(concat(Array.from({ length: MAX_OPS }, (_, id) => streamRequest({ ...SLEEP, id }))));
  await server.until("the queue is full", () => server.plugin("echo").accepted === MAX_OPS);
  for (const each of [connection, other]) {
    const cache = { plugin: "skeleton", params: { cachekey: "k", cacheval: "v" } };
    await each.send(streamRequest({ ...cache, command: 101 }), streamRequest({ ...cache, command: 100 }));
    const [set, get] = await each.replies(2);
    assertEquals([set!.code, get!.code, valueOf(get!)], [1000, 1000, { cacheval: "v" }]);
  }
  await connection.send(streamRequest({ id: 77, command: 1000 }));
  const stats = await connection.reply();
  assertEquals([stats.id, stats.code], [77, 1000], "a stuck plugin tells its stats");
});

Deno.test("a plugin with work of its own is not delayed by one that is stuck and flooded", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "echo", queue: { maxOps: 10, maxBytes: 1e6 } }, { name: "other", source: OTHER }],
  });
  using stuck = await server.connect();
  using other = await server.connect();
  const flood = concat(Array.from({ length: 2000 }, (_, id) => streamRequest({ ...SLEEP, id })));
  await stuck.send(flood);
  for (let id = 0; id < 100; id++) {
    await other.send(streamRequest({ plugin: "other", id, params: { id } }));
    assertEquals(valueOf(await other.reply()), { id });
  }
  await server.until("the flood is refused", () => server.plugin("echo").busy === 1990);
});

Deno.test("async operations count into the bound as sync ones do, and are told 21 at once", async () => {
  await using server = await stuckServer({ maxOps: MAX_OPS, maxBytes: 1e6 });
  using connection = await server.connect();
  const requests = Array.from(
    { length: MAX_OPS + 10 },
    (_, id) => streamRequest({ ...SLEEP, id, sync: false }),
  );
  await connection.send(concat(requests));
  const codes = (await connection.replies(MAX_OPS + 10)).map(({ code }) => code);
  assertEquals(codes, [...Array(MAX_OPS).fill(1000), ...Array(10).fill(21)]);
});

Deno.test("the bound in bytes is exact, too", async () => {
  const fit = 20;
  for (
    const [maxBytes, wanted] of [[fit * SLEEP_RECORD_BYTES, fit], [
      fit * SLEEP_RECORD_BYTES - 1,
      fit - 1,
    ]] as const
  ) {
    await using server = await stuckServer({ maxOps: 1000, maxBytes });
    using connection = await server.connect();
    await connection.send(
      concat(Array.from({ length: 30 }, (_, id) => streamRequest({ ...SLEEP, id, sync: false }))),
    );
    const codes = (await connection.replies(30)).map(({ code }) => code);
    assertEquals(codes, [...Array(wanted).fill(1000), ...Array(30 - wanted).fill(21)]);
    assertEquals(server.plugin("echo").queue_bytes, wanted * SLEEP_RECORD_BYTES);
  }
});

Deno.test("a short operation still fits where a long one does not", async () => {
  await using server = await stuckServer({ maxOps: 1000, maxBytes: 1000 });
  using connection = await server.connect();
  await connection.send(
    streamRequest({ id: 1, params: { long: "x".repeat(1000) } }),
    streamRequest({ id: 2 }),
  );
  assertEquals((await connection.replies(2)).map(({ id, code }) => [id, code]), [[1, 21], [2, 1000]]);
});

Deno.test("all queues together keep to max_queue_bytes", async () => {
  const fit = 30;
  await using server = await TestServer.start({
    server: { max_queue_bytes: fit * SLEEP_RECORD_BYTES },
    plugins: [{ name: "echo", timeout: TIMEOUT_MS }, { name: "other", source: OTHER }],
  });
  using connection = await server.connect();
  await connection.send(concat(Array.from({ length: fit + 2 }, (_, id) => streamRequest({ ...SLEEP, id }))));
  await connection.send(streamRequest({ id: fit + 2, plugin: "other" }));
  const replies = await connection.replies(3);
  assertEquals(replies.map(({ id, code }) => [id, code]), [[fit, 21], [fit + 1, 21], [fit + 2, 21]]);
  assertEquals(server.stats().queue_bytes, fit * SLEEP_RECORD_BYTES);
});

Deno.test("when what was stuck ends, there is room again, all of it", async () => {
  await using server = await stuckServer({ maxOps: MAX_OPS, maxBytes: 1e6 });
  using connection = await server.connect();
  for (let round = 0; round < 2; round++) {
    const requests = Array.from({ length: MAX_OPS + 1 }, (_, id) => streamRequest({ ...SLEEP, id }));
    await connection.send(concat(requests));
    const replies = await connection.replies(MAX_OPS + 1);
    assertEquals([replies[0]!.id, replies[0]!.code], [MAX_OPS, 21]);
    assert(replies.slice(1).every(({ code }) => code === 14), "what is stuck ends with its time-out");
    assertEquals(
      replies.slice(1).map(({ id }) => id).toSorted((a, b) => a - b),
      Array.from({ length: MAX_OPS }, (_, id) => id),
    );
  }
  assertEquals([server.plugin("echo").queue_bytes, server.stats().queue_bytes], [0, 0]);
  await connection.send(streamRequest({ id: 5, params: { back: "again" } }));
  assertEquals(valueOf(await connection.reply()), { back: "again" });
});

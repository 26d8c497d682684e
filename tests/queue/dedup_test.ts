import { assertEquals, assertMatch } from "@std/assert";
import { Encoding } from "../../src/protocol/body.ts";
import { Dedup } from "../../src/queue/dedup.ts";
import { concat } from "../support/bytes.ts";
import { assertBalanced, lives, livesRequest, startLives } from "../support/lives_plugin.ts";
import { messageOf, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

/** 1001 fails, 1002 ends its worker, 1003 hangs until it is aborted, 1004 succeeds. */
const ENDS = `export default { name: "lives", commands: {
  1001: { name: "fail", run: (context) => { throw context.fail(40, "not today"); } },
  1002: { name: "die", run: () => new Promise(() => setTimeout(() => Deno.exit(1))) },
  1003: { name: "hang", run: (context) => new Promise((_, reject) =>
    context.signal.addEventListener("abort", () => reject(context.signal.reason), { once: true })) },
  1004: { name: "echo", run: (context) => context.params },
} };`;

const DEDUP = { window: 60_000, maxKeys: 100, maxBytes: 1e6 };
const COUNT = { command: 1006, params: { "mevent.key": "order 7" } };

Deno.test("a second request with the same key is answered as the first and not run, in every encoding", async () => {
  await using server = await startLives({ dedup: DEDUP });
  using connection = await server.connect();
  for (const [id, encoding] of [Encoding.Json, Encoding.Hdf, Encoding.Cells].entries()) {
    const params = encoding === Encoding.Json ? { "mevent.key": "order 7" } : { mevent: { key: "order 7" } };
    await connection.send(livesRequest({ id, encoding, command: 1006, params }));
    const reply = await connection.reply();
    assertEquals([reply.id, reply.code, valueOf(reply)], [id, 1000, { n: 1 }]);
  }
  const { accepted, deduplicated, keys } = server.plugin("lives");
  assertEquals([accepted, deduplicated, keys], [1, 2, 1]);
  await connection.send(
    livesRequest({ command: 1006, params: { "mevent.key": "order 8" } }),
    livesRequest({ command: 1001, params: { "mevent.key": "order 7" } }),
  );
  const [other, otherCommand] = await connection.replies(2);
  assertEquals(valueOf(other!), { n: 2 }, "another key is another operation");
  assertEquals(valueOf(otherCommand!), { "mevent.key": "order 7" }, "and so is another command");
});

Deno.test("while the first waits or runs, a second sync caller waits for its result, on any connection", async () => {
  await using server = await startLives({ dedup: DEDUP });
  using connection = await server.connect();
  using other = await server.connect();
  lives(server).pause();
  await connection.send(livesRequest({ id: 1, ...COUNT, sync: false }));
  assertEquals((await connection.reply()).code, 1000);
  await connection.send(livesRequest({ id: 2, ...COUNT, sync: false }));
  assertEquals((await connection.reply()).code, 1000, "an async duplicate is accepted as the first was");
  await other.send(livesRequest({ id: 3, ...COUNT }));
  await server.until("it is known", () => server.plugin("lives").deduplicated === 2);
  assertEquals(server.plugin("lives").queued, 1);
  lives(server).resume();
  const reply = await other.reply();
  assertEquals([reply.id, reply.code, valueOf(reply)], [3, 1000, { n: 1 }]);
  assertBalanced(server);
});

Deno.test("a first that fails for good answers those who wait, and frees the key", async () => {
  await using server = await startLives({ dedup: DEDUP });
  using connection = await server.connect();
  const flaky = { command: 1004, params: { "mevent.key": "k", tag: 1, fails: 1 } };
  lives(server).pause();
  await connection.send(concat([1, 2].map((id) => livesRequest({ id, ...flaky }))));
  await server.until("both have come", () => server.plugin("lives").deduplicated === 1);
  lives(server).resume();
  assertEquals((await connection.replies(2)).map((reply) => [reply.code, messageOf(reply)]), [
    [40, "try 1"],
    [40, "try 1"],
  ]);
  assertEquals(server.plugin("lives").keys, 0);
  await connection.send(livesRequest({ id: 3, ...flaky }));
  assertEquals(valueOf(await connection.reply()), { tries: 2 });
});

Deno.test("a key is held while its operation is delayed or tried again, and purging tells those who wait", async () => {
  await using server = await startLives({
    dedup: DEDUP,
    maxDelay: 60_000,
    retry: { maxAttempts: 2, backoff: 1, maxBackoff: 1 },
  });
  using connection = await server.connect();
  const flaky = { command: 1004, params: { "mevent.key": "k", tag: 1, fails: 1 } };
  lives(server).pause();
  await connection.send(
    livesRequest({ id: 1, ...flaky, sync: false }),
    livesRequest({ id: 2, ...flaky }),
  );
  await connection.reply();
  await server.until("both have come", () => server.plugin("lives").deduplicated === 1);
  lives(server).resume();
  assertEquals(valueOf(await connection.reply()), { tries: 2 });

  const later = { "mevent.key": "later", "mevent.delay": 30 };
  await connection.send(livesRequest({ id: 3, sync: false, params: later }));
  await connection.reply();
  await connection.send(livesRequest({ id: 4, params: { "mevent.key": "later" } }));
  await server.until("it waits", () => server.plugin("lives").deduplicated === 2);
  assertEquals(lives(server).purge(), 1);
  const told = await connection.reply();
  assertEquals([told.id, told.code], [4, 14]);
  assertMatch(messageOf(told), /purged/);
  assertBalanced(server);
});

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`an async duplicate of a sync operation that does not succeed is a dead letter, whatever kept it (${isolation})`, async () => {
    await using server = await TestServer.start({
      plugins: [{ name: "lives", source: ENDS, dedup: DEDUP, timeout: 500, grace: 100, isolation }],
    });
    using connection = await server.connect();
    const plugin = lives(server);
    let tag = 0;
    const [fails, dies, hangs, succeeds] = [1001, 1002, 1003, 1004] as const;
    const ends: [string, number, number, () => void | Promise<void>][] = [
      ["fails", fails, 40, () => plugin.resume()],
      ["is purged", succeeds, 14, () => void plugin.purge()],
      ["is cancelled", succeeds, 14, () => void plugin.cancel(plugin.queue.lastId)],
      ["is cancelled while it runs", hangs, 14, async () => {
        plugin.resume();
        await server.until("it runs", () => plugin.peek(1)[0]?.state === "running");
        plugin.cancel(plugin.queue.lastId);
      }],
      ["dies with its worker", dies, 14, () => plugin.resume()],
      ["succeeds", succeeds, 1000, () => plugin.resume()],
    ];
    for (const [what, command, code, end] of ends) {
      plugin.pause();
      const params = { "mevent.key": what, tag: ++tag };
      const before = plugin.stats();
      await connection.send(livesRequest({ id: 1, command, params }));
      await server.until("it waits", () => plugin.stats().queued === 1);
      await connection.send(livesRequest({ id: 2, command, sync: false, params }));
      assertEquals((await connection.reply()).code, 1000, what);
      await end();
      const reply = await connection.reply();
      assertEquals([reply.id, reply.code], [1, code], what);
      await server.until("it has ended", () => plugin.stats().keys === (what === "succeeds" ? 1 : 0));
      const letter = plugin.peekDead(100).at(-1);
      if (what === "succeeds") assertEquals(plugin.stats().dead, before.dead, what);
      else {
        assertEquals([plugin.stats().dead, letter?.command, letter?.params], [
          before.dead + 1,
          command,
          params,
        ], what);
      }
      plugin.resume();
      await server.until("a worker is there", () => plugin.stats().workers_running === 1);
    }
    // Without a duplicate nobody was told that it is queued.
    const { dead } = plugin.stats();
    await connection.send(livesRequest({ id: 3, command: fails, params: { "mevent.key": "alone" } }));
    assertEquals((await connection.reply()).code, 40);
    assertEquals(plugin.stats().dead, dead);
    // A caller who has gone changes nothing.
    plugin.pause();
    {
      using gone = await server.connect();
      await gone.send(livesRequest({ id: 4, command: fails, params: { "mevent.key": "gone" } }));
      await server.until("it waits", () => plugin.stats().queued === 1);
    }
    await connection.send(
      livesRequest({ id: 5, command: fails, sync: false, params: { "mevent.key": "gone" } }),
    );
    await connection.reply();
    plugin.resume();
    await server.until("it is kept", () => plugin.stats().dead === dead + 1);
    assertEquals(plugin.retryDead(1000), dead + 1);
    await server.until("all have run", () => plugin.stats().queued + plugin.stats().in_flight === 0);
    assertBalanced(server);
  });
}

Deno.test("an async duplicate of a sync operation that waited too long is a dead letter, too", async () => {
  await using server = await startLives({ dedup: DEDUP, ttl: 1 });
  using connection = await server.connect();
  const plugin = lives(server);
  plugin.pause();
  const params = { "mevent.key": "k" };
  await connection.send(livesRequest({ id: 1, params }));
  await server.until("it waits", () => plugin.stats().queued === 1);
  await connection.send(livesRequest({ id: 2, sync: false, params }));
  assertEquals((await connection.reply()).code, 1000);
  const age = () => plugin.peek(1)[0]!.age_ms;
  await server.until("it is too old", () => age() > 1);
  plugin.resume();
  assertEquals((await connection.reply()).code, 21);
  assertEquals([plugin.stats().expired, plugin.stats().dead], [1, 1]);
  assertMatch(plugin.peekDead(1)[0]!.error, /longer than its ttl/);
});

Deno.test("a key that is no text of 1 to 256 characters is answered 23", async () => {
  await using server = await startLives({ dedup: DEDUP });
  using connection = await server.connect();
  for (const key of ["", "x".repeat(257), true, null, { a: 1 }]) {
    await connection.send(livesRequest({ params: { "mevent.key": key } }));
    const reply = await connection.reply();
    assertEquals([reply.code, messageOf(reply)], [23, "mevent.key is to be a text of 1 to 256 characters"]);
  }
});

Deno.test("with as many keys under way as there may be, a new one is answered 21", async () => {
  await using server = await startLives({ dedup: { ...DEDUP, maxKeys: 2 } });
  using connection = await server.connect();
  lives(server).pause();
  await connection.send(
    concat([1, 2, 3].map((id) => livesRequest({ id, sync: false, params: { "mevent.key": id } }))),
  );
  const replies = await connection.replies(3);
  assertEquals(replies.map(({ code }) => code), [1000, 1000, 21]);
  assertMatch(messageOf(replies[2]!), /as many operations with a mevent\.key as it may/);
  assertEquals(server.stats().limits["dedup"], 1);
  lives(server).resume();
  await server.until("they are done", () => server.plugin("lives").done === 2);
  await connection.send(livesRequest({ id: 3, sync: false, params: { "mevent.key": 3 } }));
  assertEquals((await connection.reply()).code, 1000);
  await server.until("it is done", () => server.plugin("lives").done === 3);
  const { keys, keys_forgotten } = server.plugin("lives");
  assertEquals([keys, keys_forgotten], [2, 1], "the oldest reply was forgotten for it");
});

Deno.test("a reply is remembered for the window from its end, within the bytes there may be", () => {
  const content = new Uint8Array(100);
  const dedup = new Dedup({ window: 1000, maxKeys: 10, maxBytes: 800 });
  const run = (key: string, id: number, now: number) => {
    assertEquals(dedup.admits(key), true);
    dedup.begin(key, id, 0, false);
    assertEquals(dedup.settle(id, 1000, 2, content, now), []);
  };
  run("a", 1, 0);
  assertEquals([dedup.remembered("a", 999)?.code, dedup.remembered("a", 1000)], [1000, null]);
  assertEquals([dedup.keys, dedup.bytes], [0, 0]);
  for (let id = 2; id < 12; id++) run(`key ${id}`, id, 2000);
  assertEquals(dedup.bytes <= 800 && dedup.keys > 0, true);
  assertEquals(dedup.keys + dedup.forgotten, 10);
  assertEquals(dedup.remembered("key 2", 2000), null);
  assertEquals(dedup.remembered("key 11", 2000)?.content, content);
});

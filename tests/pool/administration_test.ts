import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { concat } from "../support/bytes.ts";
import { assertBalanced, lives, livesRequest, startLives } from "../support/lives_plugin.ts";
import { messageOf, valueOf } from "../support/requests.ts";

Deno.test("a paused plugin accepts and runs nothing; resumed, it runs all in order", async () => {
  await using server = await startLives();
  using connection = await server.connect();
  lives(server).pause();
  await connection.send(concat(Array.from({ length: 20 }, (_, id) => livesRequest({ id, params: { id } }))));
  await server.until("all are accepted", () => server.plugin("lives").accepted === 20);
  const { queued, in_flight, paused } = server.plugin("lives");
  assertEquals([queued, in_flight, paused], [20, 0, true]);
  lives(server).resume();
  assertEquals((await connection.replies(20)).map(({ id }) => id), Array.from({ length: 20 }, (_, id) => id));
  assertEquals(server.plugin("lives").paused, false);
  assertBalanced(server);
});

Deno.test("the stats tell how long the oldest that waits has waited, a delay that was asked for left out, and times of the last minute", async () => {
  await using server = await startLives({ maxDelay: 60_000 });
  using connection = await server.connect();
  const plugin = lives(server);
  assertEquals(server.plugin("lives").oldest_wait_ms, 0);
  plugin.pause();
  const params = { "mevent.delay": 0.2 };
  await connection.send(livesRequest({ command: 1001, sync: false, params }));
  await connection.reply();
  await server.until("its time has come", () => server.plugin("lives").queued === 1);
  const late = server.plugin("lives").oldest_wait_ms;
  await connection.send(livesRequest({ command: 1001, sync: false }));
  await connection.reply();
  const { age_ms } = plugin.peek(1)[0]!;
  const { oldest_wait_ms } = server.plugin("lives");
  assertEquals(
    late <= oldest_wait_ms && Math.abs(age_ms - 200 - oldest_wait_ms) < 100,
    true,
    `${age_ms}, ${oldest_wait_ms}`,
  );
  plugin.resume();
  await server.until("both are done", () => server.plugin("lives").done === 2);
  const stats = server.plugin("lives");
  assertEquals([stats.queued, stats.oldest_wait_ms], [0, 0]);
  assertEquals([stats.wait_us_last_minute, stats.run_us_last_minute], [stats.wait_us, stats.run_us]);
});

Deno.test("pause takes back what a worker has not begun", async () => {
  await using server = await startLives();
  using connection = await server.connect();
  await connection.send(livesRequest({ id: 1, command: 1003, sync: false }));
  await connection.reply();
  await server.until("it runs", () => lives(server).peek(1)[0]?.state === "running");
  await connection.send(concat(Array.from({ length: 5 }, (_, id) => livesRequest({ id, params: { id } }))));
  await server.until("all are accepted", () => server.plugin("lives").accepted === 6);
  lives(server).pause();
  const { queued, in_flight } = server.plugin("lives");
  assertEquals([queued, in_flight], [5, 1]);
  lives(server).cancel(1);
  await server.until("it has ended", () => server.plugin("lives").cancelled === 1);
  assertEquals(server.plugin("lives").queued, 5);
  lives(server).resume();
  assertEquals((await connection.replies(5)).map(({ id }) => id), [0, 1, 2, 3, 4]);
});

Deno.test("peek shows what runs and what waits, bounded, long params cut with a mark", async () => {
  await using server = await startLives();
  using connection = await server.connect();
  await connection.send(livesRequest({ id: 1, command: 1003, sync: false }));
  await connection.reply();
  await server.until("the first runs", () => lives(server).peek(1)[0]?.state === "running");
  await connection.send(
    livesRequest({ id: 2, sync: false, params: { a: [1, "x"] } }),
    livesRequest({ id: 3, params: { long: "y".repeat(5000) } }),
  );
  await connection.reply();
  await server.until("all are accepted", () => server.plugin("lives").accepted === 3);
  const shown = lives(server).peek(10);
  assertEquals(shown.map(({ id, state, command, sync }) => [id, state, command, sync]), [
    [1, "running", 1003, false],
    [2, "queued", 1001, false],
    [3, "queued", 1001, true],
  ]);
  assertEquals([shown[1]!.params, shown[1]!.encoding, shown[1]!.bytes], [{ a: [1, "x"] }, "json", 13]);
  assertMatch(String(shown[2]!.params), /^\{"long":"y+ … \(5011 bytes\)$/);
  assertEquals(lives(server).peek(2).length, 2);
  assertEquals([lives(server).cancel(2), lives(server).cancel(3), lives(server).cancel(1)], [
    "cancelled",
    "cancelled",
    "cancelling",
  ]);
});

Deno.test("a cancelled operation that waits is not run and its caller is told; an unknown one is said to be unknown", async () => {
  await using server = await startLives();
  using connection = await server.connect();
  lives(server).pause();
  await connection.send(concat([7, 8, 9].map((id) => livesRequest({ id, params: { id } }))));
  await server.until("all are accepted", () => server.plugin("lives").accepted === 3);
  assertEquals(lives(server).cancel(2), "cancelled");
  assertEquals(lives(server).cancel(2), "unknown");
  assertEquals(lives(server).cancel(99), "unknown");
  const reply = await connection.reply();
  assertEquals([reply.id, reply.code, messageOf(reply)], [
    8,
    14,
    "the operation was cancelled before it ran",
  ]);
  lives(server).resume();
  assertEquals((await connection.replies(2)).map(({ id }) => id), [7, 9]);
  assertBalanced(server);
});

Deno.test("cancelling what runs aborts its signal; its end counts as cancelled and is not kept", async () => {
  await using server = await startLives();
  using connection = await server.connect();
  await connection.send(livesRequest({ id: 5, command: 1003 }));
  await server.until("it runs", () => lives(server).peek(1)[0]?.state === "running");
  assertEquals(lives(server).cancel(1), "cancelling");
  const reply = await connection.reply();
  assertEquals([reply.code, messageOf(reply)], [14, "the operation was cancelled"]);
  const { cancelled, failed, dead } = server.plugin("lives");
  assertEquals([cancelled, failed, dead], [1, 0, 0]);
});

Deno.test("purge drops all that has not begun and answers its sync callers", async () => {
  await using server = await startLives();
  using connection = await server.connect();
  lives(server).pause();
  await connection.send(
    concat(Array.from({ length: 10 }, (_, id) => livesRequest({ id, sync: id % 2 === 0 }))),
  );
  await server.until("all are accepted", () => server.plugin("lives").accepted === 10);
  assertEquals(lives(server).purge(), 10);
  const replies = await connection.replies(10);
  assertEquals(replies.filter(({ code }) => code === 1000).length, 5);
  const told = replies.filter(({ code }) => code === 14);
  assertEquals(told.map(messageOf), Array(5).fill("the operation was purged from the queue before it ran"));
  const { queued, queue_bytes, cancelled } = server.plugin("lives");
  assertEquals([queued, queue_bytes, cancelled], [0, 0, 10]);
  lives(server).resume();
  await connection.send(livesRequest({ id: 50, params: { still: "here" } }));
  assertEquals(valueOf(await connection.reply()), { still: "here" });
});

Deno.test("a failed async operation is kept as a dead letter, runs again when it is retried, and is purged", async () => {
  await using server = await startLives();
  using connection = await server.connect();
  await connection.send(
    livesRequest({ command: 1002, sync: false, params: { n: 1 } }),
    livesRequest({ command: 1002 }),
  );
  await connection.replies(2);
  await server.until("both have failed", () => server.plugin("lives").failed === 2);
  const [letter, ...others] = lives(server).peekDead(10);
  assertEquals(others, [], "the sync caller was told, nothing is kept for it");
  const { id, command, attempts, error, params, encoding, accepted_at, failed_at } = letter!;
  assertEquals({ id, command, attempts, error, params, encoding }, {
    id: 1,
    command: 1002,
    attempts: 1,
    error: "not today",
    params: { n: 1 },
    encoding: "json",
  });
  assertEquals(Math.abs(Date.parse(accepted_at) - Date.now()) < 60_000, true);
  assertEquals(accepted_at <= failed_at, true);

  lives(server).pause();
  assertEquals([lives(server).retryDead(10), server.plugin("lives").dead], [1, 0]);
  assertEquals(lives(server).peek(1)[0]!.params, { n: 1 });
  lives(server).resume();
  await server.until("it has failed again", () => server.plugin("lives").failed === 3);
  assertStringIncludes(lives(server).peekDead(1)[0]!.error, "not today");
  assertEquals([lives(server).purgeDead(), lives(server).peekDead(1)], [1, []]);
  assertBalanced(server);
});

Deno.test("dead letters are retried as far as the queue has room, and kept within their bounds", async () => {
  await using server = await startLives({
    queue: { maxOps: 2, maxBytes: 1e6 },
    dead: { maxOps: 3, maxBytes: 1e6 },
  });
  using connection = await server.connect();
  for (let id = 1; id <= 5; id++) {
    await connection.send(livesRequest({ id, command: 1002, sync: false, params: { id } }));
    await connection.reply();
    await server.until("it has failed", () => server.plugin("lives").failed === id);
  }
  const { dead, dead_dropped } = server.plugin("lives");
  assertEquals([dead, dead_dropped], [3, 2]);
  assertEquals(lives(server).peekDead(10).map(({ params }) => params), [{ id: 3 }, { id: 4 }, { id: 5 }]);
  lives(server).pause();
  assertEquals([lives(server).retryDead(10), server.plugin("lives").dead], [2, 1]);
  assertBalanced(server);
  lives(server).purge();
});

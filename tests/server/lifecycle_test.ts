import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { Encoding } from "../../src/protocol/body.ts";
import { concat } from "../support/bytes.ts";
import { assertBalanced, lives, livesRequest, startLives } from "../support/lives_plugin.ts";
import { messageOf, valueOf } from "../support/requests.ts";

const FAST_RETRY = { maxAttempts: 3, backoff: 20, maxBackoff: 40 };

Deno.test("an async operation that fails is tried again until it succeeds", async () => {
  await using server = await startLives({ retry: FAST_RETRY });
  using connection = await server.connect();
  await connection.send(livesRequest({ command: 1004, sync: false, params: { tag: 1, fails: 2 } }));
  await connection.reply();
  await server.until("it is done", () => server.plugin("lives").done === 1);
  const { retries, failed, dead, queue_bytes } = server.plugin("lives");
  assertEquals([retries, failed, dead, queue_bytes], [2, 0, 0, 0]);
  assertBalanced(server);
});

Deno.test("between its attempts an operation is shown as retrying, with its time, and counts into the bounds", async () => {
  await using server = await startLives({
    retry: { maxAttempts: 2, backoff: 40_000, maxBackoff: 60_000 },
    queue: { maxOps: 1, maxBytes: 1e6 },
  });
  using connection = await server.connect();
  await connection.send(livesRequest({ command: 1002, sync: false, params: { n: 7 } }));
  await connection.reply();
  await server.until("it waits for its next attempt", () => server.plugin("lives").retrying === 1);
  const [shown] = lives(server).peek(10);
  const { id, state, attempts, due_in_ms, params } = shown!;
  assertEquals({ id, state, attempts, params }, { id: 1, state: "retrying", attempts: 1, params: { n: 7 } });
  assert(due_in_ms! > 10_000 && due_in_ms! <= 40_000, `${due_in_ms} ms is no half to whole of the back-off`);
  await connection.send(livesRequest({ id: 2 }));
  assertEquals((await connection.reply()).code, 21);
  assertEquals([lives(server).cancel(1), server.plugin("lives").cancelled], ["cancelled", 1]);
  await connection.send(livesRequest({ id: 3 }));
  assertEquals((await connection.reply()).code, 1000);
  assertBalanced(server);
});

Deno.test("an operation that fails in all its attempts is kept as a dead letter", async () => {
  await using server = await startLives({ retry: FAST_RETRY });
  using connection = await server.connect();
  await connection.send(livesRequest({ command: 1004, sync: false, params: { tag: 1, fails: 9 } }));
  await connection.reply();
  await server.until("it has failed", () => server.plugin("lives").failed === 1);
  const [letter] = lives(server).peekDead(10);
  assertEquals([letter!.attempts, letter!.error], [3, "try 3"]);
  assertEquals(server.plugin("lives").retries, 2);
  assertBalanced(server);
});

Deno.test("a sync operation is tried again only where its command is idempotent", async () => {
  await using server = await startLives({ retry: FAST_RETRY });
  using connection = await server.connect();
  await connection.send(livesRequest({ command: 1004, params: { tag: 1, fails: 1 } }));
  const failed = await connection.reply();
  assertEquals([failed.code, messageOf(failed)], [40, "try 1"]);
  await connection.send(livesRequest({ command: 1005, params: { tag: 2, fails: 2 } }));
  const done = await connection.reply();
  assertEquals([done.code, valueOf(done)], [1000, { tries: 3 }]);
  await connection.send(livesRequest({ command: 1005, params: { tag: 3, fails: 9 } }));
  const given = await connection.reply();
  assertEquals([given.code, messageOf(given)], [40, "try 3"]);
  assertBalanced(server);
});

Deno.test("what is wrong with the request itself is not tried again, other failures and time-outs are", async () => {
  await using server = await startLives({
    retry: { maxAttempts: 2, backoff: 1, maxBackoff: 1 },
    timeout: 50,
  });
  using connection = await server.connect();
  await connection.send(livesRequest({ command: 1004, sync: false, params: { tag: "no number" } }));
  await connection.reply();
  await server.until("23 has failed", () => server.plugin("lives").failed === 1);
  assertEquals(server.plugin("lives").retries, 0);
  await connection.send(livesRequest({ command: 1003, sync: false }));
  await connection.reply();
  await server.until("the time-out has failed", () => server.plugin("lives").failed === 2);
  const [first, second] = lives(server).peekDead(10);
  assertEquals([first!.attempts, second!.attempts], [1, 2]);
  assertMatch(second!.error, /longer than its time-out of 50 ms/);
});

Deno.test("a worker's death is an attempt of what had begun; what had not is run by the next one for nothing", async () => {
  await using server = await startLives({
    retry: { maxAttempts: 2, backoff: 60_000, maxBackoff: 60_000 },
  });
  using connection = await server.connect();
  await connection.send(livesRequest({ id: 1, command: 1003, sync: false }));
  await connection.reply();
  await server.until("it runs", () => lives(server).peek(1)[0]?.state === "running");
  await connection.send(concat([2, 3, 4].map((id) => livesRequest({ id, params: { id } }))));
  await server.until("all are accepted", () => server.plugin("lives").accepted === 4);
  lives(server).pool.workers[0]!.fail("it was killed");
  const replies = await connection.replies(3);
  assertEquals(replies.map(({ id, code }) => [id, code]), [[2, 1000], [3, 1000], [4, 1000]]);
  const [shown] = lives(server).peek(1);
  assertEquals([shown!.id, shown!.state, shown!.attempts], [1, "retrying", 1]);
  assertEquals([lives(server).purge(), server.plugin("lives").failed], [1, 0]);
  assertBalanced(server);
});

Deno.test("what had begun when its worker died and has no attempt left fails, with the reason", async () => {
  await using server = await startLives();
  using connection = await server.connect();
  await connection.send(livesRequest({ id: 1, command: 1003, sync: false }));
  await connection.reply();
  await server.until("it runs", () => lives(server).peek(1)[0]?.state === "running");
  lives(server).pool.workers[0]!.fail("it was killed");
  assertMatch(lives(server).peekDead(1)[0]!.error, /the worker of plugin lives died: it was killed/);
  assertBalanced(server);
});

Deno.test("an operation that waits longer than ttl is not run: sync callers are answered 21, async ones are kept", async () => {
  await using server = await startLives({ ttl: 30 });
  using connection = await server.connect();
  lives(server).pause();
  await connection.send(concat([true, false].map((sync, id) => livesRequest({ id, sync, command: 1006 }))));
  assertEquals((await connection.reply()).code, 1000);
  await server.until("they are too old", () => lives(server).peek(2).every(({ age_ms }) => age_ms > 40));
  lives(server).resume();
  const reply = await connection.reply();
  assertEquals([reply.id, reply.code], [0, 21]);
  assertMatch(messageOf(reply), /^the operation waited \d+ ms, longer than its ttl of 30 ms$/);
  const { expired, failed, done, dead } = server.plugin("lives");
  assertEquals([expired, failed, done, dead], [2, 0, 0, 1]);
  const [letter] = lives(server).peekDead(1);
  assertEquals(letter!.attempts, 0);
  assertMatch(letter!.error, /longer than its ttl/);
  await connection.send(livesRequest({ id: 9, command: 1006 }));
  assertEquals(valueOf(await connection.reply()), { n: 1 });
  assertBalanced(server);
});

Deno.test("a long line that is too old ends a thousand a turn, and what came later runs", async () => {
  await using server = await startLives({ ttl: 300 });
  using connection = await server.connect();
  lives(server).pause();
  const count = 2500;
  await connection.send(
    concat(Array.from({ length: count }, (_, id) => livesRequest({ id, sync: id % 2 === 0, command: 1006 }))),
  );
  await server.until("all are accepted", () => server.plugin("lives").accepted === count);
  await server.until("they are too old", () => lives(server).peek(count).every(({ age_ms }) => age_ms > 300));
  await connection.replies(count / 2);
  lives(server).resume();
  await connection.send(livesRequest({ id: 9999, command: 1006 }));
  const codes = (await connection.replies(count / 2 + 1)).map(({ code }) => code);
  assertEquals([codes.filter((code) => code === 21).length, codes.at(-1)], [count / 2, 1000]);
  const { expired, done, dead, dead_dropped } = server.plugin("lives");
  assertEquals([expired, done, dead, dead_dropped], [count, 1, 1000, 250]);
  assertBalanced(server);
});

Deno.test("an async operation waits as long as its caller asked for, in every encoding; ttl counts from then on", async () => {
  await using server = await startLives({ maxDelay: 60_000, ttl: 1400 });
  using connection = await server.connect();
  const start = performance.now();
  const encodings = [Encoding.Json, Encoding.Hdf, Encoding.Cells];
  await connection.send(concat(
    encodings.map((encoding, id) =>
      livesRequest({
        id,
        encoding,
        sync: false,
        command: 1006,
        params: encoding === Encoding.Json ? { "mevent.delay": 1.5 } : { mevent: { delay: "1.5" } },
      })
    ),
  ));
  assertEquals((await connection.replies(3)).map(({ code }) => code), [1000, 1000, 1000]);
  assertEquals(server.plugin("lives").delayed, 3);
  assertEquals(
    lives(server).peek(3).map(({ state, sync }) => [state, sync]),
    Array(3).fill(["delayed", false]),
  );
  await server.until("all are done", () => server.plugin("lives").done === 3);
  assertGreaterOrEqual(performance.now() - start, 1499);
  assertBalanced(server);
});

Deno.test("delayed operations run in the order of their times", async () => {
  await using server = await startLives({ maxDelay: 60_000 });
  using connection = await server.connect();
  lives(server).pause();
  const delays = [0.05, 0.03, 0.04, 0.01, 0.02];
  await connection.send(concat(delays.map((delay, id) =>
    livesRequest({
      id,
      sync: false,
      params: { "mevent.delay": delay },
    })
  )));
  await connection.replies(5);
  await server.until("all are in line", () => server.plugin("lives").queued === 5);
  assertEquals(lives(server).peek(5).map(({ id }) => id), [4, 5, 2, 3, 1]);
  lives(server).purge();
});

Deno.test("a delay that cannot be is answered 23 with a sentence, and where none is allowed the param is the plugin's own", async () => {
  await using server = await startLives({ maxDelay: 10_000 });
  using connection = await server.connect();
  for (
    const [sync, delay, sentence] of [
      [true, 1, /for async requests/],
      [false, -1, /number of seconds, 0 or more/],
      [false, "soon", /number of seconds, 0 or more/],
      [false, "", /number of seconds, 0 or more/],
      ...[null, "0x10", "0b1", "1e1", " 5 ", "5,5", "+5", "Infinity", "1_0", true, [5]].map((delay) =>
        [false, delay, /number of seconds, 0 or more/] as const
      ),
      [false, 9007199254740993n, /is 9007199254740993 seconds; this plugin allows 10/],
      [false, 10.5, /is 10.5 seconds; this plugin allows 10/],
    ] as const
  ) {
    await connection.send(livesRequest({ sync, params: { "mevent.delay": delay } }));
    const reply = await connection.reply();
    assertEquals(reply.code, 23);
    assertMatch(messageOf(reply), sentence);
  }
  assertEquals(server.plugin("lives").accepted, 0);
  await using plain = await startLives();
  using other = await plain.connect();
  await other.send(livesRequest({ params: { "mevent.delay": "x" } }));
  assertEquals(valueOf(await other.reply()), { "mevent.delay": "x" });
});

Deno.test("delayed operations can be cancelled and purged, and are given up when the server stops", async () => {
  await using server = await startLives({ maxDelay: 60_000 }, { drain_timeout: "30s" });
  using connection = await server.connect();
  const delayed = { sync: false, params: { "mevent.delay": 50 } };
  await connection.send(concat([1, 2, 3].map((id) => livesRequest({ id, ...delayed }))));
  await connection.replies(3);
  assertEquals([lives(server).cancel(2), lives(server).purge()], ["cancelled", 2]);
  assertBalanced(server);
  await connection.send(livesRequest(delayed));
  await connection.reply();
  const start = performance.now();
  const report = await server.server.stop();
  assertLess(performance.now() - start, 10_000, "it waited for what cannot run within the drain time-out");
  assertEquals([report.pending, report.abandoned, server.plugin("lives").failed], [1, 1, 1]);
  assertBalanced(server);
});

Deno.test("a stopping server works off what is due within its drain time-out, and does not wait for a paused plugin", async () => {
  await using server = await startLives({ maxDelay: 60_000 }, { drain_timeout: "30s" });
  using connection = await server.connect();
  await connection.send(livesRequest({ sync: false, params: { "mevent.delay": 0.1 } }));
  await connection.reply();
  assertEquals(await server.server.stop(), { pending: 1, abandoned: 0, kept: 0, unstopped: [] });
  assertEquals(server.plugin("lives").done, 1);

  await using paused = await startLives({}, { drain_timeout: "30s" });
  using other = await paused.connect();
  lives(paused).pause();
  await other.send(livesRequest({ id: 5 }));
  await paused.until("it is accepted", () => paused.plugin("lives").accepted === 1);
  const start = performance.now();
  assertEquals(await paused.server.stop(), { pending: 1, abandoned: 1, kept: 0, unstopped: [] });
  assertLess(performance.now() - start, 10_000);
  const reply = await other.reply();
  assertEquals([reply.id, reply.code], [5, 14]);
});

Deno.test("a command whose idempotent is not true or false does not load", async () => {
  const source =
    `export default { name: "lives", commands: { 1001: { name: "a", idempotent: 1, run() {} } } };`;
  const error = await assertRejects(() => startLives({ source }));
  assert(error instanceof Error);
  assertMatch(error.message, /`idempotent` of command 1001 is not true or false/);
});

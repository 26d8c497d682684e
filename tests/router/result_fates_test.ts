import { assertEquals, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { LIVES, lives, livesRequest, startLives } from "../support/lives_plugin.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { acceptedId, enqueued, resultRequest, stateOf } from "../support/results.ts";
import { inSteps } from "../support/steps.ts";
import { TestServer } from "../support/test_server.ts";

const RESULTS = { keep: 3_600_000, maxOps: 100, maxBytes: 1 << 20 };
const DEDUP = { window: 60_000, maxKeys: 100, maxBytes: 1 << 20 };

Deno.test(
  "retries, times to live and keys: what async callers are told of theirs",
  inSteps(
    () =>
      startLives({
        results: RESULTS,
        dedup: DEDUP,
        concurrency: 4,
        retry: { maxAttempts: 3, backoff: 30_000, maxBackoff: 30_000 },
      }),
    {
      "an operation that waits for its next attempt says so, with its attempts": async (
        server,
        connection,
      ) => {
        const params = { tag: 1, fails: 9 };
        const id = await enqueued(connection, { command: 1004, params });
        await server.until("it has failed", () => server.plugin("lives").retrying === 1);
        const { state, attempts, due_in_ms } = await stateOf(connection, id);
        assertEquals([state, attempts, Number(due_in_ms) > 10_000], ["retrying", 1, true]);
        lives(server).purge();
      },
      "the second caller's id is the first's: while it runs, and after it": async (server, connection) => {
        const params = { "mevent.key": "k", tag: 2, fails: 0 };
        lives(server).pause();
        const first = await enqueued(connection, { command: 1004, params });
        assertEquals(await enqueued(connection, { command: 1004, params }), first);
        lives(server).resume();
        assertEquals((await stateOf(connection, first, 10)).result, { tries: 1 });
        assertEquals(await enqueued(connection, { command: 1004, params }), first);
        assertEquals(server.plugin("lives").deduplicated, 2);
      },
      "what a sync caller has sent is known to the async one who has sent it again, also where it fails":
        async (
          server,
          connection,
        ) => {
          for (const [command, state] of [[1001, "done"], [1002, "retrying"]] as const) {
            lives(server).pause();
            const params = { "mevent.key": "both" };
            using other = await server.connect();
            await other.send(livesRequest({ command, params }));
            await server.until("it is queued", () => server.plugin("lives").queued === 1);
            const id = await enqueued(connection, { command, params });
            assertEquals((await stateOf(connection, id)).state, "queued");
            lives(server).resume();
            await other.reply();
            const now = await stateOf(connection, id, 10);
            // A sync operation of a command that is not idempotent has one attempt.
            assertEquals([now.state, now.attempts], [state === "done" ? "done" : "dead", 1]);
          }
        },
      "a sync operation that nobody else has sent is not kept": async (server, connection) => {
        const before = server.plugin("lives").results;
        await connection.send(livesRequest({ params: { "mevent.key": "alone" } }));
        await connection.reply();
        assertEquals(server.plugin("lives").results, before);
      },
    },
  ),
);

Deno.test("what has waited too long is expired, and a result whose time is over is forgotten", async () => {
  await using server = await startLives({ results: { ...RESULTS, keep: 200 }, ttl: 1, concurrency: 4 });
  using connection = await server.connect();
  lives(server).pause();
  const id = await enqueued(connection);
  const accepted = performance.now();
  await server.until("it is too old", () => performance.now() > accepted + 20);
  lives(server).resume();
  const { state, error } = await stateOf(connection, id, 10);
  assertEquals(state, "expired");
  assertStringIncludes(String(error), "ttl");
  // By the look of each second, without anybody who asks.
  await server.until("it is forgotten", () => server.plugin("lives").results === 0);
  assertEquals(server.plugin("lives").results_dropped, 0);
  // There is a dead letter of it.
  assertEquals((await stateOf(connection, id)).state, "dead");
  lives(server).purgeDead();
  await connection.send(resultRequest({ id }));
  assertEquals((await connection.reply()).code, 24);
});

Deno.test("a plugin that a reload removes is asked while it is worked off, and who waits is told", async () => {
  const plugin = { name: "lives", source: LIVES, concurrency: 4, results: RESULTS };
  await using server = await TestServer.start({
    plugins: [plugin, { name: "echo" }],
    server: { drain_timeout: "10s" },
  });
  using connection = await server.connect();
  const id = await enqueued(connection, { command: 1007 });
  await server.until("it runs", () => server.plugin("lives").in_flight === 1);
  const removed = lives(server);
  await server.reload({ plugins: [{ name: "echo" }], server: { drain_timeout: "10s" } });
  assertEquals((await stateOf(connection, id)).state, "running");
  const waiting = stateOf(connection, id, 60);
  await server.until("somebody waits", () => removed.results?.waiting === 1);
  removed.cache.set("open", "1", 0);
  const { state, error } = await waiting;
  assertEquals([state, error], ["dead", "let go"]);
  await server.until("the plugin has gone", () => server.stats().plugins.length === 1);
  await connection.send(resultRequest({ id }));
  const reply = await connection.reply();
  assertEquals(reply.code, 24);
  assertStringIncludes(messageOf(reply), "this one was restarted, or its plugin removed");
});

Deno.test("a plugin that is removed and added again counts anew, and what the first has done is none of the second's", async () => {
  const plugin = { name: "lives", source: LIVES, results: RESULTS };
  await using server = await TestServer.start({ plugins: [plugin, { name: "echo" }] });
  using connection = await server.connect();
  const second = (id: string) => parseInt(id.split("-")[1]!, 36);
  const first = await enqueued(connection);
  await stateOf(connection, first, 10);
  await server.reload({ plugins: [{ name: "echo" }] });
  await server.until("the plugin has gone", () => server.stats().plugins.length === 1);
  await server.until("a second has passed", () => Math.floor(performance.now() / 1000) > second(first));
  await server.reload({ plugins: [plugin, { name: "echo" }] });
  const again = await enqueued(connection);
  assertEquals([again.split("-")[0], again.split("-")[2]], [first.split("-")[0], first.split("-")[2]]);
  await connection.send(resultRequest({ id: first }));
  assertEquals((await connection.reply()).code, 24);
  assertEquals((await stateOf(connection, again, 10)).state, "done");
});

Deno.test("a server that stops tells who waits what it knows: that it was given up", async () => {
  await using server = await startLives({ results: RESULTS, concurrency: 4, grace: 1 });
  using connection = await server.connect();
  const id = await enqueued(connection, { command: 1003 });
  await connection.send(resultRequest({ id, wait: 60 }));
  await server.until("somebody waits", () => lives(server).results!.waiting === 1);
  await server.server.stop();
  const { state, error } = valueOf(await connection.reply()) as JsonObject;
  assertEquals([state, error], ["dead", "the worker is stopping"]);
});

Deno.test("plugins are told of no operation's state: that is for callers", async () => {
  const source = `export default { name: "asks", commands: { 1001: { name: "ask",
    run: (context) => context.call("Reserve.Result", 1, { id: context.id }) } } };`;
  await using server = await TestServer.start({ plugins: [{ name: "asks", source, results: RESULTS }] });
  using connection = await server.connect();
  await connection.send(streamRequest({ plugin: "asks" }));
  assertStringIncludes(messageOf(await connection.reply()), 'there is no plugin "Reserve.Result"');
  await connection.send(streamRequest({ plugin: "asks", sync: false, wantsId: true }));
  const id = acceptedId(await connection.reply());
  const { state, error } = await stateOf(connection, id, 10);
  assertEquals(state, "dead");
  assertStringIncludes(String(error), 'there is no plugin "Reserve.Result"');
});

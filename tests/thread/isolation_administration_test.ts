import { assertEquals } from "@std/assert";
import { concat } from "../support/bytes.ts";
import { assertBalanced, lives, livesRequest, startLives } from "../support/lives_plugin.ts";
import { messageOf, valueOf } from "../support/requests.ts";
import { countingPlugin, SteadyLoad } from "../support/steady_load.ts";
import { TestServer } from "../support/test_server.ts";

const APART = { isolation: "process" } as const;

Deno.test("operations of a child process are peeked at, cancelled and purged, whether it has begun them or not", async () => {
  await using server = await startLives(APART);
  using connection = await server.connect();
  await connection.send(livesRequest({ id: 1, command: 1003 }));
  await server.until("it runs", () => lives(server).peek(1)[0]?.state === "running");
  await connection.send(concat([2, 3, 4, 5].map((id) => livesRequest({ id, params: { id } }))));
  await server.until("all are accepted", () => server.plugin("lives").accepted === 5);
  assertEquals(lives(server).peek(10).map(({ id }) => id).sort(), [1, 2, 3, 4, 5]);
  // What the child may have begun is asked to stop; whichever it is, it does not run.
  const verdict = lives(server).cancel(3);
  assertEquals(verdict === "cancelled" || verdict === "cancelling", true);
  lives(server).pause();
  await server.until("what has not begun is back", () => server.plugin("lives").in_flight === 1);
  assertEquals(lives(server).purge(), 3);
  assertEquals(lives(server).cancel(1), "cancelling");
  const replies = await connection.replies(5);
  assertEquals(replies.map(({ id, code }) => [id, code]).sort(), [1, 2, 3, 4, 5].map((id) => [id, 14]));
  assertEquals(messageOf(replies.find(({ id }) => id === 1)!), "the operation was cancelled");
  await server.until("all have ended", () => server.plugin("lives").cancelled === 5);
  assertBalanced(server);
  lives(server).resume();
  await connection.send(livesRequest({ id: 6, params: { still: "here" } }));
  assertEquals(valueOf(await connection.reply()), { still: "here" });
});

Deno.test("a purge ends nothing that a child process has begun: it fails and is kept, or is tried again, as without it", async () => {
  await using server = await startLives({
    ...APART,
    retry: { maxAttempts: 2, backoff: 1, maxBackoff: 1 },
  });
  using connection = await server.connect();
  const plugin = lives(server);
  await connection.send(livesRequest({ id: 1, command: 1007, sync: false, params: { n: 1 } }));
  await connection.reply();
  await server.until("it runs", () => plugin.peek(1)[0]?.state === "running");
  await connection.send(concat([2, 3].map((id) => livesRequest({ id, sync: false, params: { n: id } }))));
  await connection.replies(2);
  const { id } = plugin.peek(1)[0]!;
  plugin.purge();
  await server.until("what had not begun is gone", () => plugin.stats().cancelled === 2);
  assertEquals(plugin.stats().in_flight, 1);
  await connection.send(livesRequest({ id: 4, command: 101, params: { cachekey: "open", cacheval: "yes" } }));
  await connection.reply();
  await server.until("it is tried again", () => plugin.stats().retries === 1);
  await server.until("it has failed", () => plugin.stats().failed === 1);
  assertEquals(plugin.peekDead(10).map((letter) => [letter.id, letter.attempts]), [[id, 2]]);
  assertEquals(plugin.stats().cancelled, 2);
  assertBalanced(server);
});

Deno.test("through reloads of a child process under load no operation is lost or run twice", async () => {
  const source = countingPlugin("p");
  await using server = await TestServer.start({ plugins: [{ name: "p", source, ...APART }] });
  const load = await SteadyLoad.start(server, "p");
  for (let round = 1; round <= 3; round++) {
    const { sent } = load;
    await server.until("the load goes on", () => load.sent > sent + 50);
    await server.reload({ plugins: [{ name: "p", source, ...APART, concurrency: 1 + round }] });
  }
  await load.end(server);
  assertEquals(server.plugin("p").restarts, 0);
});

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`while workers are recycled, reloads lose nothing and run nothing twice (${isolation})`, async () => {
    const source = countingPlugin("p");
    const plugin = { name: "p", source, isolation, workers: 2, recycleAfter: 100 };
    await using server = await TestServer.start({ plugins: [plugin] });
    const load = await SteadyLoad.start(server, "p");
    for (let round = 1; round <= 3; round++) {
      const { recycled } = server.plugin("p");
      await server.until("a worker was recycled", () => server.plugin("p").recycled > recycled);
      await server.reload({ plugins: [{ ...plugin, timeout: 10_000 + round }] });
    }
    await load.end(server);
    assertEquals(server.plugin("p").restarts, 0);
  });
}

import { assertEquals, assertStringIncludes } from "@std/assert";
import { JournalStandIn } from "../support/journal_stand_in.ts";
import { assertBalanced, lives, livesRequest, startLivesWith } from "../support/lives_plugin.ts";

Deno.test("while a server with a journal stops, its figures add up, and what could not be noted any more is refused", async () => {
  const standIn = new JournalStandIn();
  const closing = Promise.withResolvers<void>();
  await using server = await startLivesWith({
    server: { data: "/journals", drain_timeout: "0s" },
    control: true,
    journalThread: (take, failed, data) => {
      const port = standIn.start(take, failed, data);
      // The files are closed when the test wants it.
      const post: typeof port.post = (message) =>
        message.kind === "close" ? void closing.promise.then(() => port.post(message)) : port.post(message);
      return { ...port, post };
    },
  }, { durability: "journal", concurrency: 1, maxDelay: 60_000 });
  const connection = await server.connect();
  // One is a dead letter, one waits in line, one for its time.
  await connection.send(livesRequest({ command: 1002, sync: false }));
  await server.until("one has failed", () => server.plugin("lives").failed === 1);
  lives(server).pause();
  await connection.send(livesRequest({ id: 2, sync: false }));
  await connection.send(livesRequest({ id: 3, sync: false, params: { "mevent.delay": 60 } }));
  await server.until("the others are kept", () => server.plugin("lives").accepted === 3);
  connection.close();
  using control = await server.control();
  const stopped = server.server.stop();
  await server.until("the journal is closed", () => lives(server).queue.durability!.isClosed);
  assertBalanced(server);
  assertEquals([server.plugin("lives").queued, lives(server).queue.ops], [2, 2]);
  for (
    const request of [{ command: "purge" }, { command: "purge", dead: true }, { command: "cancel", id: 2 }]
  ) {
    const { ok, error } = await control.ask({ ...request, plugin: "lives" });
    assertEquals(ok, false);
    assertStringIncludes(String(error), "the journal of plugin lives is closed");
  }
  closing.resolve();
  const { kept, abandoned } = await stopped;
  assertEquals([kept, abandoned], [2, 0]);
});

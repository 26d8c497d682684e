import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { JournalStandIn } from "../support/journal_stand_in.ts";
import { lives, livesRequest, startLivesWith } from "../support/lives_plugin.ts";
import { messageOf, valueOf } from "../support/requests.ts";
import { acceptedId, enqueued, resultRequest, stateOf } from "../support/results.ts";
import type { TestServer } from "../support/test_server.ts";

const JOURNAL = {
  durability: "journal" as const,
  results: { keep: 3_600_000, maxOps: 100, maxBytes: 1 << 20 },
  dedup: { window: 60_000, maxKeys: 100, maxBytes: 1 << 20 },
  concurrency: 4,
  maxDelay: 600_000,
};

function start(standIn?: JournalStandIn, data = "/journals"): Promise<TestServer> {
  const journalThread = standIn === undefined ? {} : { journalThread: standIn.start };
  return startLivesWith({ server: { data, drain_timeout: "0s" }, ...journalThread }, JOURNAL);
}

Deno.test("after a restart what a journal has brought back is known by its id, and of what has ended the dead letters", async () => {
  const data = await Deno.makeTempDir({ prefix: "mevent-results-" });
  let ids: Record<"done" | "dead" | "waits" | "delayed", string>;
  {
    await using server = await start(undefined, data);
    using connection = await server.connect();
    const done = await enqueued(connection, { params: { n: 1 } });
    assertEquals((await stateOf(connection, done, 10)).result, { n: 1 });
    const dead = await enqueued(connection, { command: 1002 });
    assertEquals((await stateOf(connection, dead, 10)).state, "dead");
    lives(server).pause();
    const waits = await enqueued(connection, { params: { n: 2 } });
    const delayed = await enqueued(connection, { params: { "mevent.delay": 300 } });
    ids = { done, dead, waits, delayed };
    // What waits for the end of what is kept is told where that stands.
    await connection.send(resultRequest({ id: waits, wait: 60 }));
    await server.until("somebody waits", () => lives(server).results!.waiting === 1);
    await server.server.stop();
    assertEquals((valueOf(await connection.reply()) as JsonObject).state, "queued");
  }
  {
    await using server = await start(undefined, data);
    using connection = await server.connect();
    const { state, result, attempts } = await stateOf(connection, ids.waits, 10);
    assertEquals([state, result, attempts], ["done", { n: 2 }, 1]);
    const delayed = await stateOf(connection, ids.delayed);
    assert(delayed.state === "delayed" && Number(delayed.due_in_ms) > 200_000);
    assert(Math.abs(Date.parse(String(delayed.accepted_at)) - Date.now()) < 60_000);
    const dead = await stateOf(connection, ids.dead);
    assertEquals([dead.state, dead.code, dead.error, dead.attempts], ["dead", 40, "not today", 1]);
    await connection.send(resultRequest({ id: ids.done }));
    const reply = await connection.reply();
    assertEquals(reply.code, 24);
    assertEquals(
      /has ended, or never was: .* not over a restart$/.test(messageOf(reply)),
      true,
      messageOf(reply),
    );
  }
  await Deno.remove(data, { recursive: true });
});

Deno.test("with a journal the id is told when the operation is kept, and what stands for a sync one is known by its own", async () => {
  const standIn = new JournalStandIn();
  let shared: string;
  {
    await using server = await start(standIn);
    using connection = await server.connect();
    // Nobody is told before it is kept, and then its id.
    standIn.holds = true;
    await connection.send(livesRequest({ sync: false, wantsId: true, params: { "mevent.key": "a" } }));
    await server.until("it was written", () => lives(server).queue.durability!.unsynced === 1);
    using other = await server.connect();
    await other.send(livesRequest({ sync: false, wantsId: true, params: { "mevent.key": "a" } }));
    await other.send(livesRequest({ sync: false, id: 2, params: { "mevent.key": "a" } }));
    await server.until("they are known", () => server.plugin("lives").deduplicated === 2);
    const [operation] = lives(server).peek(1);
    using third = await server.connect();
    assertEquals((await stateOf(third, operation!.operation)).state, "unsynced");
    standIn.holds = false;
    standIn.look();
    const id = acceptedId(await connection.reply());
    const [first, second] = await other.replies(2);
    assertEquals([id, acceptedId(first!), second!.body], [operation!.operation, id, null]);
    assertEquals((await stateOf(connection, id, 10)).state, "done");
    // A sync operation that an async caller has sent again.
    await other.send(livesRequest({ command: 1007, params: { "mevent.key": "b" } }));
    await server.until("it runs", () => server.plugin("lives").in_flight === 1);
    shared = await enqueued(connection, { command: 1007, params: { "mevent.key": "b" } });
    assertEquals(await enqueued(connection, { command: 1007, params: { "mevent.key": "b" } }), shared);
    assertEquals((await stateOf(connection, shared)).state, "running");
    lives(server).cache.set("open", "1", 0);
    const { state, error } = await stateOf(connection, shared, 10);
    assertEquals([state, error], ["failed", "let go"]);
    lives(server).cache.clear();
    await other.reply();
    await other.send(livesRequest({ command: 1007, params: { "mevent.key": "c" } }));
    await server.until("it runs", () => server.plugin("lives").in_flight === 1);
    shared = await enqueued(connection, { command: 1007, params: { "mevent.key": "c" } });
    standIn.stalls = true;
  }
  standIn.stalls = false;
  {
    await using server = await start(standIn);
    using connection = await server.connect();
    const { state } = await stateOf(connection, shared);
    assert(state === "queued" || state === "running", `it is ${state} after the server's death`);
    lives(server).cache.set("open", "1", 0);
    assertEquals((await stateOf(connection, shared, 10)).state, "dead");
  }
});

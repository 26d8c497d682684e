import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Intake } from "../../src/durable/intake.ts";
import type { JsonObject } from "../../src/plugin.ts";
import { createRing, RingWriter } from "../../src/ring/ring.ts";
import type { RoutedPlugin } from "../../src/router/routed_plugin.ts";
import { concat } from "../support/bytes.ts";
import { JournalStandIn } from "../support/journal_stand_in.ts";
import {
  datagramRequest,
  messageOf,
  type RequestOptions,
  streamRequest,
  valueOf,
} from "../support/requests.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";

/** 1001 notes its `n`, 1002 tells what was noted, 1003 runs until it is aborted and notes its id, 1004 fails, 1005 has 1001 queued. */
const NOTES = `
const ran = [];
export default { name: "notes", commands: {
  1001: { name: "note", run: ({ params }) => { ran.push(params.int("n")); return { n: params.int("n") }; } },
  1002: { name: "told", run: () => ({ ran: ran.splice(0) }) },
  1003: { name: "hang", run: ({ signal, id }) => (ran.push(id), new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason), { once: true }))) },
  1004: { name: "fail", run: (context) => { throw context.fail(41, "never"); } },
  1005: { name: "call", async run(context) { await context.enqueue("notes", 1001, { n: 5 }); } },
} };`;

const DEDUP = { window: 600_000, maxKeys: 1000, maxBytes: 1e7 };

function start(standIn: JournalStandIn, overrides: Omit<PluginOverrides, "name"> = {}): Promise<TestServer> {
  const plugin = { name: "notes", source: NOTES, durability: "journal" as const, dedup: DEDUP, ...overrides };
  return TestServer.start({ server: { data: "/journals" }, plugins: [plugin], journalThread: standIn.start });
}

function request(options: RequestOptions): Uint8Array {
  return streamRequest({ plugin: "notes", command: 1001, sync: false, ...options });
}

function plugin(server: TestServer): RoutedPlugin {
  return server.server.registry.plugins[0]!;
}

function journal(server: TestServer) {
  return server.plugin("notes").journal!;
}

async function ran(server: TestServer): Promise<unknown[]> {
  await server.until("nothing waits or runs", () => {
    const { queued, in_flight } = server.plugin("notes");
    return queued + in_flight + journal(server).unsynced === 0;
  });
  using connection = await server.connect();
  await connection.send(request({ command: 1002, sync: true }));
  return (valueOf(await connection.reply()) as { ran: unknown[] }).ran;
}

Deno.test("nobody is told of an operation, and it does not run, before it is on the disk", async () => {
  const standIn = new JournalStandIn();
  await using server = await start(standIn);
  using connection = await server.connect();
  using datagrams = server.datagrams();
  standIn.holds = true;
  await connection.send(request({ id: 1, params: { n: 1 } }), request({ id: 2, params: { n: 2 } }));
  await server.until("two wait for the disk", () => journal(server).unsynced === 2);
  await datagrams.send(datagramRequest({ id: 3, plugin: "notes", sync: false, params: { n: 3 } }));
  await server.until("three wait for the disk", () => journal(server).unsynced === 3);
  assert(journal(server).unsynced_bytes > 3 * 48);
  assertEquals(plugin(server).peek(10).map(({ state }) => state), ["unsynced", "unsynced", "unsynced"]);
  await connection.send(request({ id: 4, sync: true, params: { n: 4 } }));
  const own = await connection.reply();
  assertEquals([own.id, valueOf(own)], [4, { n: 4 }], "a sync operation waits for no disk");
  standIn.holds = false;
  standIn.look();
  assertEquals((await connection.replies(2)).map(({ id, code }) => [id, code]), [[1, 1000], [2, 1000]]);
  const { id, code } = await datagrams.reply();
  assertEquals([id, code], [3, 1000]);
  assertEquals(await ran(server), [4, 1, 2, 3]);
});

Deno.test("what a plugin queues is told to it when it is on the disk", async () => {
  const standIn = new JournalStandIn();
  await using server = await start(standIn);
  using connection = await server.connect();
  standIn.holds = true;
  await connection.send(request({ command: 1005, sync: true }));
  await server.until("it waits for the disk", () => journal(server).unsynced === 1);
  assertEquals(server.plugin("notes").in_flight, 1);
  standIn.holds = false;
  standIn.look();
  assertEquals((await connection.reply()).code, 1000);
  assertEquals(await ran(server), [5]);
});

Deno.test("what the disk does not take is refused with its reason, does not run, and is forgotten", async (t) => {
  const standIn = new JournalStandIn();
  await using server = await start(standIn);
  using connection = await server.connect();
  const refused = async (count = 1) => {
    for (const reply of await connection.replies(count)) {
      assertEquals(reply.code, 21);
      assertStringIncludes(messageOf(reply), "no space is left");
    }
  };

  await t.step("operations, those who wait for their keys, and those who sent them again", async () => {
    standIn.holds = true;
    const params = { n: 1, "mevent.key": "a" };
    await connection.send(
      request({ id: 1, params }),
      request({ id: 2, params }),
      request({ id: 3, params, sync: true }),
    );
    await server.until("all wait", () => server.plugin("notes").deduplicated === 2);
    standIn.problem = "no space is left on the device";
    standIn.holds = false;
    standIn.look();
    await refused(3);
    const { accepted, busy, keys, queue_bytes } = server.plugin("notes");
    assertEquals([accepted, busy, keys, queue_bytes, journal(server).refused], [0, 1, 0, 0, 1]);
  });

  await t.step("a dead letter that was to be tried again stays one", async () => {
    standIn.problem = null;
    await connection.send(request({ command: 1004 }));
    assertEquals((await connection.reply()).code, 1000);
    await server.until("it is dead", () => server.plugin("notes").dead === 1);
    standIn.problem = "no space is left on the device";
    assertEquals(plugin(server).retryDead(10), 1);
    await server.until("it is back", () => server.plugin("notes").dead === 1);
    assertEquals(plugin(server).queue.ops, 0);
  });

  await t.step("once the server knows, at once, and the log says so once", async () => {
    standIn.tellsProblem = true;
    standIn.look();
    await server.until("it knows", () => journal(server).problem !== null);
    await connection.send(request({ params: { n: 3 } }));
    await refused();
    assertEquals(server.log.filter((line) => line.includes("the journal takes no operations")).length, 1);
    standIn.problem = null;
    standIn.look();
    await server.until("it is over", () => journal(server).problem === null);
    await connection.send(request({ params: { n: 4 } }));
    assertEquals((await connection.reply()).code, 1000);
    assertEquals(await ran(server), [4]);
  });
});

Deno.test("what waits for the disk is cancelled and purged: its caller is told that it was queued, and it does not run", async () => {
  const standIn = new JournalStandIn();
  await using server = await start(standIn);
  using connection = await server.connect();
  standIn.holds = true;
  await connection.send(concat([1, 2, 3].map((n) => request({ id: n, params: { n } }))));
  await server.until("three wait", () => journal(server).unsynced === 3);
  const [, second] = plugin(server).peek(10);
  assertEquals([plugin(server).cancel(second!.id), plugin(server).cancel(second!.id)], [
    "cancelled",
    "unknown",
  ]);
  assertEquals(plugin(server).peek(10).length, 2);
  assertEquals(plugin(server).purge(), 2);
  standIn.holds = false;
  standIn.look();
  assertEquals((await connection.replies(3)).map(({ code }) => code), [1000, 1000, 1000]);
  assertEquals(await ran(server), []);
  const { cancelled, accepted, queue_bytes } = server.plugin("notes");
  assertEquals([cancelled, accepted, queue_bytes, plugin(server).queue.ops], [3, 4, 0, 0]);
  assertEquals(standIn.disks.values().next().value!.accepted.size, 0);
});

Deno.test("an async request with the key of a sync operation is told 1000 when it is on the disk, and outlives the server", async () => {
  const standIn = new JournalStandIn();
  const params = { n: 7, "mevent.key": "k" };
  let id: unknown;
  {
    await using server = await start(standIn, { concurrency: 2 });
    using connection = await server.connect();
    using other = await server.connect();
    plugin(server).pause();
    await connection.send(request({ command: 1001, sync: true, params }));
    await server.until("it waits", () => plugin(server).queue.ops === 1);
    standIn.holds = true;
    await other.send(request({ id: 8, params }), request({ id: 9, params }));
    await server.until("both are known", () => server.plugin("notes").deduplicated === 2);
    standIn.holds = false;
    standIn.look();
    assertEquals((await other.replies(2)).map((reply) => [reply.id, reply.code]), [[8, 1000], [9, 1000]]);
    await other.send(request({ id: 10, params }));
    assertEquals((await other.reply()).code, 1000, "a further one is told at once");
    assertEquals(plugin(server).queue.ops, 1);
    // One that runs when all ends, for its id.
    await connection.send(request({ command: 1003, params: {} }));
    assertEquals((await connection.reply()).code, 1000);
    // Of what becomes of them the disk is to know nothing.
    standIn.holds = true;
    plugin(server).resume();
    await server.until(
      "the sync one is done, and the other runs",
      () => server.plugin("notes").done === 1 && plugin(server).peek(1)[0]?.state === "running",
    );
    await other.send(request({ command: 1002, sync: true }));
    [, id] = (valueOf(await other.reply()) as { ran: unknown[] }).ran;
    standIn.crash();
    standIn.holds = false;
  }
  await using server = await start(standIn, { concurrency: 2 });
  using connection = await server.connect();
  await server.until(
    "both run again",
    () => server.plugin("notes").done === 1 && plugin(server).peek(1)[0]?.state === "running",
  );
  await connection.send(request({ command: 1002, sync: true }));
  const { ran: again } = valueOf(await connection.reply()) as { ran: unknown[] };
  assertEquals(again, [7, id], "and the id is the same");
  assertMatch(String(id), /^[0-9a-f]{12}-[0-9a-z]+-[0-9a-z]+$/);
});

Deno.test("when the sync operation has ended, nothing is left of what was kept beside it", async () => {
  const standIn = new JournalStandIn();
  {
    await using server = await start(standIn);
    using connection = await server.connect();
    plugin(server).pause();
    for (const [key, command] of [["a", 1001], ["b", 1004]] as const) {
      const params: JsonObject = { n: 7, "mevent.key": key };
      await connection.send(request({ command, sync: true, params }), request({ command, params }));
      assertEquals((await connection.reply()).code, 1000);
    }
    plugin(server).resume();
    assertEquals((await connection.replies(2)).map(({ code }) => code).sort(), [1000, 41]);
    await server.until("one is a dead letter", () => server.plugin("notes").dead === 1);
  }
  const [disk] = standIn.disks.values();
  assertEquals([disk!.accepted.size, disk!.buried.size, disk!.remembered.size], [0, 1, 1]);
  await using server = await start(standIn);
  using connection = await server.connect();
  await connection.send(request({ sync: true, params: { n: 8, "mevent.key": "a" } }));
  assertEquals(valueOf(await connection.reply()), { n: 7 }, "its reply is known after the restart");
});

Deno.test("a disk that does not keep up is told to callers; what becomes of operations meanwhile is not forgotten", async () => {
  const standIn = new JournalStandIn();
  await using server = await start(standIn);
  using connection = await server.connect();
  plugin(server).pause();
  for (let n = 0; n < 20; n++) {
    await connection.send(request({ command: n % 2 === 0 ? 1001 : 1004, params: { n } }));
  }
  for (const { code } of await connection.replies(20)) assertEquals(code, 1000);
  standIn.stalls = true;
  const text = "x".repeat(60_000);
  let sent = 0;
  let busy = 0;
  while (busy === 0) {
    await connection.send(request({ id: 1000 + sent++, params: { n: 99, text } }));
    const before = server.plugin("notes").busy;
    await server.until(
      "it was looked at",
      () => journal(server).unsynced + server.plugin("notes").busy === sent,
    );
    busy = server.plugin("notes").busy;
    assert(before === 0 && sent < 200);
  }
  const full = await connection.reply();
  assertEquals([full.id, full.code], [999 + sent, 21]);
  assertMatch(
    messageOf(full),
    /the disk does not keep up with plugin notes: \d+ operations wait for it; try again later/,
  );
  plugin(server).resume();
  await server.until(
    "the others have run",
    () => server.plugin("notes").done + server.plugin("notes").failed === 20,
  );
  assertEquals(server.plugin("notes").dead, 10);
  standIn.stalls = false;
  standIn.look();
  for (const { code } of await connection.replies(sent - 1)) assertEquals(code, 1000);
  await server.until("all have run", () => server.plugin("notes").done === 10 + sent - 1);
  const [disk] = standIn.disks.values();
  await server.until("the disk knows all of it", () => disk!.accepted.size === 0 && disk!.buried.size === 10);
});

Deno.test("where the journal's thread fails, what waits for it is refused, nothing more is taken, and sync operations go on", async () => {
  const standIn = new JournalStandIn();
  await using server = await start(standIn);
  using connection = await server.connect();
  standIn.holds = true;
  await connection.send(request({ id: 1, params: { n: 1 } }));
  await server.until("it waits", () => journal(server).unsynced === 1);
  standIn.fail("out of memory");
  for (const id of [1, 2]) {
    const reply = await connection.reply();
    assertEquals([reply.id, reply.code], [id, 21]);
    assertStringIncludes(messageOf(reply), "the journal's thread has failed: out of memory");
    if (id === 1) await connection.send(request({ id: 2, params: { n: 2 } }));
  }
  await connection.send(request({ sync: true, params: { n: 3 } }));
  assertEquals(valueOf(await connection.reply()), { n: 3 });
  assertEquals(journal(server).problem, "the journal's thread has failed: out of memory");
  const notes = { name: "notes", source: NOTES, durability: "journal" as const, dedup: DEDUP };
  const error = await server.reload({
    server: { data: "/journals" },
    plugins: [notes, { name: "more", durability: "journal" }],
  }).catch((error: Error) => error);
  assert(error instanceof Error);
  assertStringIncludes(
    error.message,
    "plugin more cannot open its journal: the journal's thread has failed: out of memory",
  );
});

Deno.test("what becomes of operations is not kept where nobody writes it any more", () => {
  const ring = new RingWriter(createRing(4096));
  const intake = new Intake(ring, 0);
  const end = () => {
    for (let id = 1; id < 4000; id += 2) intake.ended(id);
    intake.publish();
  };
  end();
  assert(!intake.isEmpty, "the ring has room for all");
  intake.abandon();
  end();
  assert(intake.isEmpty);
});

Deno.test("callers who want no answers to async requests get none, and their operations run", async () => {
  const standIn = new JournalStandIn();
  await using server = await TestServer.start({
    server: { data: "/journals", async_reply: false },
    plugins: [{ name: "notes", source: NOTES, durability: "journal", dedup: DEDUP }],
    journalThread: standIn.start,
  });
  using connection = await server.connect();
  const params = { n: 1, "mevent.key": "a" };
  await connection.send(
    request({ params }),
    request({ params }),
    request({ id: 2, sync: true, params: { n: 2 } }),
  );
  const reply = await connection.reply();
  assertEquals([reply.id, valueOf(reply)], [2, { n: 2 }]);
  await server.until("both have run", () => server.plugin("notes").done === 2);
  assertEquals((await ran(server)).toSorted(), [1, 2]);
});

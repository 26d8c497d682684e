import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { WINDOW_BYTES } from "../../src/durable/journal_queue.ts";
import { IdSet } from "../../src/queue/id_set.ts";
import { concat } from "../support/bytes.ts";
import { JournalStandIn } from "../support/journal_stand_in.ts";
import { type RequestOptions, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import fc from "fast-check";

const NOTES = `
const ran = [];
export default { name: "notes", concurrency: 8, commands: {
  1001: { name: "note", run: ({ params }) => void ran.push(params.int("n")) },
  1002: { name: "told", run: () => ({ ran: ran.splice(0) }) },
} };`;

/** So long that the window has room for a thousand and some of them. */
const TEXT = "x".repeat(32_000);
const COUNT = 1500;

function request(options: RequestOptions): Uint8Array {
  return streamRequest({ plugin: "notes", command: 1001, sync: false, ...options });
}

function start(standIn: JournalStandIn): Promise<TestServer> {
  return TestServer.start({
    server: { data: "/journals" },
    plugins: [{
      name: "notes",
      source: NOTES,
      durability: "journal",
      dedup: { window: 600_000, maxKeys: 10_000, maxBytes: 1e7 },
      maxDelay: 600_000,
    }],
    journalThread: standIn.start,
  });
}

Deno.test("what finds no room in memory waits on the disk, and runs in its turn; it is cancelled, purged and known by its key", async (t) => {
  const standIn = new JournalStandIn();
  let server = await start(standIn);
  try {
    let connection = await server.connect();
    let plugin = server.server.registry.plugins[0]!;
    const journal = () => server.plugin("notes").journal!;
    const params = (n: number) =>
      n === COUNT - 1 ? { n, text: TEXT, "mevent.key": "last" } : { n, text: TEXT };
    plugin.pause();

    await t.step("the window holds", async () => {
      for (let n = 0; n < COUNT; n += 50) {
        const some = Array.from({ length: 50 }, (_, at) => request({ id: n + at, params: params(n + at) }));
        await connection.send(concat(some));
        for (const { code } of await connection.replies(50)) assertEquals(code, 1000);
      }
      const { queued, queue_bytes } = server.plugin("notes");
      const { spilled } = journal();
      assertEquals([queued, plugin.queue.ops], [COUNT, COUNT]);
      assert(spilled > 300 && spilled < 500, String(spilled));
      assert(server.stats().queue_bytes < WINDOW_BYTES + 1e5 && queue_bytes > COUNT * 32_000);
    });

    await t.step("one of them is cancelled", () => {
      const { lastId } = plugin.queue;
      assertEquals([plugin.cancel(lastId - 10), plugin.cancel(lastId - 10)], ["cancelled", "unknown"]);
      assertEquals(server.plugin("notes").queued, COUNT - 1);
    });

    await t.step("a restart changes nothing", async () => {
      connection.close();
      await server[Symbol.asyncDispose]();
      server = await start(standIn);
      connection = await server.connect();
      plugin = server.server.registry.plugins[0]!;
      await connection.send(request({ id: 1, params: { n: -1, "mevent.key": "last" } }));
      assertEquals((await connection.reply()).code, 1000);
    });

    await t.step("all run, each once and in order", async () => {
      await server.until("all have run", () => server.plugin("notes").done === COUNT - 1);
      await connection.send(request({ command: 1002, sync: true }));
      const { ran } = valueOf(await connection.reply()) as { ran: number[] };
      assertEquals(ran, Array.from({ length: COUNT }, (_, n) => n).filter((n) => n !== COUNT - 11));
      assertEquals(server.plugin("notes").deduplicated, 1);
      assertEquals([plugin.queue.ops, plugin.queue.bytes, server.stats().queue_bytes], [0, 0, 0]);
    });

    await t.step("a purge drops them, too", async () => {
      plugin.pause();
      for (let n = 0; n < 1200; n += 50) {
        await connection.send(
          concat(Array.from({ length: 50 }, () => request({ params: { n, text: TEXT } }))),
        );
        await connection.replies(50);
      }
      assert(journal().spilled > 0);
      assertEquals(plugin.purge(), 1200);
      assertEquals([plugin.queue.ops, plugin.queue.bytes, journal().spilled], [0, 0, 0]);
      plugin.resume();
      await server.until("the disk knows", () => [...standIn.disks.values()][0]!.accepted.size === 0);
    });
    connection.close();
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

Deno.test("a reload neither moves a journal nor makes one; a removed plugin keeps its own, and gets it back", async () => {
  const standIn = new JournalStandIn();
  await using server = await TestServer.start({
    server: { data: "/journals" },
    plugins: [{ name: "notes", source: NOTES, durability: "journal" }, { name: "echo" }],
    journalThread: standIn.start,
  });
  using connection = await server.connect();
  const notes = { name: "notes", source: NOTES, durability: "journal" as const };
  const refused = async (server_: Record<string, unknown>, ...plugins: { name: string }[]) => {
    const error = await server.reload({ server: server_, plugins }).catch((error) => error);
    assert(error instanceof Error, "it was taken over");
    return error.message;
  };
  const data = { data: "/journals" };
  assertStringIncludes(
    await refused(data, { ...notes, durability: "memory" } as { name: string }, { name: "echo" }),
    'plugin notes: durability = "journal" cannot become "memory" while it runs',
  );
  assertStringIncludes(
    await refused({ data: "/elsewhere" }, notes, { name: "echo" }),
    "data cannot change while plugins have journals there (notes)",
  );
  assertStringIncludes(
    await refused({ ...data, max_frame: "8 MiB" }, notes, { name: "echo" }),
    "its journal takes",
  );

  server.server.registry.plugins[0]!.pause();
  await connection.send(request({ params: { n: 1 } }));
  assertEquals((await connection.reply()).code, 1000);
  await server.reload({ server: data, plugins: [{ name: "echo" }] });
  await server.until("it has ended", () => server.stats().plugins.length === 1);
  const ended = server.log.find((line) => line.includes("a removed plugin has ended"));
  assertStringIncludes(ended!, '"operations_kept":1');
  assertStringIncludes(ended!, '"operations_abandoned":0');
  await server.reload({ server: data, plugins: [{ name: "echo" }, notes] });
  await server.until("it runs then", () => server.plugin("notes").done === 1);
});

Deno.test("a set of ids holds what a set does", () => {
  const step = fc.record({
    skip: fc.constantFrom(1, 1, 1, 2, 1000, 2 ** 33),
    removes: fc.option(fc.nat(100)),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const ids = new IdSet();
    const model = new Set<number>();
    let next = 0;
    for (const { skip, removes } of steps) {
      next += skip;
      ids.add(next);
      model.add(next);
      if (removes === null) continue;
      const id = [...model][removes] ?? next + 1;
      assertEquals(ids.delete(id), model.delete(id));
    }
    assertEquals([...ids.ids()], [...model]);
    assertEquals([ids.size, ids.lowest], [model.size, Math.min(Infinity, ...model)]);
  }));
});

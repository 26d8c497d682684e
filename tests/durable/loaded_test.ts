import { assertEquals } from "@std/assert";
import type { JournalsOptions } from "../../src/durable/journals.ts";
import { concat } from "../support/bytes.ts";
import { JournalStandIn } from "../support/journal_stand_in.ts";
import { type RequestOptions, streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

const NOTES =
  `export default { name: "notes", concurrency: 8, commands: { 1001: { name: "note", run: () => {} } } };`;

const TEXT = "x".repeat(32_000);
const COUNT = 1200;

function request(options: RequestOptions): Uint8Array {
  return streamRequest({ plugin: "notes", command: 1001, sync: false, ...options });
}

Deno.test("what is cancelled while it is being read back leaves its key free", async () => {
  const standIn = new JournalStandIn();
  let onLoad = () => {};
  const journalThread: JournalsOptions["start"] = (take, failed, data) => {
    const port = standIn.start(take, failed, data);
    return {
      terminate: port.terminate,
      post(message) {
        port.post(message);
        // After the stand-in has looked at its disk, and before the server takes its news.
        if (message.kind === "load") queueMicrotask(() => onLoad());
      },
    };
  };
  await using server = await TestServer.start({
    server: { data: "/journals" },
    plugins: [{
      name: "notes",
      source: NOTES,
      durability: "journal",
      dedup: { window: 600_000, maxKeys: 1000, maxBytes: 1e7 },
    }],
    journalThread,
  });
  using connection = await server.connect();
  const plugin = server.server.registry.plugins[0]!;
  plugin.pause();
  const params = (n: number) => n === COUNT - 1 ? { n, text: TEXT, "mevent.key": "last" } : { n, text: TEXT };
  for (let n = 0; n < COUNT; n += 50) {
    await connection.send(concat(Array.from({ length: 50 }, (_, at) => request({ params: params(n + at) }))));
    for (const { code } of await connection.replies(50)) assertEquals(code, 1000);
  }
  const { lastId } = plugin.queue;
  let outcome = "";
  onLoad = () => {
    if (outcome === "") outcome = plugin.cancel(lastId);
  };
  plugin.resume();
  await server.until("all others have run", () => server.plugin("notes").done === COUNT - 1);
  assertEquals(outcome, "cancelled");
  await connection.send(request({ params: { n: -1, "mevent.key": "last" } }));
  assertEquals((await connection.reply()).code, 1000);
  await server.until("it has run, too", () => server.plugin("notes").done === COUNT);
  assertEquals([server.plugin("notes").deduplicated, plugin.queue.ops], [0, 0]);
});

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { JournalStandIn } from "../support/journal_stand_in.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

const NOTES = `
const ids = [];
export default { name: "notes", commands: {
  1001: { name: "note", run: ({ id }) => (ids.push(id), { id }) },
  1002: { name: "told", run: () => ({ ids }) },
} };`;

Deno.test("where a disk has taken no note of the ids that were given out, and the clock was set back, sync operations have others after a restart all the same", async () => {
  const standIn = new JournalStandIn();
  const life = async () => {
    await using server = await TestServer.start({
      server: { data: "/journals" },
      plugins: [{ name: "notes", source: NOTES, durability: "journal" }],
      journalThread: standIn.start,
    });
    using connection = await server.connect();
    const ask = async (command: number, sync: boolean) => {
      await connection.send(streamRequest({ plugin: "notes", command, sync, params: {} }));
      const reply = await connection.reply();
      return sync ? valueOf(reply) as { id: string; ids: string[] } : null;
    };
    const sync = (await ask(1001, true))!.id;
    await ask(1001, false);
    await server.until("both have run", () => server.plugin("notes").done === 2);
    const own = (await ask(1002, true))!.ids.find((id) => id !== sync);
    assert(own !== undefined);
    return { sync: sync.split("-"), own: own.split("-") };
  };
  const first = await life();
  const [disk] = standIn.disks.values();
  disk!.reserved = 0;
  const second = await life();
  assertEquals([first.sync[2], first.own[2]], [second.sync[2], second.own[2]], "the numbers come again");
  assertNotEquals(first.sync[0], second.sync[0]);
  assertEquals(first.own[0], second.own[0], "what is in the journal keeps its own");
  assertNotEquals(first.own[0], first.sync[0]);
});

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { concat } from "../support/bytes.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { thorough } from "../support/thorough.ts";

/** Runs one operation after the other and remembers which; 1002 tells and forgets. */
const RECORDER = `
let ran = [];
export default {
  name: "recorder",
  commands: {
    1001: { name: "run", run: (context) => { ran.push([context.params.int("tag"), context.sync ? 1 : 0]); return context.params; } },
    1002: { name: "tell", run: () => { const all = ran; ran = []; return { ran: all }; } },
  },
};`;

interface Message {
  readonly sync: boolean;
  /** Bytes of its params, about. */
  readonly size: number;
}

interface Script {
  readonly messages: readonly Message[];
  /** Bytes of each write but the last. */
  readonly pieces: readonly number[];
  /** The share of its bytes after which it leaves without a word; 1 and it stays. */
  readonly leavesAfter: number;
}

const SCRIPT: fc.Arbitrary<Script> = fc.record({
  messages: fc.array(fc.record({ sync: fc.boolean(), size: fc.nat(3000) }), { minLength: 1, maxLength: 60 }),
  pieces: fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 20 }),
  leavesAfter: fc.oneof(
    { weight: 3, arbitrary: fc.constant(1) },
    fc.double({ min: 0, max: 0.99, noNaN: true }),
  ),
});

/** Numbers that tell every operation of a run from all others. */
const TAGS_A_CLIENT = 1000;

Deno.test("under random sizes, pipelining and disconnects every accepted operation runs once, in its lane's order, and every sync request gets its own reply", async () => {
  await using server = await TestServer.start({
    server: { max_unread_reply_bytes: "64 KiB" },
    plugins: [{ name: "recorder", source: RECORDER }],
  });
  using judge = await server.connect();
  let connected = 1;
  await fc.assert(
    fc.asyncProperty(fc.array(SCRIPT, { minLength: 1, maxLength: 8 }), async (scripts) => {
      const before = server.plugin("recorder").accepted;
      connected += scripts.length;
      await Promise.all(scripts.map((script, client) => play(server, script, client * TAGS_A_CLIENT)));
      await server.until("all have come and left", () => {
        const { accepted, open } = server.stats().connections;
        return accepted === connected && open === 1;
      });
      await server.until("all is worked off", () => server.stats().queue_bytes === 0);
      const accepted = server.plugin("recorder").accepted - before;
      await judge.send(streamRequest({ id: 1, plugin: "recorder", command: 1002 }));
      const { ran } = valueOf(await judge.reply()) as { ran: [number, number][] };
      assertEquals(ran.length, accepted);
      scripts.forEach((script, client) => checkClient(script, client, ran));
    }),
    { numRuns: thorough(40, 15) },
  );
});

/** Sends what the script says, in its pieces, and checks the replies where the client stays. */
async function play(
  server: TestServer,
  { messages, pieces, leavesAfter }: Script,
  firstTag: number,
): Promise<void> {
  using connection = await server.connect();
  const bytes = concat(messages.map(({ sync, size }, id) => {
    const params = { tag: firstTag + id, text: "x".repeat(size) };
    return streamRequest({ id, plugin: "recorder", sync, params });
  }));
  const sent = Math.floor(bytes.length * leavesAfter);
  const sending = (async () => {
    let at = 0;
    for (const piece of pieces) {
      const end = Math.min(at + piece, sent);
      await connection.send(bytes.subarray(at, end));
      at = end;
    }
    await connection.send(bytes.subarray(at, sent));
  })();
  if (leavesAfter < 1) return await sending;
  const waiting = new Map(messages.map((message, id) => [id, message]));
  for (let i = 0; i < messages.length; i++) {
    const reply = await connection.reply();
    const message = waiting.get(reply.id);
    assert(message !== undefined, `a second reply to ${reply.id}`);
    waiting.delete(reply.id);
    assertEquals(reply.code, 1000);
    const own = { tag: firstTag + reply.id, text: "x".repeat(message.size) };
    assertEquals(valueOf(reply), message.sync ? own : undefined);
  }
  await sending;
}

/** What ran of a client's operations: all of them where it stayed, else the first ones; each once, in lane order. */
function checkClient(
  { messages, leavesAfter }: Script,
  client: number,
  ran: readonly [number, number][],
): void {
  const own = ran
    .filter(([tag]) => Math.floor(tag / TAGS_A_CLIENT) === client)
    .map(([tag, sync]) => [tag % TAGS_A_CLIENT, sync] as const);
  if (leavesAfter === 1) assertEquals(own.length, messages.length);
  for (const sync of [1, 0]) {
    const expected = messages.flatMap((message, id) => message.sync === (sync === 1) ? [id] : []);
    const lane = own.filter(([, lane]) => lane === sync).map(([id]) => id);
    assertEquals(lane, expected.slice(0, lane.length));
  }
}

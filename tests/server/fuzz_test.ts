import {
  assert,
  assertEquals,
  assertGreater,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { runCampaign } from "../../bench/fuzz/campaign.ts";
import { readCorpus } from "../../bench/fuzz/corpus.ts";
import { startFuzzServer, WITNESS } from "../../bench/fuzz/fuzz_server.ts";
import { Mutator } from "../../bench/fuzz/mutator.ts";
import { Random } from "../../bench/fuzz/random.ts";
import { parseSent, Recorder, Route, sentAsText } from "../../bench/fuzz/recorder.ts";
import { replay } from "../../bench/fuzz/replay.ts";
import { GoodClient, WrongReply } from "../../bench/support/good_client.ts";
import { thorough } from "../support/thorough.ts";

const IS_LINUX = Deno.build.os === "linux";
const MESSAGES = thorough(5000, 2000);
/** A campaign ends by its messages, on a machine with much else to do, too; in ms. */
const CAMPAIGN_MS = 120_000;

/** Other tests run beside this one; the instrument, which has the machine for itself, is stricter. */
const BUSY = { paramsTimeout: "60s", silenceMs: 30_000 };

Deno.test("a seed repeats every message, and another seed sends others", async () => {
  const corpus = await readCorpus();
  const messages = (seed: number, stream: number) => {
    const mutator = new Mutator(new Random(seed, stream), corpus);
    const bytes = new Uint8Array(70_000);
    return Array.from({ length: 500 }, () => bytes.slice(0, mutator.write(bytes, 0, 65_507)).toHex());
  };
  const first = messages(7, 1);
  assertEquals(messages(7, 1), first);
  assertNotEquals(messages(8, 1), first);
  assertNotEquals(messages(7, 2), first);
  assertGreater(new Set(first).size, 400);
});

Deno.test("no spoiled message leaves its room, however little that is", async () => {
  const mutator = new Mutator(new Random(3), await readCorpus());
  const bytes = new Uint8Array(1000);
  for (let round = 0; round < thorough(10_000, 3_000); round++) {
    const room = 1 + round % 200;
    bytes.fill(0xaa);
    const length = mutator.write(bytes, 100, room);
    assert(length >= 0 && length <= room, `${length} bytes in a room of ${room}`);
    assert(bytes.subarray(0, 100).every((byte) => byte === 0xaa), "it wrote before its room");
    assert(bytes.subarray(100 + room).every((byte) => byte === 0xaa), "it wrote behind its room");
  }
});

Deno.test("the recorder keeps the last that was sent, and its text reads back as it was", () => {
  const recorder = new Recorder(1000);
  const bytes = new Uint8Array(100).map((_, index) => index);
  for (let number = 0; number < 50; number++) {
    recorder.add(number % 2 === 0 ? Route.Udp : Route.Unix, number, bytes, number, 10);
  }
  const sent = [...recorder.sent()];
  assertEquals(sent.at(-1), { route: Route.Unix, connection: 49, bytes: bytes.slice(49, 59) });
  assertGreater(sent.length, 40);
  assertEquals(sent.map(({ connection }) => connection), sent.map((_, index) => 50 - sent.length + index));
  assertEquals(parseSent(sentAsText(sent)), sent);
  assertThrows(() => parseSent("sctp 1 00"), Error, "line 1");
});

Deno.test({
  name: "a server under a flood of spoiled messages, and one that dies of it",
  ignore: !IS_LINUX,
  fn: async (t) => {
    await using server = await startFuzzServer(undefined, BUSY.paramsTimeout);

    await t.step(
      "the server stands thousands of spoiled messages while good clients get all of theirs",
      async () => {
        const result = await runCampaign(server, {
          seed: 1,
          durationMs: CAMPAIGN_MS,
          messages: MESSAGES,
          silenceMs: BUSY.silenceMs,
        });
        assertEquals(result.failure, undefined);
        assertGreater(result.messages, MESSAGES - 1);
        assertGreater(result.datagrams, 0);
        assertGreater(result.connections, 0);
        assertGreater(result.good, 0);
        const { messages, errors } = await server.stats();
        const { http: _, ...wire } = messages;
        for (const [name, taken] of Object.entries(wire)) assertGreater(taken, 0, name);
        assertGreater(errors.broken, 0);
        assertGreater(errors.unknown, 0);
      },
    );

    await t.step("a good client notices a reply that is not the one that was due", async () => {
      using good = await GoodClient.connect(server.tcp, WITNESS, new Random(1));
      await good.batch();
      assertEquals(good.answered, 16);
      using misled = await GoodClient.connect(server.unix, "skeleton", new Random(1));
      const error = await assertRejects(() => misled.batch(), WrongReply);
      assertStringIncludes(error.message, "code 18");
    });

    await t.step(
      "a server that dies fails the campaign, what was sent last is there, and a server that lives stands its replay",
      async () => {
        await using mortal = await startFuzzServer(undefined, BUSY.paramsTimeout);
        const campaign = runCampaign(mortal, {
          seed: 2,
          durationMs: CAMPAIGN_MS,
          messages: Infinity,
          silenceMs: BUSY.silenceMs,
        });
        const deadline = performance.now() + CAMPAIGN_MS;
        for (let read = 0; read < 1000;) {
          assert(performance.now() < deadline, `the server has read ${read} messages only`);
          const { messages } = await mortal.stats();
          read = Object.values(messages).reduce((sum, count) => sum + count, 0);
        }
        mortal.process.signal("SIGKILL");
        const { failure, sent } = await campaign;
        assert(failure !== undefined, "nobody noticed");
        assertGreater(sent.length, 0);
        assertEquals(await replay(server, parseSent(sentAsText(sent.slice(-200)))), undefined);
      },
    );
  },
});

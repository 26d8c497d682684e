import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { Encoding } from "../../src/protocol/body.ts";
import { writeU32 } from "../../src/protocol/bytes.ts";
import type { Reply } from "../../src/protocol/reply.ts";
import { concat, fromHex, toHex } from "../support/bytes.ts";
import { datagramRequest, messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

// What the C daemon does wrong, item by item as the protocol's description lists it; what it does wrong with its clients is
// in c_daemon_clients_test.ts.

/** Where the name's length stands in a request without a prefix. */
const NAME_LENGTH_AT = 8;
const PROBE_ID = 0x0abcdef1;

Deno.test("a datagram with a hostile plugin name length is answered 17 and counted", async () => {
  await using server = await TestServer.start();
  using socket = server.datagrams();
  const lengths = [0x7fffffff, 200_000, 0x80000000, 0xffffffff, 65_536, 1000];
  for (const [index, length] of lengths.entries()) {
    const datagram = datagramRequest({ id: 7 });
    writeU32(datagram, NAME_LENGTH_AT, length);
    await socket.send(datagram);
    assertEquals(await socket.reply(), { id: 7, code: 17, body: null });
    assertEquals(server.stats().errors.broken, index + 1);
  }
  assertEquals(server.stats().messages.udp, lengths.length);
});

Deno.test("thousands of randomly changed datagrams leave the server as it was", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "skeleton" }, { name: "echo" }] });
  using socket = server.datagrams();
  const valid = [
    datagramRequest({ encoding: Encoding.Hdf, params: { a: 1, b: { c: "text" } }, sync: false }),
    datagramRequest({ params: { a: [1, 2, { b: null }] }, sync: false }),
    datagramRequest({ encoding: Encoding.Cells, params: { a: [1, "two"], b: 2 ** 40 }, sync: false }),
    datagramRequest({
      plugin: "skeleton",
      command: 101,
      params: { cachekey: "k", cacheval: "v" },
      sync: false,
    }),
    datagramRequest({ plugin: "Reserve.Status", sync: false }),
  ];
  const change = fc.tuple(fc.nat(), fc.nat(255));
  const mutated = fc.tuple(
    fc.constantFrom(...valid),
    fc.array(change, { minLength: 1, maxLength: 4 }),
    fc.nat(9),
  ).map(
    ([original, changes, cutOff]) => {
      const datagram = original.slice();
      for (const [at, byte] of changes) datagram[at % datagram.length] = byte;
      return cutOff === 0 ? datagram.subarray(0, datagram.length >>> 1) : datagram;
    },
  );
  for (const [index, datagram] of fc.sample(mutated, { numRuns: 3000, seed: 1 }).entries()) {
    await socket.send(datagram);
    // Every now and then the server is let catch up, so that the socket's buffer loses nothing.
    if (index % 50 === 0) await server.until("all came", () => server.stats().messages.udp >= index / 2);
  }
  using connection = await server.connect();
  await connection.send(streamRequest({ id: PROBE_ID, params: { still: "here" } }));
  const reply = await connection.reply();
  assertEquals([reply.id, valueOf(reply)], [PROBE_ID, { still: "here" }]);
  assert(!server.log.some((line) => line.includes("an error of the server's own")));
});

Deno.test("a value length that leaves the message is 17, and nothing of another client's message comes back", async () => {
  await using server = await TestServer.start();
  using other = await server.connect();
  await other.send(streamRequest({ params: { secret: "s".repeat(30_000) } }));
  await other.reply();
  const root = "00000003" + "00000004" + toHex(new TextEncoder().encode("root"));
  for (const transport of ["tcp", "udp"]) {
    for (const length of ["00000008", "000003e8", "0000ff00", "7fffffff", "ffffffff"]) {
      const body = fromHex(root + length + "61203d20310a00");
      if (transport === "tcp") {
        using connection = await server.connect();
        await connection.send(streamRequest({ id: 9, body }));
        refused(await connection.reply());
      } else {
        using socket = server.datagrams();
        await socket.send(datagramRequest({ id: 9, body }));
        refused(await socket.reply());
      }
    }
  }

  function refused({ id, code, body }: Reply): void {
    assertEquals([id, code], [9, 17]);
    assert(
      !new TextDecoder().decode(body ?? new Uint8Array()).includes("sss"),
      "bytes of another message came back",
    );
  }
});

Deno.test("a text without its NUL is 17, not read on to the next NUL", async () => {
  await using server = await TestServer.start();
  using connection = await server.connect();
  const body = fromHex("00000003" + "00000004" + "726f6f74" + "00000005" + "61203d2031" + "00000000");
  await connection.send(streamRequest({ id: 9, body }));
  const { id, code } = await connection.reply();
  assertEquals([id, code], [9, 17]);
});

Deno.test("a prefix of Reserve.Status is an unknown plugin: 18", async () => {
  await using server = await TestServer.start();
  using connection = await server.connect();
  const name = "Reserve.Status";
  for (
    const plugin of [
      "",
      "R",
      "Reserve",
      "Reserve.Statu",
      "reserve.status",
      "Reserve.Status.",
      "Reserve.Status\0",
    ]
  ) {
    await connection.send(streamRequest({ plugin, encoding: Encoding.Hdf }));
    assertEquals(await connection.reply(), { id: 1, code: 18, body: null }, JSON.stringify(plugin));
  }
  for (const sync of [true, false]) {
    await connection.send(streamRequest({ plugin: name, sync }));
    assertEquals((await connection.reply()).code, 1000);
  }
});

Deno.test("BUSY comes from the bound on, whatever the bound", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "echo", queue: { maxOps: 7, maxBytes: 1e6 } }],
  });
  using connection = await server.connect();
  const requests = Array.from(
    { length: 12 },
    (_, id) => streamRequest({ id, command: 1003, params: { ms: 30 } }),
  );
  await connection.send(concat(requests));
  const replies = await connection.replies(12);
  assertEquals(
    replies.slice(0, 5).map(({ id, code }) => [id, code]),
    [7, 8, 9, 10, 11].map((id) => [id, 21]),
  );
  assertEquals(
    replies.slice(5).map(({ id, code }) => [id, code]),
    [0, 1, 2, 3, 4, 5, 6].map((id) => [id, 1000]),
  );
});

/** Waits at 1001 until the cache has the key `go`; 1002 notes what it was sent, 1003 tells what was noted. */
const NOTES = `
const notes = [];
export default {
  name: "notes",
  commands: {
    1001: { name: "wait", async run(context) { while (await context.cache.get("go") === undefined); } },
    1002: { name: "note", run(context) { notes.push(context.params.string("note")); } },
    1003: { name: "tell", run() { return { notes }; } },
  },
};`;

Deno.test("sync operations go first, in order, and async ones get their share, in order", async () => {
  const each = 200;
  await using server = await TestServer.start({ plugins: [{ name: "notes", source: NOTES }] });
  using connection = await server.connect();
  const numbers = Array.from({ length: each }, (_, index) => index);
  const note = (note: string, sync: boolean) =>
    streamRequest({ plugin: "notes", command: 1002, sync, params: { note } });
  await connection.send(streamRequest({ plugin: "notes", command: 1001 }));
  await server.until("it waits", () => server.plugin("notes").in_flight === 1);
  await connection.send(concat(numbers.map((index) => note(`a${index}`, false))));
  await connection.send(concat(numbers.map((index) => note(`s${index}`, true))));
  await server.until("all is queued", () => server.plugin("notes").accepted === 2 * each + 1);
  const go = { plugin: "notes", command: 101, params: { cachekey: "go", cacheval: "1" } };
  await connection.send(streamRequest(go));
  await server.until("all is done", () => server.plugin("notes").done === 2 * each + 1);
  await connection.frames(2 * each + 2);
  await connection.send(streamRequest({ plugin: "notes", command: 1003 }));
  const value = valueOf(await connection.reply());
  assert(typeof value === "object" && value !== null && "notes" in value && Array.isArray(value["notes"]));
  const notes = value["notes"].map(String);
  assertEquals(notes.filter((note) => note.startsWith("s")), numbers.map((index) => `s${index}`));
  assertEquals(notes.filter((note) => note.startsWith("a")), numbers.map((index) => `a${index}`));
  const asyncBeforeLastSync = notes.indexOf(`s${each - 1}`) - (each - 1);
  assert(asyncBeforeLastSync >= 10, `only ${asyncBeforeLastSync} async ones had a turn`);
  assertLess(asyncBeforeLastSync, each / 2);
});

Deno.test("an async operation is taken at once on an idle plugin", async () => {
  await using server = await TestServer.start();
  using connection = await server.connect();
  for (let done = 1; done <= 5; done++) {
    const start = performance.now();
    await connection.send(streamRequest({ command: 1002, sync: false }));
    assertEquals((await connection.reply()).code, 1000);
    await server.until("it is done", () => server.plugin("echo").done === done);
    // The C daemon takes up to a second, half of one on average.
    assertLess(performance.now() - start, 300);
  }
});

const LONG = `
export default {
  name: "long",
  commands: {
    1001: { name: "long", run: (context) => ({ text: "x".repeat(context.params.int("length")) }) },
    1002: { name: "long error", run(context) { throw context.fail(40, "x".repeat(context.params.int("length"))); } },
  },
};`;

Deno.test("a reply that does not fit a message is 22 with a sentence, and the longest that fits comes whole", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "long", source: LONG }] });
  using connection = await server.connect();
  for (const encoding of [Encoding.Hdf, Encoding.Json, Encoding.Cells]) {
    const ask = async (length: number, command = 1001) => {
      await connection.send(streamRequest({ plugin: "long", command, encoding, params: { length } }));
      return await connection.reply();
    };
    for (const length of [65_024, 65_100, 65_400]) {
      const reply = await ask(length);
      assertEquals([reply.code, valueOf(reply)], [1000, { text: "x".repeat(length) }]);
    }
    for (const length of [65_536, 70_000, 1_000_000]) {
      const reply = await ask(length);
      assertEquals(reply.code, 22);
      assertStringIncludes(messageOf(reply), "bytes");
    }
    const error = await ask(200_000, 1002);
    assertEquals(error.code, 40);
    assertStringIncludes(messageOf(error), "xxx");
  }
});

Deno.test("a reply that fits a stream but no datagram is 22", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "long", source: LONG }] });
  using socket = server.datagrams();
  const ask = async (length: number) => {
    await socket.send(datagramRequest({ plugin: "long", encoding: Encoding.Hdf, params: { length } }));
    return (await socket.reply()).code;
  };
  // The HDF text around it is "text = " and a newline; header, cells and NUL take 33 bytes.
  assertEquals(await ask(65_507 - 33 - 8), 1000);
  assertEquals(await ask(65_507 - 33 - 7), 22);
});

Deno.test("errors of the version and of short messages carry the request's id, or 0 where it has none", async () => {
  await using server = await TestServer.start();
  using socket = server.datagrams();
  const request = datagramRequest({ id: 0x0102030 });
  for (const version of [2, 7, 15]) {
    const wrong = request.slice();
    wrong[0] = (version << 4) | (wrong[0]! & 15);
    await socket.send(wrong);
    assertEquals(await socket.reply(), { id: 0x0102030, code: 15, body: null });
  }
  await socket.send(request.subarray(0, 16));
  assertEquals(await socket.reply(), { id: 0x0102030, code: 17, body: null });
  using connection = await server.connect();
  // By UDP it may be a reply; on a stream nobody forges.
  using older = await server.connect();
  await older.send(concat([new Uint8Array([0, 0, 0, request.length + 4, 0]), request.subarray(1)]));
  assertEquals(await older.reply(), { id: 0x0102030 & 0xffffff, code: 15, body: null });
  assertEquals(await older.frame(), null);
  await connection.send(fromHex("00000009" + "1000000009"));
  assertEquals(await connection.reply(), { id: 0, code: 17, body: null });
  assertEquals(await connection.frame(), null);
  assertEquals(server.stats().errors.version, 4);
});

Deno.test("nesting 30,000 levels deep is 17 in every encoding", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "skeleton" }, { name: "echo" }] });
  using connection = await server.connect();
  const hdf = new TextEncoder().encode("a{\n".repeat(10_000) + "}\n".repeat(10_000) + "\0");
  const dotted = new TextEncoder().encode("a" + ".a".repeat(30_000) + " = 1\n\0");
  for (const text of [hdf, dotted]) {
    await connection.send(streamRequest({ body: textCell("root", text) }));
    assertEquals((await connection.reply()).code, 17);
  }
  const arrays = concat(Array.from({ length: 5000 }, () => fromHex("00000004" + "00000000" + "00000001")));
  await connection.send(streamRequest({ body: arrays }));
  assertEquals((await connection.reply()).code, 17);
  const json = new TextEncoder().encode('{"a":'.repeat(9000) + "1" + "}".repeat(9000));
  for (const [plugin, command] of [["echo", 1001], ["skeleton", 100]] as const) {
    await connection.send(streamRequest({ plugin, command, body: textCell("json", json) }));
    assertEquals((await connection.reply()).code, 17);
  }
  await connection.send(streamRequest({ params: { still: "here" } }));
  assertEquals(valueOf(await connection.reply()), { still: "here" });
});

Deno.test("an HDF link loop is 17, over TCP and in a datagram", async () => {
  await using server = await TestServer.start();
  using connection = await server.connect();
  using socket = server.datagrams();
  for (
    const text of [
      "a : b\nb : a\n",
      "a : a\n",
      "a.b : a\n",
      "a {\n b : a.b.c\n}\n",
      "a : b\nb : a\nc := a\n",
      "a : b\nb : c\nc : a\n",
    ]
  ) {
    const body = textCell("root", new TextEncoder().encode(`${text}\0`));
    await connection.send(streamRequest({ body }));
    assertEquals((await connection.reply()).code, 17, JSON.stringify(text));
    await socket.send(datagramRequest({ body }));
    assertEquals((await socket.reply()).code, 17, JSON.stringify(text));
  }
  await connection.send(streamRequest({ params: { still: "here" } }));
  assertEquals(valueOf(await connection.reply()), { still: "here" });
});

/** A body of one STRING cell. */
function textCell(name: string, text: Uint8Array): Uint8Array {
  const head = new Uint8Array(16);
  writeU32(head, 0, 3);
  writeU32(head, 4, name.length);
  head.set(new TextEncoder().encode(name), 8);
  writeU32(head, 12, text.length);
  return concat([head, text, new Uint8Array(4)]);
}

import { assert, assertEquals } from "@std/assert";
import { NativeSocket } from "../../bench/support/native_socket.ts";
import { loadLibc } from "../../src/net/libc.ts";
import { concat } from "../support/bytes.ts";
import { HAS_PYTHON, PYTHON_NOTE } from "../support/python.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { sendAndReset } from "../support/reset.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

// What the C daemon does wrong with clients that go away or do not read, item by item.

/** A reply with `{}` in JSON: header, text cell, EOF. */
const REPLY_BYTES_OF_NOTHING = 16 + 16 + 2 + 4;

Deno.test({
  name: `a client that sends sync requests and resets harms nobody${PYTHON_NOTE}`,
  ignore: !HAS_PYTHON,
  fn: async () => {
    await using server = await TestServer.start();
    using bystander = await server.connect();
    const sleeps = Array.from(
      { length: 20 },
      (_, id) => streamRequest({ id, command: 1003, params: { ms: 100 } }),
    );
    await bystander.send(streamRequest({ id: 50, command: 1003, params: { ms: 100 } }));
    const echo = streamRequest({ id: 20 });
    await sendAndReset(server.tcp.port, concat([...sleeps, echo]), REPLY_BYTES_OF_NOTHING);
    await bystander.send(streamRequest({ id: 51 }));
    assertEquals((await bystander.replies(2)).map(({ id }) => id).toSorted(), [50, 51]);
    await server.until("the work of the reset client is done", () => server.plugin("echo").done === 23);
    assertEquals(server.stats().errors.replies_dropped, 20);
    assertEquals(server.stats().connections.open, 1);
  },
});

Deno.test("a client that does not read its replies takes nothing from the others on the same plugin", async () => {
  await using server = await TestServer.start({
    server: { max_unread_reply_bytes: "64 KiB", slow_reader_timeout: "1s" },
  });
  using deaf = await server.connect();
  const flood = concat(
    Array.from({ length: 50 }, (_, id) => streamRequest({ id, params: { text: "x".repeat(4000) } })),
  );
  const flooding = (async () => {
    try {
      while (true) await deaf.send(flood);
    } catch {
      // The test is over and the socket closed.
    }
  })();
  let accepted = 0;
  let looks = 0;
  await server.until("the server reads no more of it", () => {
    looks = accepted === server.plugin("echo").accepted ? looks + 1 : 0;
    accepted = server.plugin("echo").accepted;
    return accepted > 0 && looks === 25;
  });
  using connection = await server.connect();
  for (let id = 0; id < 200; id++) {
    await connection.send(streamRequest({ id, params: { id } }));
    assertEquals(valueOf(await connection.reply()), { id });
  }
  deaf.close();
  await flooding;
});

Deno.test({
  name: "a client that does not read its replies leaves the server asleep, not spinning",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using server = await TestServer.start({ server: { max_unread_reply_bytes: "64 KiB" } });
    const library = loadLibc()!;
    const [deaf] = await NativeSocket.dial(library.symbols, { transport: "unix", path: server.unix }, 1);
    const flood = new Uint8Array(streamRequest({ params: { text: "x".repeat(4000) } }));
    await until("the thread of this test and its server sleeps although the socket is full", async () => {
      while (deaf!.send(flood) > 0);
      const begun = performance.now();
      const before = threadTicks();
      // What a thread uses can be seen over a time alone; how long that really was counts.
      await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
      const used = (threadTicks() - before) * TICK_MS;
      return used < (performance.now() - begun) / 3;
    });
    assert(server.plugin("echo").accepted > 0, "nothing was accepted");
    deaf!.close();
    library.close();
  },
});

/** 1001 waits until 1002 is called; 1003 answers at once. */
const GATE = `
let gate = Promise.withResolvers();
export default { name: "gate", biz: 9, concurrency: 100, commands: {
  1001: { name: "wait", run: () => gate.promise },
  1002: { name: "open", run: () => { gate.resolve(); gate = Promise.withResolvers(); } },
  1003: { name: "empty", run: () => ({}) },
} };`;

Deno.test("a reply whose client has gone never reaches another one", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "gate", source: GATE }] });
  const ask = (id: number, command: number) => streamRequest({ plugin: "gate", id, command });
  for (let round = 0; round < 5; round++) {
    const before = server.stats().errors.replies_dropped;
    const gone = await Promise.all([server.connectUnix(), server.connectUnix()]);
    for (const connection of gone) await connection.send(...[1, 2, 3].map((id) => ask(id, 1001)));
    await server.until("all run", () => server.plugin("gate").in_flight === 6);
    // Closing a Unix socket with half a reply unread resets it; otherwise the server sees only an end of input.
    for (const connection of gone) {
      await connection.send(ask(4, 1003));
      await connection.socket.read(new Uint8Array(REPLY_BYTES_OF_NOTHING / 2));
    }
    for (const connection of gone) connection.close();
    await server.until("the connections are gone", () => server.stats().connections.open === 0);
    using connection = await server.connect();
    using unix = await server.connectUnix();
    for (const next of [connection, unix]) await next.send(ask(9, 1001));
    await server.until("all of them wait", () => server.plugin("gate").in_flight === 8);
    await connection.send(ask(10, 1002));
    assertEquals((await connection.replies(2)).map(({ id, code }) => [id, code]).sort(), [[10, 1000], [
      9,
      1000,
    ]]);
    assertEquals(await unix.reply(), { id: 9, code: 1000, body: null });
    await server.until("those that have gone are counted", () => {
      return server.stats().errors.replies_dropped === before + 6;
    });
    connection.close();
    unix.close();
    await server.until("they are gone, too", () => server.stats().connections.open === 0);
  }
});

/** Of the clock that counts CPU time, and so many of them that their share can be told. */
const TICK_MS = 10;
const WINDOW_MS = 300;

/** CPU time of this thread, in ticks: fields 14 and 15 of its stat, counted behind the name in brackets. */
function threadTicks(): number {
  const stat = Deno.readTextFileSync("/proc/thread-self/stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

import { assert, assertEquals } from "@std/assert";
import { socketAddressText } from "../../src/net/socket_address.ts";
import { concat } from "../support/bytes.ts";
import type { RawConnection } from "../support/raw_connection.ts";
import { streamRequest } from "../support/requests.ts";
import { TestServer, type TestServerOptions } from "../support/test_server.ts";

type Start = (keys?: TestServerOptions["server"]) => Promise<TestServer>;

/** Every limit holds with epoll and with Deno's own sockets; both are tried at once, for much of it is waiting. */
function test(name: string, check: (start: Start) => Promise<void>): void {
  const started = (portableSockets: boolean): Start => (server = {}) =>
    TestServer.start({ server, portableSockets });
  Deno.test(`${name} (epoll and portable sockets)`, async () => {
    await Promise.all([check(started(false)), check(started(true))]);
  });
}

test("the connection over max_connections_per_address is closed, others are not", async (start) => {
  await using server = await start({ max_connections_per_address: 2 });
  const held = [await server.connect(), await server.connect(), await server.connectUnix()];
  for (const connection of held) await assertAnswers(connection);
  for (let i = 0; i < 3; i++) {
    using refused = await server.connect();
    assertEquals(await refused.frame(), null);
  }
  const { connections, limits } = server.stats();
  assertEquals([connections.open, connections.refused], [3, 3]);
  assertEquals([limits["max_connections_per_address"], limits["max_connections"]], [3, 0]);
  assertEquals(linesOf(server, "max_connections_per_address").map(({ address }) => address), ["127.0.0.1"]);
  held[0]!.close();
  await server.until("one has gone", () => server.stats().connections.open === 2);
  using welcome = await server.connect();
  await assertAnswers(welcome);
  for (const connection of held) connection.close();
});

test("500 connections that send a byte at a time end after frame_timeout, others go on", async (start) => {
  await using server = await start({ frame_timeout: "1s", idle_timeout: "0s" });
  using good = await server.connect();
  const slow: RawConnection[] = [];
  for (let i = 0; i < 500; i++) slow.push(await (i % 2 === 0 ? server.connect() : server.connectUnix()));
  const request = streamRequest({ params: { text: "x".repeat(1000) } });
  for (let at = 0; server.stats().connections.open > 1; at++) {
    assert(at < request.length, "the whole message was taken");
    // A connection that the server has closed meanwhile takes no more.
    await Promise.all(
      slow.map((connection) => connection.send(request.subarray(at, at + 1)).catch(() => {})),
    );
    // A byte every so often, as of a line that is bad.
    await assertAnswersAfter(100, good);
  }
  assertEquals(server.stats().limits["frame_timeout"], 500);
  assert(linesOf(server, "frame_timeout").length <= 3);
  for (const connection of slow) {
    assertEquals(await connection.frame(), null);
    connection.close();
  }
  await assertAnswers(good);
});

test("frame_timeout ends no connection that is idle, busy or ends its messages", async (start) => {
  await using server = await start({ frame_timeout: "900ms", max_in_flight: 1 });
  using idle = await server.connect();
  using busy = await server.connect();
  using slow = await server.connect();
  // The second message waits in the server's buffer, a part of the third behind it.
  const sleep = streamRequest({ command: 1003, params: { ms: 2500 } });
  await busy.send(concat([sleep, streamRequest({ id: 2 }), streamRequest({ id: 3 }).subarray(0, 9)]));
  const request = streamRequest();
  const begun = performance.now();
  while (performance.now() - begun < 2200) {
    for (const [at, byte] of request.entries()) {
      if (at === request.length >> 1) await assertAnswersAfter(50, idle);
      await slow.send(new Uint8Array([byte]));
    }
    assertEquals((await slow.reply()).code, 1000);
  }
  assertEquals((await busy.replies(2)).map(({ code }) => code), [1000, 1000]);
  await assertAnswers(idle);
  assertEquals(server.stats().limits["frame_timeout"], 0);
});

test("a connection that sends nothing for idle_timeout is closed, one that waits is not", async (start) => {
  await using server = await start({ idle_timeout: "500ms" });
  using silent = await server.connect();
  using waiting = await server.connectUnix();
  await waiting.send(streamRequest({ id: 5, command: 1003, params: { ms: 2500 } }));
  await assertAnswers(silent);
  assertEquals(await silent.frame(), null);
  assertEquals((await waiting.reply()).id, 5);
  assertEquals(await waiting.frame(), null);
  assertEquals(server.stats().limits["idle_timeout"], 2);
});

test("who ends without reading what it asked for is closed after slow_reader_timeout", async (start) => {
  await using server = await start({ slow_reader_timeout: "1s", max_unread_reply_bytes: "256 MiB" });
  using deaf = await server.connect();
  const request = streamRequest({ params: { text: "x".repeat(9000) } });
  await deaf.send(concat(Array.from({ length: 1200 }, () => request)));
  await deaf.closeWrite();
  await server.until("it is gone", () => server.stats().connections.open === 0);
  assertEquals(server.stats().connections.slow_readers_closed, 1);
  assertEquals(server.stats().limits["slow_reader_timeout"], 1);
});

test("what makes a connection wait or end is counted by the limit's name", async (start) => {
  await using server = await start({ max_in_flight: 2, max_frame: "4 KiB" });
  using connection = await server.connect();
  await connection.send(
    concat(Array.from({ length: 6 }, (_, id) => streamRequest({ id, command: 1003, params: { ms: 20 } }))),
  );
  assertEquals((await connection.replies(6)).length, 6);
  await connection.send(new Uint8Array([0, 0, 0x10, 1]));
  assertEquals(await connection.frame(), null);
  const { limits } = server.stats();
  assertEquals([limits["max_in_flight"], limits["max_frame"]], [1, 1]);
  assertEquals(linesOf(server, "max_frame").map(({ level, max_frame }) => [level, max_frame]), [[
    "warn",
    4096,
  ]]);
  assertEquals(linesOf(server, "max_in_flight").map(({ level }) => level), ["info"]);
});

Deno.test("a plugin may report 1,000 different figures; further ones are dropped, counted and told once", async () => {
  const source = `export default { name: "p", commands: {
    1001: { name: "count", run: ({ params, stats }) => {
      const from = params.int("from");
      for (let i = from; i < from + 600; i++) i % 2 === 0 ? stats.count("figure " + i) : stats.gauge("figure " + i, i);
    } },
    1002: { name: "long", run: ({ stats }) => stats.count("x".repeat(201)) },
  } };`;
  await using server = await TestServer.start({ plugins: [{ name: "p", source }] });
  using connection = await server.connect();
  for (const from of [0, 600, 1200, 0]) {
    await connection.send(streamRequest({ plugin: "p", params: { from } }));
    assertEquals((await connection.reply()).code, 1000);
    await server.until(
      "it is told",
      () => server.stats().limits["figures"] === Math.max(0, from - 400) || from === 0,
    );
  }
  const { counters, gauges } = server.plugin("p");
  assertEquals(Object.keys(counters).length + Object.keys(gauges).length, 1000);
  await server.until("the known ones go on", () => server.plugin("p").counters["figure 0"] === 2);
  assertEquals(server.stats().limits["figures"], 800);
  assertEquals(linesOf(server, "figures").length, 1);
  await connection.send(streamRequest({ plugin: "p", command: 1002 }));
  assertEquals((await connection.reply()).code, 14);
});

Deno.test("an address is told by its text, an IPv4 one in IPv6 as IPv4", () => {
  const v4 = new Uint8Array([2, 0, 0x12, 0x34, 10, 0, 7, 255, 0, 0, 0, 0, 0, 0, 0, 0]);
  assertEquals(socketAddressText(v4), "10.0.7.255");
  const v6 = (...address: number[]) =>
    new Uint8Array([10, 0, 0x12, 0x34, 0, 0, 0, 0, ...address, 0, 0, 0, 0]);
  const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 7, 255];
  assertEquals(socketAddressText(v6(...mapped)), "10.0.7.255");
  const own = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
  assertEquals(socketAddressText(v6(...own)), "2001:db8:0:0:0:0:0:1");
});

async function assertAnswers(connection: RawConnection): Promise<void> {
  await connection.send(streamRequest());
  assertEquals((await connection.reply()).code, 1000);
}

/** The answer takes so many milliseconds. */
async function assertAnswersAfter(ms: number, connection: RawConnection): Promise<void> {
  await connection.send(streamRequest({ command: 1003, params: { ms } }));
  assertEquals((await connection.reply()).code, 1000);
}

/** The log's lines about that limit. */
function linesOf(server: TestServer, limit: string): Record<string, unknown>[] {
  return server.log.map((line) => JSON.parse(line)).filter((line) => line.limit === limit);
}

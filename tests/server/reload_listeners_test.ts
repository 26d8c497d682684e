import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { RawConnection } from "../support/raw_connection.ts";
import { RawDatagrams } from "../support/raw_datagrams.ts";
import { datagramRequest, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

async function connectTo(port: number): Promise<RawConnection> {
  return new RawConnection(await Deno.connect({ hostname: "127.0.0.1", port }));
}

for (const portableSockets of [false, true]) {
  const sockets = portableSockets ? "Deno's own sockets" : "epoll";

  Deno.test(`listeners are opened and closed while the server runs; their connections stay (${sockets})`, async () => {
    await using server = await TestServer.start({ portableSockets });
    using first = await server.connect();
    const port = freePort();
    const opened = await server.reload({ server: { tcp: ["127.0.0.1:0", `127.0.0.1:${port}`] } });
    assertEquals(opened.changed, [`listener tcp 127.0.0.1:${port} opened`]);
    using second = await connectTo(port);
    await second.send(streamRequest({ id: 1 }));
    assertEquals((await second.reply()).code, 1000);

    const closed = await server.reload({ server: { tcp: ["127.0.0.1:0"] } });
    assertEquals(closed.changed, [`listener tcp 127.0.0.1:${port} closed`]);
    await assertRejects(() => connectTo(port));
    for (const connection of [first, second]) {
      await connection.send(streamRequest({ id: 2, params: { still: "here" } }));
      assertEquals(valueOf(await connection.reply()), { still: "here" });
    }
    // The address is free for the next reload.
    await server.reload({ server: { tcp: ["127.0.0.1:0", `127.0.0.1:${port}`] } });
    using third = await connectTo(port);
    await third.send(streamRequest({ id: 3 }));
    assertEquals((await third.reply()).code, 1000);
    second.close();
    await server.until("the second is closed", () => server.stats().connections.open === 2);
  });

  Deno.test(`a UDP socket that is closed still sends the replies that it owes (${sockets})`, async () => {
    const port = freePort();
    const udp = { udp: ["127.0.0.1:0", `127.0.0.1:${port}`] };
    await using server = await TestServer.start({ portableSockets, server: udp });
    using socket = new RawDatagrams({ transport: "udp", hostname: "127.0.0.1", port });
    await socket.send(datagramRequest({ id: 1, command: 1003, params: { ms: 200 } }));
    await server.until("it runs", () => server.plugin("echo").in_flight === 1);
    assertEquals((await server.reload({})).changed, [`listener udp 127.0.0.1:${port} closed`]);
    await socket.send(datagramRequest({ id: 2 }));
    const reply = await socket.reply();
    assertEquals([reply.id, reply.code], [1, 1000]);
    assertEquals(server.plugin("echo").accepted, 1);
    const isFree = () => {
      try {
        Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port }).close();
        return true;
      } catch {
        return false;
      }
    };
    // Once nothing is owed the address is free.
    await until("the address is free", isFree);
    // Where nothing is owed it is free at once, for another program and for the next reload.
    await server.reload({ server: udp });
    await socket.send(datagramRequest({ id: 3 }));
    assertEquals((await socket.reply()).id, 3);
    await server.reload({});
    await until("the address is free again", isFree, 500);
    // Where something is owed, a reload that wants it back goes on with the socket that is still there.
    await server.reload({ server: udp });
    await socket.send(datagramRequest({ id: 4, command: 1003, params: { ms: 300 } }));
    await server.until("it runs again", () => server.plugin("echo").in_flight === 1);
    await server.reload({});
    assertEquals((await server.reload({ server: udp })).changed, [`listener udp 127.0.0.1:${port} opened`]);
    await socket.send(datagramRequest({ id: 5 }));
    assertEquals([(await socket.reply()).id, (await socket.reply()).id], [5, 4]);
  });
}

Deno.test("a Unix socket is closed and opened again at the same path", async () => {
  await using server = await TestServer.start();
  using before = await server.connectUnix();
  const { changed } = await server.reload({ server: { unix: "" } });
  assertEquals(changed, [`listener unix ${server.unix} closed`]);
  await assertRejects(() => server.connectUnix());
  await server.reload({});
  using after = await server.connectUnix();
  for (const connection of [before, after]) {
    await connection.send(streamRequest());
    assertEquals((await connection.reply()).code, 1000);
  }
});

Deno.test("async_reply changes for the connections that come, and for UDP", async () => {
  await using server = await TestServer.start();
  using before = await server.connect();
  await before.send(streamRequest({ sync: false }));
  assertEquals((await before.reply()).code, 1000);
  const { changed } = await server.reload({ server: { async_reply: false } });
  assertEquals(
    changed.map((each) => each.replace(/^listener \w+ \S+: /, "")),
    Array(3).fill("async_reply true -> false"),
  );
  using after = await server.connect();
  using datagrams = server.datagrams();
  await before.send(streamRequest({ id: 1, sync: false }));
  assertEquals((await before.reply()).id, 1);
  await after.send(streamRequest({ id: 2, sync: false }), streamRequest({ id: 3 }));
  assertEquals((await after.reply()).id, 3);
  await datagrams.send(datagramRequest({ id: 4, sync: false }), datagramRequest({ id: 5 }));
  assertEquals((await datagrams.reply()).id, 5);
});

Deno.test("limits and the log's level change live, also for open connections; what needs a start is said and kept", async () => {
  const options = {
    log_level: "warn",
    log_format: "text",
    max_in_flight: 7,
    max_frame: "1 MiB",
    max_queue_bytes: "2 MiB",
  };
  await using server = await TestServer.start();
  using connection = await server.connect();
  const { changed, kept } = await server.reload({ server: options });
  assertEquals(changed, [
    "server: max_frame 64 KiB -> 1 MiB",
    "server: max_in_flight 4096 -> 7",
    "server: max_queue_bytes 1 GiB -> 2 MiB",
    "server: log_level info -> warn",
  ]);
  assertEquals(kept, ["server: log_format auto -> text waits for the next start"]);
  const text = "x".repeat(500_000);
  await connection.send(streamRequest({ params: { text } }));
  assertEquals(valueOf(await connection.reply()), { text });
  assertEquals(server.stats().max_queue_bytes, 2 * 2 ** 20);
  const lines = server.log.length;
  assertEquals((await server.reload({ server: options })).unchanged, true);
  assertEquals(server.log.length, lines, "info is not written any more");

  // Shorter again: what is connected keeps the longer messages, who comes does not.
  await server.reload({});
  await connection.send(streamRequest({ id: 2, command: 1002, params: { text } }));
  assertEquals((await connection.reply()).code, 1000);
  using after = await server.connect();
  await after.send(streamRequest({ id: 3, params: { text } })).catch(() => {});
  assertEquals((await after.reply()).code, 17);
  assertEquals(await after.frame(), null);
  assertStringIncludes(server.log.slice(lines).join(""), "reloaded");
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

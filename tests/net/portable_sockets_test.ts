import { assert, assertEquals, assertLess } from "@std/assert";
import { concat } from "../support/bytes.ts";
import { datagramRequest, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer, type TestServerOptions } from "../support/test_server.ts";

// Where there is no epoll, Deno's own sockets serve; here they do so on every system.
const start = (options: TestServerOptions = {}) => TestServer.start({ ...options, portableSockets: true });

Deno.test("portable sockets answer sync and async requests over TCP, UDP and a Unix socket", async () => {
  await using server = await start();
  for (const connect of [() => server.connect(), () => server.connectUnix()]) {
    using connection = await connect();
    await connection.send(streamRequest({ id: 1, params: { a: 1 } }), streamRequest({ id: 2, sync: false }));
    const replies = new Map((await connection.replies(2)).map((reply) => [reply.id, reply]));
    assertEquals(valueOf(replies.get(1)!), { a: 1 });
    assertEquals([replies.get(2)!.code, replies.get(2)!.body], [1000, null]);
  }
  using datagrams = server.datagrams();
  await datagrams.send(datagramRequest({ id: 3, params: { over: "udp" } }));
  assertEquals(valueOf(await datagrams.reply()), { over: "udp" });
  assertEquals(server.stats().messages, { tcp: 2, udp: 1, unix: 2, http: 0 });
});

Deno.test("portable sockets keep the replies of many connections apart", async () => {
  await using server = await start();
  await Promise.all(Array.from({ length: 60 }, async (_, client) => {
    using connection = await server.connect();
    const ids = Array.from({ length: 200 }, (_, id) => id);
    const sending = connection.send(concat(ids.map((id) => streamRequest({ id, params: { client, id } }))));
    for (const id of ids) {
      const reply = await connection.reply();
      assertEquals([reply.id, valueOf(reply)], [id, { client, id }]);
    }
    await sending;
  }));
});

Deno.test("portable sockets hand a message over however it is split, and end after an illegal one", async () => {
  await using server = await start();
  using connection = await server.connect();
  const request = streamRequest({ id: 9, params: { text: "x".repeat(5000) } });
  await connection.send(request.subarray(0, 3), request.subarray(3, 40), request.subarray(40));
  assertEquals((await connection.reply()).id, 9);
  await connection.send(new Uint8Array([0, 0, 0, 8]));
  assertEquals(await connection.frame(), null);
});

Deno.test("a server with portable sockets stops at once although connections are open", async () => {
  const server = await start();
  using idle = await server.connect();
  using asking = await server.connect();
  await asking.send(streamRequest({ id: 4 }));
  assertEquals((await asking.reply()).id, 4);
  const before = performance.now();
  await server[Symbol.asyncDispose]();
  assertLess(performance.now() - before, 3000);
  assertEquals(await idle.frame(), null);
  assert(server.log.some((line) => line.includes("stopped")));
});

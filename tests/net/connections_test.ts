import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { concat } from "../support/bytes.ts";
import { HAS_PYTHON, PYTHON_NOTE } from "../support/python.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { sendAndReset } from "../support/reset.ts";
import { inSteps } from "../support/steps.ts";
import { TestServer } from "../support/test_server.ts";

Deno.test("200 connections get the replies of 100,000 sync requests, none lost and none mixed up", async () => {
  const connections = 200;
  const batches = 10;
  const perBatch = 50;
  await using server = await TestServer.start();
  const texts = Array.from({ length: 97 }, (_, length) => "x".repeat(length));
  let checked = 0;
  await Promise.all(Array.from({ length: connections }, async (_, caller) => {
    using connection = await (caller % 4 === 0 ? server.connectUnix() : server.connect());
    for (let batch = 0; batch < batches; batch++) {
      const ids = Array.from({ length: perBatch }, (_, index) => batch * perBatch + index);
      const params = (id: number) => ({ caller, id, text: texts[id % 97]! });
      await connection.send(concat(ids.map((id) => streamRequest({ id, params: params(id) }))));
      for (const [index, reply] of (await connection.replies(perBatch)).entries()) {
        const id = ids[index]!;
        const got = valueOf(reply) as JsonObject;
        const { caller: itsCaller, id: itsId, text, ...rest } = got;
        const isRight = reply.id === id && reply.code === 1000 && itsCaller === caller && itsId === id &&
          text === texts[id % 97] && Object.keys(rest).length === 0;
        if (!isRight) assertEquals([reply.id, reply.code, got], [id, 1000, params(id)]);
        checked++;
      }
    }
  }));
  assertEquals(checked, connections * batches * perBatch);
  assertEquals(server.plugin("echo").done, checked);
  await server.until("all connections are closed", () => server.stats().connections.open === 0);
  assertEquals([server.stats().errors.replies_dropped, server.stats().queue_bytes], [0, 0]);
});

Deno.test(
  "clients that leave, reset or send what is wrong harm nobody",
  inSteps(() => TestServer.start(), {
    "clients that leave in the middle of a message harm nobody": async (server, connection) => {
      const { accepted } = server.plugin("echo");
      const request = streamRequest({ params: { text: "x".repeat(5000) } });
      for (const length of [1, 3, 4, 5, 12, 20, 4000, request.length - 1]) {
        using other = await server.connect();
        await other.send(request.subarray(0, length));
        other.close();
        await connection.send(streamRequest({ id: length }));
        assertEquals((await connection.reply()).id, length);
      }
      await server.until("they are gone", () => server.stats().connections.open === 1);
      assertEquals(server.plugin("echo").accepted, accepted + 8);
    },
    "a client that says it sends no more still gets all replies, then the server closes": async (server) => {
      for (const connect of [() => server.connect(), () => server.connectUnix()]) {
        using connection = await connect();
        const slow = streamRequest({ id: 1, command: 1003, params: { ms: 30 } });
        await connection.send(
          concat([slow, streamRequest({ id: 2 }), streamRequest({ id: 3, plugin: "nobody" })]),
        );
        await connection.closeWrite();
        assertEquals((await connection.replies(3)).map(({ id, code }) => [id, code]).toSorted(), [[1, 1000], [
          2,
          1000,
        ], [
          3,
          18,
        ]]);
        assertEquals(await connection.frame(), null);
      }
    },
    "a client that leaves in the middle of its replies harms nobody": async (server, connection) => {
      const flood = concat(
        Array.from({ length: 100 }, (_, id) => streamRequest({ id, params: { text: "x".repeat(9000) } })),
      );
      for (let round = 0; round < 5; round++) {
        using other = await server.connect();
        const sending = other.send(flood).catch(() => {});
        await other.socket.read(new Uint8Array(100));
        other.close();
        await sending;
        await connection.send(streamRequest({ id: round }));
        assertEquals((await connection.reply()).id, round);
      }
      await server.until("they are gone", () => server.stats().connections.open === 1);
      await server.until("their work is done", () => server.stats().queue_bytes === 0);
    },
    "an illegal length closes the connection after the replies that are owed": async (
      _server,
      connection,
    ) => {
      const slow = streamRequest({ id: 1, command: 1003, params: { ms: 30 } });
      await connection.send(concat([slow, streamRequest({ id: 2 }), new Uint8Array([0, 0, 0, 8])]));
      assertEquals((await connection.replies(2)).map(({ id }) => id), [2, 1]);
      assertEquals(await connection.frame(), null);
    },
    "a client that goes on sending after its error still gets the reply that tells it": async (server) => {
      for (const connect of [() => server.connect(), () => server.connectUnix()]) {
        using connection = await connect();
        const wrong = streamRequest({ id: 5 });
        wrong[4] = 0xf0;
        const flood = Array.from(
          { length: 200 },
          (_, id) => streamRequest({ id, params: { text: "x".repeat(1000) } }),
        );
        await connection.send(concat([wrong, ...flood]));
        const reply = await connection.reply();
        assertEquals([reply.id, reply.code], [5, 15]);
        assertEquals(await connection.frame(), null);
      }
      await server.until("both are gone", () => server.stats().connections.open === 1);
    },
    [`a client that resets at once, mid-message or mid-reply harms nobody${PYTHON_NOTE}`]: async (
      server,
      connection,
    ) => {
      if (!HAS_PYTHON) return;
      const requests = concat(
        Array.from({ length: 100 }, (_, id) => streamRequest({ id, params: { text: "x".repeat(500) } })),
      );
      await Promise.all([
        sendAndReset(server.tcp.port, new Uint8Array(0)),
        sendAndReset(server.tcp.port, requests.subarray(0, 777)),
        sendAndReset(server.tcp.port, requests),
        sendAndReset(server.tcp.port, requests, 1000),
        sendAndReset(server.tcp.port, requests.subarray(0, requests.length - 1), 10_000),
      ]);
      await connection.send(streamRequest({ id: 7 }));
      assertEquals((await connection.reply()).id, 7);
      await server.until("they are gone", () => server.stats().connections.open === 1);
      await server.until("their work is done", () => server.stats().queue_bytes === 0);
      assert(!server.log.some((line) => line.includes(`"level":"error"`)), server.log.join(""));
    },
  }),
);

Deno.test("a client that does not read is first not read from, then closed, while others go on", async () => {
  await using server = await TestServer.start({
    server: { max_in_flight: 16, max_unread_reply_bytes: "64 KiB", slow_reader_timeout: "3s" },
  });
  using deaf = await server.connect();
  using other = await server.connect();
  // Many times what the sockets' buffers hold.
  const requests = 8000;
  const flood = new Array<Uint8Array>(requests).fill(streamRequest({ params: { text: "x".repeat(5000) } }));
  const sending = deaf.send(...flood).then(() => "sent", () => "closed");
  let answered = 0;
  // That many while the other is being held up, however busy the machine is.
  while (answered < 100) {
    await other.send(streamRequest({ id: answered }));
    assertEquals((await other.reply()).id, answered);
    answered++;
  }
  assertEquals(server.stats().connections.slow_readers_closed, 0, "the other one was held up");
  await server.until("it is closed", () => server.stats().connections.slow_readers_closed === 1);
  assertEquals(await sending, "closed");
  assert(server.plugin("echo").accepted - answered < requests, "all of it was read");
  await server.until("it is gone", () => server.stats().connections.open === 1);
});

Deno.test("a client that reads slowly, but reads, gets everything", async () => {
  await using server = await TestServer.start({ server: { max_unread_reply_bytes: "64 KiB" } });
  using connection = await server.connect();
  const count = 600;
  const text = "x".repeat(8000);
  const sending = connection.send(
    ...Array.from({ length: count }, (_, id) => streamRequest({ id, params: { text } })),
  );
  let accepted = -1;
  await server.until("the server waits for the reader", () => {
    const before = accepted;
    accepted = server.plugin("echo").accepted;
    return before === accepted && accepted > 0;
  });
  for (let id = 0; id < count; id++) {
    const reply = await connection.reply();
    assertEquals([reply.id, reply.code, valueOf(reply)], [id, 1000, { text }]);
  }
  await sending;
});

Deno.test("the connection over max_connections is closed, and there is room when one has gone", async () => {
  await using server = await TestServer.start({ server: { max_connections: 3 } });
  const held = [await server.connect(), await server.connectUnix(), await server.connect()];
  for (const connection of held) {
    await connection.send(streamRequest());
    assertEquals((await connection.reply()).code, 1000);
  }
  for (const connect of [() => server.connect(), () => server.connectUnix()]) {
    using refused = await connect();
    assertEquals(await refused.frame(), null);
  }
  assertEquals(server.stats().connections, {
    open: 3,
    accepted: 3,
    refused: 2,
    slow_readers_closed: 0,
    by_kind: { tcp: 2, unix: 1, http: 0 },
  });
  held.pop()!.close();
  await server.until("one has gone", () => server.stats().connections.open === 2);
  using welcome = await server.connect();
  await welcome.send(streamRequest({ id: 9 }));
  assertEquals((await welcome.reply()).id, 9);
  for (const connection of held) connection.close();
});

Deno.test("a connection is not read from while max_in_flight of its operations are unanswered", async () => {
  await using server = await TestServer.start({ server: { max_in_flight: 5 } });
  using connection = await server.connect();
  using other = await server.connect();
  const requests = Array.from(
    { length: 12 },
    (_, id) => streamRequest({ id, command: 1003, params: { ms: 40 } }),
  );
  await connection.send(concat(requests));
  await server.until("five are taken", () => server.plugin("echo").accepted === 5);
  await other.send(streamRequest({ id: 1 }));
  assertEquals((await other.reply()).id, 1);
  assertEquals(server.plugin("echo").in_flight, 5);
  assertEquals((await connection.replies(12)).map(({ id }) => id), Array.from({ length: 12 }, (_, id) => id));
  assertEquals(server.plugin("echo").accepted, 13);
});

import { assertEquals, assertMatch } from "@std/assert";
import { encodeBody, Encoding } from "../../src/protocol/body.ts";
import { concat } from "../support/bytes.ts";
import { messageOf, streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

const LONG = { text: "x".repeat(300_000) };
const SENTENCE = /^the message has \d+ bytes, max_frame allows 4096: send less, or raise it$/;

for (const portableSockets of [false, true]) {
  const sockets = portableSockets ? "Deno's own sockets" : "epoll";

  Deno.test(`too long a request is answered 17 with a sentence, in its own encoding, and then the connection closes (${sockets})`, async () => {
    await using server = await TestServer.start({ portableSockets, server: { max_frame: "4 KiB" } });
    for (const encoding of [Encoding.Hdf, Encoding.Json, Encoding.Cells]) {
      for (const sync of [true, false]) {
        for (const connect of [() => server.connect(), () => server.connectUnix()]) {
          using connection = await connect();
          const request = streamRequest({ id: 0x123456, encoding, sync, params: LONG });
          await connection.send(request).catch(() => {});
          const reply = await connection.reply();
          assertEquals([reply.id, reply.code], [0x123456, 17]);
          assertMatch(messageOf(reply), SENTENCE);
          const kind = encodeBody(encoding, { Output: 1 }).subarray(0, 12);
          assertEquals(
            reply.body!.subarray(0, encoding === Encoding.Cells ? 4 : 12),
            encoding === Encoding.Cells ? reply.body!.subarray(0, 4) : kind,
          );
          assertEquals(await connection.frame(), null);
        }
      }
    }
    assertEquals(server.stats().limits.max_frame, 12);
    assertEquals(server.stats().errors.broken, 12);
  });

  Deno.test(`what comes before a request that is too long is answered first, however it is cut (${sockets})`, async () => {
    await using server = await TestServer.start({ portableSockets, server: { max_frame: "4 KiB" } });
    for (const cuts of [[4], [8], [10], [14, 20], [25], [40]]) {
      using connection = await server.connect();
      const slow = streamRequest({ id: 1, command: 1003, params: { ms: 30 } });
      const long = streamRequest({ id: 2, params: LONG });
      await connection.send(slow, ...cuts.map((at, index) => long.subarray(cuts[index - 1] ?? 0, at)));
      await connection.send(long.subarray(cuts.at(-1)!)).catch(() => {});
      const replies = await connection.replies(2);
      assertEquals(replies.map(({ id, code }) => [id, code]), [[1, 1000], [2, 17]], String(cuts));
      assertMatch(messageOf(replies[1]!), SENTENCE);
      assertEquals(await connection.frame(), null);
    }
  });

  Deno.test(`where no id can be read, or nobody reads a reply, the connection closes without one (${sockets})`, async () => {
    await using server = await TestServer.start({ portableSockets, server: { max_frame: "4 KiB" } });
    const prefix = new Uint8Array([0, 1, 0, 0]);
    const silent = [
      prefix,
      concat([prefix, new Uint8Array([16, 0, 0])]),
      new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
      concat([prefix, new Uint8Array(40)]),
    ];
    await Promise.all(silent.map(async (bytes) => {
      using connection = await server.connect();
      await connection.send(bytes);
      assertEquals(await connection.frame(), null);
    }));
    // The id is there, the rest does not come: it is answered all the same.
    using connection = await server.connect();
    await connection.send(concat([prefix, new Uint8Array([16, 0, 0, 9, 3, 0xe9, 0, 2])]));
    assertEquals((await connection.reply()).id, 9);
    assertEquals(await connection.frame(), null);
    using ended = await server.connect();
    await ended.send(concat([prefix, new Uint8Array([16, 0, 0, 8, 3, 0xe9, 0, 2])]));
    await ended.closeWrite();
    assertEquals((await ended.reply()).id, 8);
    await server.reload({ server: { max_frame: "4 KiB", async_reply: false } });
    using old = await server.connect();
    await old.send(streamRequest({ params: LONG })).catch(() => {});
    assertEquals(await old.frame(), null);
  });
}

import { assertEquals, assertMatch } from "@std/assert";
import { Encoding } from "../../src/protocol/body.ts";
import type { RawConnection } from "../support/raw_connection.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

const SOURCE = `export default {
  name: "sized",
  biz: 9,
  description: "",
  commands: {
    1001: { name: "text", run: (context) => ({ a: "x".repeat(context.params.int("size")) }) },
    1002: { name: "fails", run: (context) => { throw context.fail(40, "y".repeat(context.params.int("size"))); } },
  },
};`;
const PLUGINS = [{
  name: "sized",
  source: SOURCE,
  dedup: { window: 60_000, maxKeys: 10, maxBytes: 10_000_000 },
}];
const LONG = { max_frame: "1 MiB" };
/** Of a reply in HDF: prefix, header, cell, "a = " and newline, NUL, EOF. */
const AROUND = 4 + 12 + 16 + 5 + 1 + 4;

for (const portableSockets of [false, true]) {
  const sockets = portableSockets ? "Deno's own sockets" : "epoll";

  Deno.test(`a legacy listener sends no more than 65,536 bytes, and 22 with its sentence in place of more (${sockets})`, async () => {
    await using server = await TestServer.start({
      portableSockets,
      server: { ...LONG, legacy: true },
      plugins: PLUGINS,
    });
    const ask = async (connection: RawConnection, size: number, command = 1001, more = {}) => {
      await connection.send(
        streamRequest({ plugin: "sized", command, encoding: Encoding.Hdf, params: { size, ...more } }),
      );
      const frame = (await connection.frame())!;
      return { length: frame.length, code: new DataView(frame.buffer, frame.byteOffset).getUint32(8) };
    };
    for (const connect of [() => server.connect(), () => server.connectUnix()]) {
      using connection = await connect();
      assertEquals(await ask(connection, 65_536 - AROUND), { length: 65_536, code: 1000 });
      assertEquals((await ask(connection, 65_537 - AROUND)).code, 22);
      assertEquals((await ask(connection, 500_000)).code, 22);
      // The error's code is kept, its sentence says that it is not.
      assertEquals((await ask(connection, 300_000, 1002)).code, 40);
      await connection.send(streamRequest({ plugin: "sized", command: 1002, params: { size: 100_000 } }));
      assertMatch(
        messageOf(await connection.reply()),
        /^the error has \d+ bytes; a reply to clients of old has 65536 at most$/,
      );
      // One that is remembered for its key is held to it, too.
      for (const _ of [1, 2]) {
        assertEquals((await ask(connection, 200_000, 1001, { mevent: { key: "k" } })).code, 22);
      }
      await connection.send(streamRequest({ plugin: "sized", params: { size: 100_000 } }));
      assertMatch(
        messageOf(await connection.reply()),
        /^the result has \d+ bytes; a reply to clients of old has 65536 at most$/,
      );
    }
    using datagrams = server.datagrams();
    await datagrams.send(streamRequest({ plugin: "sized", params: { size: 100_000 } }).subarray(4));
    const reply = await datagrams.reply();
    assertEquals(reply.code, 22);
    assertMatch(messageOf(reply), /^the reply has \d+ bytes, a datagram carries 65507: ask over TCP$/);
    await datagrams.send(
      streamRequest({ plugin: "sized", command: 1002, params: { size: 100_000 } }).subarray(4),
    );
    const error = await datagrams.reply();
    assertEquals(error.code, 40);
    assertMatch(messageOf(error), /^the reply has \d+ bytes, a datagram carries 65507: ask over TCP$/);
  });
}

Deno.test("beside a legacy listener others send what max_frame allows, and a reload changes which is which", async () => {
  await using server = await TestServer.start({ server: LONG, plugins: PLUGINS });
  using before = await server.connect();
  const request = streamRequest({ plugin: "sized", params: { size: 100_000 } });
  await before.send(request);
  assertEquals(valueOf(await before.reply()), { a: "x".repeat(100_000) });
  const { changed } = await server.reload({ server: { ...LONG, legacy: true }, plugins: PLUGINS });
  assertEquals(
    changed.map((each) => each.replace(/^listener \w+ \S+: /, "")),
    Array(3).fill("legacy false -> true"),
  );
  using after = await server.connect();
  await after.send(request);
  assertEquals((await after.reply()).code, 22);
});

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { encodeCells } from "../../src/protocol/cells.ts";
import { Encoding } from "../../src/protocol/body.ts";
import { charsetOf } from "../../src/protocol/charset.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { mapCellTexts } from "../../src/protocol/cell_texts.ts";
import { writeRequest } from "../../src/protocol/request.ts";
import type { Reply } from "../../src/protocol/reply.ts";
import { concat } from "../support/bytes.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer, type TestServerOptions } from "../support/test_server.ts";

const gbk = charsetOf("gbk")!;
const latin1 = charsetOf("latin1")!;
const utf8 = new TextEncoder();

/** Bytes of each character: those of ASCII as they are. */
function bytesOf(text: string, high: Readonly<Record<string, readonly number[]>>): Uint8Array {
  return Uint8Array.from([...text].flatMap((each) => high[each] ?? [each.charCodeAt(0)]));
}

/** 订单 中文 € in GBK, as an old site sends them. */
const GBK = {
  订: [0xb6, 0xa9],
  单: [0xb5, 0xa5],
  中: [0xd6, 0xd0],
  文: [0xce, 0xc4],
  "€": [0x80],
  誠: [0xd5, 0x5c],
};
const LATIN1 = { é: [0xe9], "€": [0x80], "“": [0x93], ß: [0xdf] };

Deno.test("every byte of latin1 and every pair of GBK comes back as it was sent", () => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  assertEquals(latin1.fromUtf8(latin1.toUtf8(all), "refuse"), all);
  let pairs = 0;
  const other: [string, number[]][] = [];
  const lossy = new TextDecoder("gbk");
  for (let lead = 0x81; lead <= 0xfe; lead++) {
    for (let trail = 0x40; trail <= 0xfe; trail++) {
      const pair = new Uint8Array([lead, trail]);
      const text = lossy.decode(pair);
      if (text.length !== 1 || text === "\ufffd") continue;
      pairs++;
      const back = gbk.fromUtf8(gbk.toUtf8(pair), "refuse");
      if (back.length !== 2 || back[0] !== lead || back[1] !== trail) other.push([text, [...back]]);
    }
  }
  // Two characters can be written in two ways; one of them goes out.
  assertEquals(other, [["€", [0x80]], ["\u3000", [0xa1, 0xa1]]]);
  assertEquals(pairs > 23_000, true, `${pairs} pairs`);
});

Deno.test("any text of a charset's characters survives the way in and out, and any bytes are read or refused", () => {
  const characters = fc.constantFrom(..."aZ 0\n{}\\|=中文订单誠€éüß“”ÿ");
  fc.assert(fc.property(fc.array(characters), (list) => {
    const said = list.join("");
    for (const charset of [gbk, latin1]) {
      const text = [...said].filter((each) => {
        try {
          charset.fromUtf8(utf8.encode(each), "refuse");
          return true;
        } catch {
          return false;
        }
      }).join("");
      const bytes = charset.fromUtf8(utf8.encode(text), "refuse");
      assertEquals(new TextDecoder().decode(charset.toUtf8(bytes)), text);
    }
  }));
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    latin1.toUtf8(bytes);
    try {
      gbk.toUtf8(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }));
});

Deno.test("what is no GBK is refused with its line, characters of four bytes too; what a charset has not is refused or spelled", () => {
  for (
    const [bad, line] of [[[0x61, 10, 0xb6], 2], [[0xff, 0x41], 1], [[10, 10, 0xb6, 0x20], 3], [[
      0x81,
      0x30,
      0x81,
      0x30,
    ], 1]] as const
  ) {
    assertThrows(
      () => gbk.toUtf8(Uint8Array.from(bad)),
      ProtocolError,
      `line ${line} of the text is not gbk`,
    );
  }
  for (
    const [charset, text, spelled] of [[gbk, "a😀b", "aU+1F600b"], [latin1, "中", "U+4E2D"], [
      gbk,
      "é\ufffd",
      "\xa8\xa6U+FFFD",
    ]] as const
  ) {
    assertThrows(() => charset.fromUtf8(utf8.encode(text), "refuse"), ProtocolError, "which");
    assertEquals(
      charset.fromUtf8(utf8.encode(text), "spell"),
      Uint8Array.from([...spelled].map((each) => each.charCodeAt(0))),
    );
  }
});

Deno.test("of cells every name and every text is changed, on all levels, and nothing else", () => {
  const cells = encodeCells({ a: "x", n: 7, big: 2 ** 40, list: { p: "q", o: { q: "r", deep: { s: "" } } } });
  const twice = (text: Uint8Array) => concat([text, text]);
  const wanted = encodeCells({
    aa: "xx",
    nn: 7,
    bigbig: 2 ** 40,
    listlist: { pp: "qq", oo: { qq: "rr", deepdeep: { ss: "" } } },
  });
  assertEquals(mapCellTexts(cells, twice), wanted);
});

/** A request whose HDF text is these bytes. */
function hdfRequest(
  text: Uint8Array,
  plugin: Uint8Array | string = "echo",
  command = 1001,
  sync = true,
): Uint8Array {
  const body = textCell(text);
  if (typeof plugin === "string") return streamRequest({ plugin, command, sync, body });
  const stand = writeRequest({ id: 1, plugin: "x".repeat(plugin.length), command, sync, body }, true);
  stand.set(plugin, 16);
  return stand;
}

function textCell(text: Uint8Array): Uint8Array {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, text.length + 1);
  return concat([
    Uint8Array.from([0, 0, 0, 3, 0, 0, 0, 4]),
    utf8.encode("root"),
    size,
    text,
    new Uint8Array(5),
  ]);
}

/** The HDF text of a reply, as bytes. */
function hdfOf({ body }: Reply): Uint8Array {
  return body!.slice(16, -5);
}

const ORDERS = `export default {
  name: "订单",
  biz: 5,
  description: "",
  commands: {
    1001: { name: "say", run: (context) => ({ "名": context.params.string("名"), length: context.params.string("名").length }) },
    1002: { name: "emoji", run: () => ({ text: "ok 😀" }) },
    1003: { name: "fails", run: (context) => { throw context.fail(40, "中文 😀"); } },
    1004: { name: "twice", run: (context) => ({ text: context.params.string("a") + context.params.string("a") }) },
  },
};`;
const PLUGINS: TestServerOptions["plugins"] = [{ name: "订单", source: ORDERS }, { name: "echo" }];

Deno.test("a listener for GBK reads and answers it, names, keys and the plugin's own name too, over TCP, UDP and Unix sockets", async (t) => {
  for (const portableSockets of [false, true]) {
    await using server = await TestServer.start({
      server: { charset: "gbk" },
      plugins: PLUGINS,
      portableSockets,
    });
    const orders = bytesOf("订单", GBK);
    const said = bytesOf("中 = 中文€誠\nb{\n订 = x\n}\n", GBK);
    await t.step(`echo gives the bytes back (${portableSockets})`, async () => {
      for (const connect of [() => server.connect(), () => server.connectUnix()]) {
        using connection = await connect();
        await connection.send(hdfRequest(said));
        const reply = await connection.reply();
        assertEquals([reply.code, hdfOf(reply)], [1000, said]);
      }
      using socket = server.datagrams();
      await socket.send(hdfRequest(said).subarray(4));
      assertEquals(hdfOf(await socket.reply()), said);
    });
    await t.step(`a plugin sees characters (${portableSockets})`, async () => {
      using connection = await server.connect();
      const name = { ...GBK, 名: [0xc3, 0xfb] };
      await connection.send(hdfRequest(bytesOf("名 = 中文", name), orders));
      assertEquals(hdfOf(await connection.reply()), bytesOf('名 = 中文\nlength [type="102"]  = 2\n', name));
    });
    await t.step(`the cache is one for all charsets (${portableSockets})`, async () => {
      using connection = await server.connect();
      await connection.send(hdfRequest(bytesOf("cachekey = 中\ncacheval = 文\n", GBK), "echo", 101));
      assertEquals((await connection.reply()).code, 1000);
      // JSON is UTF-8 wherever it comes from.
      await connection.send(streamRequest({ command: 100, params: { cachekey: "中" } }));
      assertEquals(valueOf(await connection.reply()), { cacheval: "文" });
      await connection.send(hdfRequest(bytesOf("cachekey = 中", GBK), "echo", 100));
      assertEquals(hdfOf(await connection.reply()), bytesOf("cacheval = 文\n", GBK));
    });
    await t.step(
      `what GBK cannot say is 22 in a success and spelled in an error (${portableSockets})`,
      async () => {
        using connection = await server.connect();
        await connection.send(hdfRequest(new Uint8Array(0), orders, 1002));
        const refused = await connection.reply();
        assertEquals([refused.code, messageOf(refused)], [
          22,
          "the reply has the character U+1F600, which gbk has not",
        ]);
        await connection.send(hdfRequest(new Uint8Array(0), orders, 1003));
        const failed = await connection.reply();
        assertEquals(failed.code, 40);
        assertStringIncludes(latin(hdfOf(failed)), latin(bytesOf("errmsg = 中文 U+1F600", GBK)));
        await connection.send(streamRequest({ plugin: "nobody", params: {} }));
        assertEquals((await connection.reply()).code, 18);
      },
    );
    await t.step(
      `bytes that are no GBK are 17 with the line, for async requests too (${portableSockets})`,
      async () => {
        using connection = await server.connect();
        const before = server.stats().errors.broken;
        for (const sync of [true, false]) {
          await connection.send(
            hdfRequest(Uint8Array.from([97, 61, 49, 10, 98, 61, 0xb6, 10]), "echo", 1001, sync),
          );
          const reply = await connection.reply();
          assertEquals([reply.code, messageOf(reply)], [17, "line 2 of the text is not gbk"]);
        }
        await connection.send(hdfRequest(new Uint8Array(0), Uint8Array.from([0xff, 0xff]), 1001));
        assertEquals((await connection.reply()).code, 17);
        assertEquals(server.stats().errors.broken, before + 3);
      },
    );
  }
});

Deno.test("a byte order mark of UTF-8 is taken off ASCII; a text that it belongs to is not read as other characters", async () => {
  for (const charset of ["gbk", "latin1"] as const) {
    await using server = await TestServer.start({ server: { charset }, plugins: PLUGINS });
    using connection = await server.connect();
    await connection.send(hdfRequest(utf8.encode("\ufeffname = Ann\n")));
    assertEquals(hdfOf(await connection.reply()), utf8.encode("name = Ann\n"));
    await connection.send(hdfRequest(utf8.encode("\ufeffname = Zoë 中\n")));
    const reply = await connection.reply();
    assertEquals(reply.code, 17);
    assertStringIncludes(
      messageOf(reply),
      `the byte order mark of UTF-8, and this listener reads ${charset}`,
    );
  }
});

Deno.test("a listener for latin1 means what browsers mean by it, in HDF and cells", async () => {
  await using server = await TestServer.start({ server: { charset: "latin1" }, plugins: PLUGINS });
  using connection = await server.connect();
  const said = bytesOf("é = “Straße”€\n".replaceAll("”", "“"), LATIN1);
  await connection.send(hdfRequest(said));
  assertEquals(hdfOf(await connection.reply()), said);
  const cells = mapCellTexts(
    encodeCells({ é: "Straße €", list: ["ß"], n: 5 }),
    (text) => latin1.fromUtf8(text, "refuse"),
  );
  const body = concat([cells, new Uint8Array(4)]);
  await connection.send(streamRequest({ body }));
  assertEquals((await connection.reply()).body, body);
  await connection.send(
    streamRequest({ plugin: "订单", encoding: Encoding.Json, command: 1001, params: { 名: "é" } }),
  );
  // The plugin's name is latin1 here, whatever the body: these bytes spell another one.
  assertEquals((await connection.reply()).code, 18);
  await connection.send(streamRequest({ plugin: "5", command: 1001, params: { 名: "中" } }));
  assertEquals(valueOf(await connection.reply()), { 名: "中", length: 1 });
});

Deno.test("a text that grows in UTF-8 past what a message carries is answered, not lost", async () => {
  await using server = await TestServer.start({
    server: { charset: "latin1", max_frame: "8 KiB" },
    plugins: PLUGINS,
  });
  using connection = await server.connect();
  const longest = 8192 - 4 - 12 - 4 - 16 - 1 - 4 - "a = \n".length;
  const text = concat([utf8.encode("a = "), new Uint8Array(longest).fill(0xe9), utf8.encode("\n")]);
  await connection.send(hdfRequest(text));
  const reply = await connection.reply();
  assertEquals([reply.code, messageOf(reply)], [
    17,
    "the message has 16334 bytes in UTF-8, max_frame allows 8188: send less, or raise it",
  ]);
  const fits = text.slice(0, 4000);
  await connection.send(hdfRequest(concat([fits, utf8.encode("\n")])));
  assertEquals((await connection.reply()).code, 1000);
});

Deno.test("a reload changes the charset for connections that come, and for UDP", async () => {
  await using server = await TestServer.start();
  const { changed } = await server.reload({ server: { charset: "gbk" } });
  assertEquals(
    changed.map((each) => each.replace(/^listener \w+ \S+: /, "")),
    Array(3).fill("charset utf-8 -> gbk"),
  );
  using connection = await server.connect();
  const said = bytesOf("a = 中文\n", GBK);
  await connection.send(hdfRequest(said));
  assertEquals(hdfOf(await connection.reply()), said);
  using socket = server.datagrams();
  await socket.send(hdfRequest(said).subarray(4));
  assertEquals(hdfOf(await socket.reply()), said);
});

/** Bytes as a text to look for others in. */
function latin(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

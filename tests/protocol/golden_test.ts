import { assert, assertEquals } from "@std/assert";
import { BodyView, decodeBody, Encoding } from "../../src/protocol/body.ts";
import { readReply, type Reply } from "../../src/protocol/reply.ts";
import { MAX_REQUEST_ID } from "../../src/protocol/request.ts";
import { concat, cut, fromHex, singles, toHex } from "../support/bytes.ts";
import { datagramRequest, streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

interface Exchange {
  readonly name: string;
  readonly transport: "tcp" | "udp";
  readonly request_hex: string;
  readonly segments_hex?: readonly string[];
  readonly reply_hex: string | null;
  readonly expect: "same" | "code" | "shape" | "set" | "differs";
  readonly want_code?: number | readonly number[];
  readonly connection_after?: "open" | "closed";
  readonly why: string;
}

const EXCHANGES: readonly Exchange[] = JSON.parse(
  await Deno.readTextFile(new URL("../golden/exchanges.json", import.meta.url)),
);
/** The request that is sent after each exchange has an id that none of them has. */
const PROBE_ID = 0x0abcdef1;
const PREFIX_BYTES = 4;

type Cutter = (bytes: Uint8Array) => Uint8Array[][];

const WAYS: readonly [string, Cutter][] = [
  ["whole", (bytes) => [[bytes]]],
  ["split in two", splitInTwo],
  ["byte by byte", (bytes) => [singles(bytes)]],
];

for (const [way, cutter] of WAYS) {
  Deno.test(`every recorded exchange is answered as it is to be, sent ${way}`, async (t) => {
    await using server = await startServer();
    for (const exchange of EXCHANGES) {
      await t.step(`${exchange.transport}: ${exchange.name}`, async () => {
        if (exchange.transport === "udp") return await replayDatagram(server, exchange);
        const recorded = exchange.segments_hex?.map(fromHex);
        const sendings = recorded === undefined ? cutter(fromHex(exchange.request_hex)) : [recorded];
        for (const segments of sendings) await replayStream(server, exchange, segments);
      });
    }
  });
}

Deno.test("every recorded TCP exchange is answered the same over a Unix socket", async (t) => {
  await using server = await startServer();
  for (const exchange of EXCHANGES.filter(({ transport }) => transport === "tcp")) {
    await t.step(
      exchange.name,
      () => replayStream(server, exchange, [fromHex(exchange.request_hex)], "unix"),
    );
  }
});

Deno.test("all recorded requests of connections that stay open are answered in one stream", async () => {
  await using server = await startServer();
  using connection = await server.connect();
  const asked = EXCHANGES.filter(({ transport, connection_after, expect, name }) =>
    transport === "tcp" && connection_after !== "closed" && expect === "same" && !name.includes("cache")
  );
  await connection.send(
    ...cut(concat(asked.map(({ request_hex }) => fromHex(request_hex))), 1000, 3001, 70_003),
  );
  const wanted = asked.flatMap(({ reply_hex }) =>
    reply_hex === null ? [] : streamFrames(fromHex(reply_hex)).map(toHex)
  );
  assertEquals((await connection.frames(wanted.length)).map(toHex), wanted);
});

function startServer(): Promise<TestServer> {
  return TestServer.start({
    server: { async_reply: false },
    plugins: [{ name: "skeleton" }, { name: "echo" }],
  });
}

/** In the prefix, between prefix and header, in the header, before and in the body, before the last byte. */
function splitInTwo(bytes: Uint8Array): Uint8Array[][] {
  return [2, 4, 9, 17, 31, bytes.length - 1].filter((at) => at > 0 && at < bytes.length).map((at) =>
    cut(bytes, at)
  );
}

async function replayStream(
  server: TestServer,
  exchange: Exchange,
  segments: Uint8Array[],
  transport: "tcp" | "unix" = "tcp",
): Promise<void> {
  using connection = await (transport === "tcp" ? server.connect() : server.connectUnix());
  const closes = exchange.connection_after === "closed";
  try {
    await connection.send(...segments);
  } catch (error) {
    // Where the length is illegal the server closes before the last of many segments.
    if (!closes) throw error;
  }
  const replies: Uint8Array[] = [];
  if (closes) {
    for (let frame = await connection.frame(); frame !== null; frame = await connection.frame()) {
      replies.push(frame);
    }
  } else {
    replies.push(...await connection.frames(wantedReplies(exchange)));
    await connection.send(streamRequest({ id: PROBE_ID }));
    assertEquals((await connection.reply()).id, PROBE_ID, "something more came than was to come");
  }
  compare(exchange, replies, PREFIX_BYTES);
}

async function replayDatagram(server: TestServer, exchange: Exchange): Promise<void> {
  using socket = server.datagrams();
  await socket.send(fromHex(exchange.request_hex));
  const replies: Uint8Array[] = [];
  while (replies.length < wantedReplies(exchange)) replies.push(await socket.datagram());
  await socket.send(datagramRequest({ id: PROBE_ID }));
  assertEquals((await socket.reply()).id, PROBE_ID, "something more came than was to come");
  compare(exchange, replies, 0);
}

function wantedReplies({ reply_hex, transport, expect, want_code }: Exchange): number {
  if (expect === "differs") return typeof want_code === "object" ? want_code.length : 1;
  if (reply_hex === null) return 0;
  return transport === "udp" ? 1 : streamFrames(fromHex(reply_hex)).length;
}

function compare(exchange: Exchange, replies: readonly Uint8Array[], prefix: number): void {
  const got = replies.map((reply) => readReply(reply.subarray(prefix)));
  const theirs = recordedReplies(exchange, prefix);
  switch (exchange.expect) {
    case "same":
      return assertEquals(replies.map(toHex).join(""), exchange.reply_hex ?? "");
    case "set":
      assertEquals(replies.map(toHex).toSorted(), theirs.map(toHex).toSorted());
      return assertEquals(got.map(({ id }) => id), answeredIds(exchange, got));
    case "shape": {
      const [own, recorded] = [got[0]!, readReply(theirs[0]!.subarray(prefix))];
      assertEquals([own.id, own.code], [recorded.id, recorded.code]);
      return assertEquals(keysOf(own), keysOf(recorded));
    }
    case "code": {
      const recorded = theirs.map((reply) => readReply(reply.subarray(prefix)));
      const hasGarbageId = exchange.why.includes("the C reply carries");
      const ids = hasGarbageId ? requestIds(exchange) : recorded.map(({ id }) => id);
      assertEquals(
        got.map(({ id, code }) => [id, code]),
        recorded.map(({ code }, index) => [ids[index]!, code]),
      );
      if (exchange.why.includes("terminator")) {
        assertEquals(got.map(({ body }) => decodeBody(body)), recorded.map(({ body }) => decodeBody(body)));
      }
      return;
    }
    case "differs": {
      const wanted = [exchange.want_code ?? []].flat();
      assert(wanted.length > 0, "the exchange says no want_code");
      assertEquals(got.map(({ code }) => code), wanted);
      // What comes after the request that closes the connection is not answered.
      assertEquals(got.map(({ id }) => id), requestIds(exchange).slice(0, wanted.length));
      if (exchange.why.includes("the reply is in cells")) assertEquals(encodingOf(got[0]!), Encoding.Cells);
      return;
    }
  }
}

function recordedReplies({ reply_hex }: Exchange, prefix: number): Uint8Array[] {
  if (reply_hex === null) return [];
  return prefix === 0 ? [fromHex(reply_hex)] : streamFrames(fromHex(reply_hex));
}

function streamFrames(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 0; at < bytes.length;) {
    const total = view.getUint32(at);
    frames.push(bytes.subarray(at, at + total));
    at += total;
  }
  return frames;
}

/** The ids of an exchange's requests, in order; 0 where its four bytes did not come. */
function requestIds({ request_hex, transport }: Exchange): number[] {
  const bytes = fromHex(request_hex);
  const messages = transport === "udp"
    ? [bytes]
    : streamFrames(bytes).map((frame) => frame.subarray(PREFIX_BYTES));
  return messages.map((message) =>
    message.length < 4 ? 0 : new DataView(message.buffer, message.byteOffset).getUint32(0) & MAX_REQUEST_ID
  );
}

/** The ids of the requests that are answered, in the order of the requests. */
function answeredIds(exchange: Exchange, replies: readonly Reply[]): number[] {
  const answered = new Set(replies.map(({ id }) => id));
  return requestIds(exchange).filter((id) => answered.has(id));
}

function keysOf({ body }: Reply): string[] {
  const value = decodeBody(body);
  assert(typeof value === "object" && value !== null, "the reply carries no object");
  return Object.keys(value);
}

function encodingOf({ body }: Reply): Encoding {
  assert(body !== null, "the reply has no body");
  const view = new BodyView();
  view.locate(body, 0, body.length);
  return view.encoding;
}

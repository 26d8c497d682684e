import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { encodeBody, Encoding } from "../../src/protocol/body.ts";
import { writeRequest } from "../../src/protocol/request.ts";
import { OwnAddresses } from "../../src/net/own_addresses.ts";
import { concat } from "../support/bytes.ts";
import type { RawDatagrams } from "../support/raw_datagrams.ts";
import { datagramRequest, messageOf, type RequestOptions, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

const LARGE = `export default {
  name: "large",
  biz: 9,
  description: "",
  commands: {
    1001: { name: "own", run: () => ({ text: "x".repeat(20_000) }) },
    1002: { name: "fails", run: (context) => { throw context.fail(40, "y".repeat(500)); } },
    1003: { name: "bare", run: () => undefined },
  },
};`;
const PLUGINS = [
  { name: "large", source: LARGE, dedup: { window: 60_000, maxKeys: 10, maxBytes: 1_000_000 } },
  { name: "echo" },
];

/** A request of each kind that could bring more than it asks with: the shortest one. */
const KINDS: readonly RequestOptions[] = [
  { plugin: "Reserve.Stats", command: 1000 },
  { plugin: "large", command: 1000 },
  { plugin: "large", command: 1001 },
  { plugin: "large", command: 1001, params: { mevent: { key: "a" } } },
  { plugin: "large", command: 1001, params: { mevent: { key: "a" } } },
  { plugin: "large", command: 1002 },
  { plugin: "large", command: 1003 },
  { plugin: "large", command: 1003, sync: false },
  { plugin: "large", command: 100, params: { cachekey: "k" } },
  { plugin: "large", command: 100, params: { cachekey: "none" } },
  { plugin: "large", command: 100 },
  { plugin: "large", command: 777 },
  { plugin: "large", command: 2000 },
  { plugin: "nobody", command: 1001 },
  { plugin: "", command: 1001 },
  { plugin: "echo", command: 1001, params: { a: 1 } },
];

function requestsOf(kind: RequestOptions): Uint8Array[] {
  const encodings = [Encoding.Hdf, Encoding.Json, Encoding.Cells];
  return [
    ...encodings.map((encoding) => datagramRequest({ ...kind, encoding })),
    // No body, or none that can be read.
    datagramRequest({ ...kind, body: new Uint8Array(4) }),
    datagramRequest({ ...kind, body: new Uint8Array([0, 0, 0, 9, 1]) }),
    datagramRequest({ ...kind, body: encodeBody(Encoding.Json, {}).subarray(0, 12) }),
  ];
}

async function ask(socket: RawDatagrams, request: Uint8Array): Promise<Uint8Array> {
  await socket.send(request);
  return await socket.datagram();
}

for (const portableSockets of [false, true]) {
  const sockets = portableSockets ? "Deno's own sockets" : "epoll";

  Deno.test(`no reply by UDP has more than three times the bytes of its request, whatever was asked (${sockets})`, async () => {
    const ratios = { udp_loopback_ratio: 3 };
    await using server = await TestServer.start({ portableSockets, server: ratios, plugins: PLUGINS });
    using socket = server.datagrams();
    const cacheval = "v".repeat(30_000);
    assertEquals(
      (await ask(
        socket,
        datagramRequest({ plugin: "large", command: 101, params: { cachekey: "k", cacheval } }),
      )).length,
      8,
    );
    for (const request of KINDS.flatMap(requestsOf).concat(new Uint8Array([16, 0, 0, 1, 0, 0, 0, 0]))) {
      const reply = await ask(socket, request);
      assertLessOrEqual(reply.length, 3 * request.length, new TextDecoder().decode(request));
    }
    assert(server.stats().limits.udp_reply_ratio! > 10);
  });

  Deno.test(`what may be a reply, or says that it is from the server itself, is dropped and counted (${sockets})`, async () => {
    await using server = await TestServer.start({ portableSockets });
    using socket = server.datagrams();
    const { port } = server.udp;
    const reply = await ask(socket, datagramRequest({ plugin: "nobody" }));
    const request = datagramRequest({ id: 7 });
    const replyLike = concat([new Uint8Array([0]), request.subarray(1)]);
    await socket.send(reply, replyLike, new Uint8Array(17), new Uint8Array(40));
    // Another socket of this machine with the server's own port: nobody but a server has that.
    const other = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.2", port });
    await other.send(datagramRequest({ id: 8 }), server.udp);
    other.close();
    assertEquals(
      valueOf(
        await (await socket.send(datagramRequest({ id: 9, params: { still: "here" } })), socket.reply()),
      ),
      { still: "here" },
    );
    await server.until("all are counted", () => server.stats().limits.udp_loops === 5);
    assertEquals([server.stats().messages.udp, server.plugin("echo").accepted], [2, 1]);
  });
}

Deno.test("over UDP what the server tells of itself comes whole where the request was padded, and says so where it was not", async () => {
  await using server = await TestServer.start({ plugins: PLUGINS });
  using socket = server.datagrams();
  for (const plugin of ["Reserve.Stats", "large"]) {
    const request = datagramRequest({ plugin, command: 1000 });
    for (const [pad, code] of [[0, 22], [300, 22], [20_000, 1000]] as const) {
      await socket.send(concat([request, new Uint8Array(pad)]));
      const reply = await socket.reply();
      assertEquals(reply.code, plugin === "large" && pad === 300 ? 1000 : code);
      if (plugin === "Reserve.Stats" && pad === 300) {
        assertEquals(
          messageOf(reply).replace(/\d+/g, "N"),
          "the reply has N bytes, over UDP a request of N gets N: pad it, or ask over TCP",
        );
      }
    }
  }
});

Deno.test("results of plugins and values of their caches reach callers on loopback whole, unless the config bounds them", async () => {
  await using server = await TestServer.start({ plugins: PLUGINS });
  using socket = server.datagrams();
  const params = { cachekey: "k", cacheval: "v".repeat(1000) };
  await socket.send(datagramRequest({ plugin: "large", command: 101, params }));
  assertEquals((await socket.reply()).code, 1000);
  const kinds = [
    { plugin: "large", command: 1001, params: {} },
    { plugin: "large", command: 100, params: { cachekey: "k" } },
  ];
  const codes = async () => {
    const all = [];
    for (const kind of kinds) {
      await socket.send(datagramRequest(kind));
      all.push((await socket.reply()).code);
    }
    return all;
  };
  assertEquals(await codes(), [1000, 1000]);
  await server.reload({ plugins: PLUGINS, server: { udp_loopback_ratio: 10 } });
  assertEquals(await codes(), [22, 22]);
});

Deno.test("an address gets so many error replies by UDP in a second, whatever they are; all further ones are counted", async () => {
  await using server = await TestServer.start({ server: { max_udp_errors: 5 } });
  using socket = server.datagrams();
  const wrong = [
    datagramRequest({ plugin: "nobody" }),
    datagramRequest({ command: 5000 }),
    datagramRequest({ command: 100 }),
    datagramRequest({ body: new Uint8Array([0, 0, 0, 9]) }),
    new Uint8Array([0x20, ...datagramRequest().subarray(1)]),
    new Uint8Array([16, 0, 0, 1, 0, 0, 0, 0]),
  ];
  const count = 10 * wrong.length;
  const begun = performance.now();
  for (let i = 0; i < 10; i++) await socket.send(...wrong);
  await socket.send(datagramRequest({ id: 99 }));
  let errors = 0;
  for (let reply = await socket.reply(); reply.code < 1000; reply = await socket.reply()) errors++;
  const { max_udp_errors } = server.stats().limits;
  assertEquals(errors + max_udp_errors!, count);
  // Seconds may have begun meanwhile.
  assert(errors >= 5, `${errors} errors`);
  assertLessOrEqual(errors, 5 * (2 + (performance.now() - begun) / 1000));
  // What it asks right is answered all the same.
  await socket.send(...Array.from({ length: 100 }, () => datagramRequest()));
  for (let i = 0; i < 100; i++) assertEquals((await socket.reply()).code, 1000);
});

Deno.test("Reserve.Status by UDP is larger than other replies may be, so an address gets a hundred in a second", async () => {
  await using server = await TestServer.start();
  using socket = server.datagrams();
  const request = datagramRequest({
    plugin: "Reserve.Status",
    encoding: Encoding.Hdf,
    body: new Uint8Array(4),
  });
  const begun = performance.now();
  for (let i = 0; i < 50; i++) await socket.send(...Array.from({ length: 10 }, () => request));
  await socket.send(datagramRequest({ id: 99 }));
  let answered = 0;
  for (let reply = await socket.reply(); reply.id !== 99; reply = await socket.reply()) answered++;
  assertEquals(answered + server.stats().limits.udp_status!, 500);
  assert(answered >= 100, `${answered} were answered`);
  assertLessOrEqual(answered, 100 * (2 + (performance.now() - begun) / 1000));
  // Padded it is no larger than others.
  await socket.send(...Array.from({ length: 200 }, () => concat([request, new Uint8Array(200)])));
  for (let i = 0; i < 200; i++) assertEquals((await socket.reply()).code, 1000);
});

Deno.test("a request by UDP whose reply goes to an address of old clients is a status of 6.5 times at most", async () => {
  await using server = await TestServer.start();
  using socket = server.datagrams();
  const request = writeRequest({
    id: 1,
    command: 1,
    sync: true,
    plugin: "Reserve.Status",
    body: new Uint8Array(4),
  }, false);
  assertLessOrEqual((await ask(socket, request)).length / request.length, 6.5);
});

Deno.test("addresses of this machine are told from others, however they are written", () => {
  const own = new OwnAddresses(() => 0, () => ["192.0.2.7", "fe80::1", "2001:db8::5"]);
  const ownHosts = ["127.0.0.1", "127.9.9.9", "::1", "0:0:0:0:0:0:0:1", "0.0.0.0", "::", "192.0.2.7"];
  ownHosts.push("::ffff:192.0.2.7", "fe80:0:0:0:0:0:0:1", "2001:db8:0:0:0:0:0:5");
  for (const host of ownHosts) assertEquals(own.has(host), true, host);
  for (const host of ["192.0.2.8", "128.0.0.1", "::2", "2001:db8::6"]) {
    assertEquals(own.has(host), false, host);
  }
});

Deno.test("two servers do not answer each other's replies, however they are made to talk", async () => {
  await using first = await TestServer.start();
  await using second = await TestServer.start();
  // A relay that gives each what the other said, as a forged sender would.
  const relay = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const seen: number[] = [];
  const passing = (async () => {
    for (;;) {
      const [bytes, from] = await relay.receive();
      const isFirst = (from as Deno.NetAddr).port === first.udp.port;
      seen.push(bytes.length);
      await relay.send(bytes, isFirst ? second.udp : first.udp);
    }
  })().catch(() => {});
  await relay.send(datagramRequest({ plugin: "nobody" }), first.udp);
  await relay.send(new Uint8Array([16, 0, 0, 1, 0, 0, 0, 0]), first.udp);
  await until("the second has dropped both replies", () => second.stats().limits.udp_loops === 2);
  relay.close();
  await passing;
  assertEquals(seen.length, 2);
});

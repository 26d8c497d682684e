import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { AuthError, ConnectError, ConnectionLostError } from "../../src/client/mod.ts";
import { TestCertificates } from "../support/certificates.ts";
import { ordersOf, ordersServer, tcp } from "../support/orders_client.ts";
import { testToken } from "../support/tokens.ts";
import { until } from "../support/until.ts";

Deno.test("a token is shown first on every connection, and a refused one is an AuthError", async () => {
  const shop = testToken("shop", ["call:orders"]);
  const file = { token: [shop.table] };
  let server = await ordersServer({ server: { auth: "token", udp: "" }, file });
  const { port } = server.tcp;
  try {
    let asked = 0;
    const token = () => {
      asked++;
      return Promise.resolve(shop.token);
    };
    await using client = ordersOf(tcp(server), { token, connections: 2, minBackoffMs: 5, maxBackoffMs: 20 });
    await Promise.all(Array.from({ length: 50 }, (_, n) => client.call(1004, { ms: n % 3 })));
    assertEquals(asked, server.stats().connections.open);
    await assertRejects(() => client.enqueue(1006), AuthError, "shop");
    await server[Symbol.asyncDispose]();
    server = await ordersServer({ server: { tcp: `127.0.0.1:${port}`, auth: "token", udp: "" }, file });
    const before = asked;
    await until("it is back", () =>
      client.call(1006).then(() => true, (error) => {
        assertInstanceOf(error, ConnectionLostError);
        return false;
      }));
    assert(asked > before);

    await using stranger = ordersOf(tcp(server), {
      token: `${shop.token.slice(0, -4)}AAAA`,
      minBackoffMs: 1,
    });
    const error = await assertRejects(() => stranger.call(1006), AuthError, "the login at tcp 127.0.0.1");
    assertEquals(error.code, 13);
    await using nobody = ordersOf(tcp(server));
    await assertRejects(() => nobody.call(1006), AuthError);
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

Deno.test("TLS: a server is trusted by its authority, and shown the client's own certificate", async () => {
  await using certificates = await TestCertificates.make();
  const mine = await certificates.client({ subject: "/CN=shop" });
  const paths = await certificates.server();
  await using server = await ordersServer({
    server: { udp: "", tls: { ...paths, client_ca: certificates.ca } },
  });
  const address = `tls://127.0.0.1:${server.tcp.port}`;
  const [ca = ""] = await certificates.trusted();
  const own = { cert: await Deno.readTextFile(mine.cert), key: await Deno.readTextFile(mine.key) };
  await using client = ordersOf(address, { tls: { ca, ...own } });
  assertEquals(await client.call(1001, { uid: 1 }), { order: "order-1", note: "" });
  const calls = Array.from({ length: 100 }, (_, n) => client.call(1007, { n, text: "x".repeat(n * 100) }));
  assertEquals((await Promise.all(calls)).map(({ n }) => n), Array.from({ length: 100 }, (_, n) => n));

  await using distrustful = ordersOf(address, { tls: own, timeoutMs: 1000 });
  await assertRejects(() => distrustful.call(1006), ConnectError, "certificate");
  // In TLS 1.3 the server refuses after the client's handshake is over.
  await using unknown = ordersOf(address, { tls: { ca }, timeoutMs: 1000 });
  const error = await assertRejects(() => unknown.call(1006));
  assert(error instanceof ConnectError || error instanceof ConnectionLostError, String(error));

  // One that never speaks TLS.
  await using plain = await ordersServer({ server: { udp: "" } });
  await using mistaken = ordersOf(`tls://127.0.0.1:${plain.tcp.port}`, { tls: { ca }, timeoutMs: 300 });
  await assertRejects(() => mistaken.call(1006), ConnectError);
});

Deno.test("TLS: the protocol is named in the handshake, with a certificate of the client's own and without", async () => {
  await using certificates = await TestCertificates.make();
  const pem = async ({ cert, key }: { readonly cert: string; readonly key: string }) => ({
    cert: await Deno.readTextFile(cert),
    key: await Deno.readTextFile(key),
  });
  const own = await pem(await certificates.client({ subject: "/CN=shop" }));
  const [ca = ""] = await certificates.trusted();
  using listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    alpnProtocols: ["another/1", "mevent/1"],
    ...await pem(await certificates.server()),
  });
  for (const tls of [{ ca }, { ca, ...own }]) {
    await using client = ordersOf(`tls://127.0.0.1:${listener.addr.port}`, { tls });
    const lost = assertRejects(() => client.call(1006), ConnectionLostError);
    using conn = await listener.accept();
    assertEquals((await conn.handshake()).alpnProtocol, "mevent/1");
    // The request has come: what is closed then is a connection.
    assert(await conn.read(new Uint8Array(100)) !== null);
    conn.close();
    await lost;
  }
});

Deno.test("TLS: a server reached by another name is asked for the one that its certificate has", async () => {
  await using certificates = await TestCertificates.make();
  const paths = await certificates.server({ names: "DNS:mevent.example" });
  await using server = await ordersServer({ server: { udp: "", tls: paths } });
  const servers = `tls://127.0.0.1:${server.tcp.port}`;
  const [ca = ""] = await certificates.trusted();
  await using client = ordersOf(servers, { tls: { ca, serverName: "mevent.example" } });
  assertEquals(await client.call(1001, { uid: 1 }), { order: "order-1", note: "" });
  for (const name of [{}, { serverName: "other.example" }]) {
    await using other = ordersOf(servers, { tls: { ca, ...name }, timeoutMs: 1000 });
    await assertRejects(() => other.call(1006), ConnectError, "certificate");
  }
});

Deno.test("a handshake that nobody answers ends in time", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  await using client = ordersOf(`tls://127.0.0.1:${listener.addr.port}`, { timeoutMs: 100 });
  // Its own time is over, or that of the try to connect: both at once.
  await assertRejects(
    () => client.call(1006),
    ConnectError,
    `cannot reach tls 127.0.0.1:${listener.addr.port}`,
  );
  await client.close();
  (await accepted).close();
});

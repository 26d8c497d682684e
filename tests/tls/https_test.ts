import { assert, assertEquals, assertRejects } from "@std/assert";
import { TestCertificates } from "../support/certificates.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { connectTls } from "../support/tls_caller.ts";

/** A body of many records. */
const LARGE = 1024 * 1024;

/** What the server sends until it closes; throws where it resets. */
async function answerTo(socket: Deno.Conn, text: string): Promise<string> {
  await socket.write(new TextEncoder().encode(text));
  let answer = "";
  for await (const part of socket.readable.pipeThrough(new TextDecoderStream())) answer += part;
  return answer;
}

Deno.test("HTTP over TLS", async (t) => {
  await using certificates = await TestCertificates.make();
  const caCerts = await certificates.trusted();
  const pair = await certificates.server();
  const settings = { http: "127.0.0.1:0", tls: pair, max_frame: "4 MiB" };
  await using server = await TestServer.start({ server: settings });
  const address = server.http;
  const url = `https://127.0.0.1:${address.port}`;
  const post = async (client: Deno.HttpClient, params: object) => {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify(params);
    const response = await fetch(`${url}/v1/echo/1001`, { method: "POST", headers, body, client });
    return { status: response.status, value: await response.json() };
  };

  await t.step(
    "gives results, short ones and those of many records, over a connection that is kept",
    async () => {
      using client = Deno.createHttpClient({ caCerts });
      for (const text of ["", "grüß dich", "x".repeat(LARGE), "y"]) {
        assertEquals(await post(client, { text }), { status: 200, value: { text } });
      }
      assertEquals(server.stats().tls.handshakes, 1);
      assertEquals(server.stats().tls.open, 1);
    },
  );

  await t.step("is called http/1.1 in ALPN, and mevent's own protocol is not spoken there", async () => {
    using caller = await connectTls(address, { caCerts, alpnProtocols: ["h2", "http/1.1"] });
    assertEquals((await (caller.socket as Deno.TlsConn).handshake()).alpnProtocol, "http/1.1");
    await assertRejects(() => connectTls(address, { caCerts, alpnProtocols: ["mevent/1"] }));
  });

  await t.step("ends a connection with its last response, not with a reset", async () => {
    using caller = await connectTls(address, { caCerts });
    const answer = await answerTo(
      caller.socket,
      "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert(answer.startsWith("HTTP/1.1 "), answer);
  });

  await t.step("gives a plain caller no response, and closes", async () => {
    using socket = await Deno.connect({ hostname: "127.0.0.1", port: address.port });
    const answer = await answerTo(socket, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assertEquals(answer.includes("HTTP"), false);
    await server.until("the log says why", () => server.log.some((line) => line.includes("http request")));
  });

  await t.step("takes another certificate for those who come, and keeps who is there", async () => {
    using client = Deno.createHttpClient({ caCerts });
    assertEquals((await post(client, { uid: 1 })).status, 200);
    const { handshakes } = server.stats().tls;
    await server.reload({ server: { ...settings, tls: await certificates.server() } });
    assertEquals((await post(client, { uid: 2 })).value, { uid: 2 });
    assertEquals(server.stats().tls.handshakes, handshakes);
    using another = Deno.createHttpClient({ caCerts });
    assertEquals((await post(another, { uid: 3 })).value, { uid: 3 });
  });

  await t.step("a caller with TLS on a plain listener for HTTP is closed", async () => {
    await using plain = await TestServer.start({ server: { http: "127.0.0.1:0" } });
    await assertRejects(() => connectTls(plain.http, { caCerts }));
    await plain.until("nobody is left", () => plain.stats().connections.open === 0);
  });
});

Deno.test("a certificate's subject has the rights of its table, over mevent's own protocol and over HTTP", async (t) => {
  await using certificates = await TestCertificates.make();
  const caCerts = await certificates.trusted();
  const tls = { ...await certificates.server(), client_ca: certificates.ca };
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0", udp: "", unix: "", tls, auth: "certificate" },
    file: {
      certificate: [
        { subject: "CN=shop,O=Example", rights: ["call:echo"] },
        { subject: "CN=looker", rights: ["stats"] },
      ],
    },
  });
  const address = server.http;
  const rows = [
    ["/O=Example/CN=shop", 1000, 200],
    ["/CN=looker", 13, 403],
    ["/CN=stranger", 13, 403],
  ] as const;
  for (const [subject, code, status] of rows) {
    await t.step(subject, async () => {
      const { cert, key } = await certificates.client({ subject });
      const own = { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) };
      using caller = await connectTls(server.tcp, { caCerts, ...own });
      await caller.send(streamRequest({ params: { uid: 1 } }));
      const reply = await caller.reply();
      assertEquals(reply.code, code, JSON.stringify(valueOf(reply)));
      using client = Deno.createHttpClient({ caCerts, ...own });
      const response = await fetch(`https://127.0.0.1:${address.port}/v1/echo/1001`, {
        method: "POST",
        client,
      });
      assertEquals(response.status, status, await response.text());
    });
  }
});

import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestCertificates } from "../support/certificates.ts";
import { messageOf, streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { connectTls } from "../support/tls_caller.ts";

Deno.test("who shows a certificate may do what its subject may, over the wire and over HTTP, and a reload changes that", async () => {
  await using certificates = await TestCertificates.make();
  const tls = { ...await certificates.server(), client_ca: certificates.ca };
  const server = { tls, udp: "", unix: "", http: "127.0.0.1:0", auth: "certificate" };
  const shop = { subject: "CN=shop,O=Example", rights: ["call:echo"] };
  await using running = await TestServer.start({ server, file: { certificate: [shop] } });
  const caCerts = await certificates.trusted();
  const own = async (subject: string) => {
    const { cert, key } = await certificates.client({ subject });
    return { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) };
  };
  const [known, unknown] = [await own("/O=Example/CN=shop"), await own("/CN=nobody")];

  using caller = await connectTls(running.tcp, { caCerts, ...known });
  const codes: number[] = [];
  for (const request of [{}, { sync: false }, { plugin: "Reserve.Stats" }]) {
    await caller.send(streamRequest(request));
    codes.push((await caller.reply()).code);
  }
  assertEquals(codes, [1000, 13, 13]);

  using stranger = await connectTls(running.tcp, { caCerts, ...unknown });
  await stranger.send(streamRequest());
  const reply = await stranger.reply();
  assertEquals(reply.code, 13);
  assertStringIncludes(messageOf(reply), 'no [[certificate]] has the subject "CN=nobody"');
  assertEquals(await stranger.frame(), null);

  const { port } = running.http;
  for (const [{ cert, key }, status] of [[known, 200], [unknown, 403]] as const) {
    using client = Deno.createHttpClient({ caCerts, cert, key, http2: false });
    const response = await fetch(`https://localhost:${port}/v1/echo/1001`, { method: "POST", client });
    await response.body?.cancel();
    assertEquals(response.status, status);
  }

  await running.reload({ server, file: { certificate: [{ ...shop, rights: ["stats"] }] } });
  await caller.send(streamRequest());
  assertEquals((await caller.reply()).code, 13);
  const { changed } = await running.reload({ server, file: { certificate: [] } });
  assertEquals(changed, ["certificate CN=shop,O=Example removed"]);
  assertEquals(await caller.frame(), null);
});

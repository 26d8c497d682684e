import { assertEquals } from "@std/assert";
import { TestCertificates } from "../support/certificates.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

Deno.test("over TLS a caller is served like over plain TCP", async () => {
  await using certificates = await TestCertificates.make();
  const { cert, key } = await certificates.server();
  await using server = await TestServer.start({ server: { tls: { cert, key } } });
  const caCerts = await certificates.trusted();
  const { hostname, port } = server.tcp;
  using caller = new RawConnection(await Deno.connectTls({ hostname, port, caCerts }));
  await caller.send(streamRequest({ params: { uid: 1 } }));
  assertEquals(valueOf(await caller.reply()), { uid: 1 });
  const { open, handshakes, failed } = server.stats().tls;
  assertEquals({ open, handshakes, failed }, { open: 1, handshakes: 1, failed: 0 });
});

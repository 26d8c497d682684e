import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { TestCertificates } from "../support/certificates.ts";
import type { RawConnection } from "../support/raw_connection.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { connectTls } from "../support/tls_caller.ts";
import { until } from "../support/until.ts";

/** Requests of one write: in records of 16 KB. */
const BURST = 2000;
/** A message of many records. */
const LARGE = 1024 * 1024;
/** The type of a record, which some OpenSSL send here. */
const ALERT = 21;

function linesOf(server: TestServer, text: string): string[] {
  return server.log.filter((line) => line.includes(text));
}

/** What comes until the server closes; throws where it resets. */
async function rest(socket: Deno.Conn): Promise<Uint8Array> {
  const chunks: number[] = [];
  const buffer = new Uint8Array(4096);
  for (let count = await socket.read(buffer); count !== null; count = await socket.read(buffer)) {
    chunks.push(...buffer.subarray(0, count));
  }
  return Uint8Array.from(chunks);
}

Deno.test("over TLS a caller is served like over plain TCP", async (t) => {
  await using certificates = await TestCertificates.make();
  const caCerts = await certificates.trusted();
  const settings = { tls: await certificates.server(), max_frame: "4 MiB", max_in_flight: 100_000 };
  await using server = await TestServer.start({ server: settings });
  const tls = () => {
    const { open, handshakes, failed } = server.stats().tls;
    return { open, handshakes, failed };
  };

  await t.step("it asks and is answered, and is counted while it is there", async () => {
    using caller = await connectTls(server.tcp, { caCerts, alpnProtocols: ["mevent/1"] });
    await caller.send(streamRequest({ params: { uid: 1 } }));
    assertEquals(valueOf(await caller.reply()), { uid: 1 });
    assertEquals((await (caller.socket as Deno.TlsConn).handshake()).alpnProtocol, "mevent/1");
    assertEquals(tls(), { open: 1, handshakes: 1, failed: 0 });
    const [certificate, ...others] = server.stats().tls.certificates;
    assertEquals([certificate?.listener, others], [`tcp 127.0.0.1:${server.tcp.port}`, []]);
    const days = certificate!.expires_in_seconds! / 86_400;
    assert(days > 29.9 && days <= 30, `it expires in ${days} days`);
    caller.close();
    await server.until("it is closed", () => tls().open === 0);
  });

  await t.step("messages that share records, and one of many records, arrive whole", async () => {
    using caller = await connectTls(server.tcp, { caCerts });
    const burst = Array.from({ length: BURST }, (_, id) => streamRequest({ id, params: { id } }));
    await caller.send(Uint8Array.from(burst.flatMap((each) => [...each])));
    const replies = await caller.replies(BURST);
    assertEquals(replies.map(valueOf), Array.from({ length: BURST }, (_, id) => ({ id })));
    await caller.send(streamRequest({ params: { text: "é".repeat(LARGE) } }));
    assertEquals(valueOf(await caller.reply()), { text: "é".repeat(LARGE) });
  });

  await t.step("one that sends no more gets what it is owed, and then the end", async () => {
    using caller = await connectTls(server.tcp, { caCerts });
    await caller.send(streamRequest({ command: 1003, params: { ms: 30 } }));
    await caller.closeWrite();
    assertEquals((await caller.reply()).code, 1000);
    assertEquals(await caller.frame(), null);
  });

  await t.step("one that sends what is no message gets its answer and the end, not a reset", async () => {
    using caller = await connectTls(server.tcp, { caCerts });
    await caller.send(new Uint8Array(64));
    assertEquals(await rest(caller.socket), new Uint8Array());
  });

  await t.step("one that names another protocol alone is refused", async () => {
    await assertRejects(
      () => connectTls(server.tcp, { caCerts, alpnProtocols: ["h2", "http/1.1"] }),
      Error,
      "NoApplicationProtocol",
    );
    await server.until("it is counted", () => tls().failed === 1);
    assertStringIncludes(linesOf(server, "handshake failed")[0]!, "no application protocol");
  });

  await t.step(
    "plain callers are closed without a reset and without a reply, in one line a second",
    async () => {
      const failed = tls().failed;
      for (let i = 0; i < 20; i++) {
        using caller = await server.connect();
        await caller.send(streamRequest());
        const [type = ALERT] = await rest(caller.socket);
        assertEquals(type, ALERT);
      }
      assertEquals(tls().failed, failed + 20);
      assert(linesOf(server, "handshake failed").length < 20, "a line for each of them");
      assert(server.stats().limits["tls_handshake"]! >= 20);
    },
  );

  await t.step("who connects and goes is counted, and no line is written", async () => {
    const failed = tls().failed;
    using caller = await server.connect();
    caller.close();
    await server.until("it is counted", () => tls().failed === failed + 1);
    assertEquals(linesOf(server, "the connection ended"), []);
  });

  await t.step(
    "one that leaves its replies unread is read no further, and gets all of them when it reads",
    async () => {
      await server.reload({ server: { ...settings, max_unread_reply_bytes: "64 KiB" } });
      using caller = await connectTls(server.tcp, { caCerts });
      const text = "x".repeat(60_000);
      const count = 200;
      const sending = (async () => {
        for (let id = 0; id < count; id++) await caller.send(streamRequest({ id, params: { text } }));
      })();
      const waits = () => server.stats().limits["max_unread_reply_bytes"]!;
      await server.until("it has to wait", () => waits() > 0);
      for (let id = 0; id < count; id++) {
        const reply = await caller.reply();
        assertEquals([reply.id, valueOf(reply)], [id, { text }]);
      }
      await sending;
    },
  );

  await t.step("a caller with TLS on a plain listener is closed at once, and the log says why", async () => {
    await using plain = await TestServer.start();
    await assertRejects(() => connectTls(plain.tcp, { caCerts }));
    await until("the log says so", () => linesOf(plain, "speaks TLS").length === 1);
    assertEquals(plain.stats().limits["tls_on_plain"], 1);
  });
});

Deno.test("a handshake has its time, counts into the limits, and may come byte by byte", async (t) => {
  await using certificates = await TestCertificates.make();
  const caCerts = await certificates.trusted();
  const limits = { handshake_timeout: "1s", max_connections: 2 };
  await using server = await TestServer.start({ server: { tls: await certificates.server(), ...limits } });

  await t.step("idle ones count as connections, and are closed when their time is over", async () => {
    using first = await server.connect();
    using second = await server.connect();
    await server.until("both are there", () => server.stats().connections.open === 2);
    await assertRejects(() => connectTls(server.tcp, { caCerts }));
    assertEquals(server.stats().connections.refused, 1);
    assertEquals([await rest(first.socket), await rest(second.socket)], [new Uint8Array(), new Uint8Array()]);
    assertEquals(server.stats().connections.open, 0);
    assertEquals(server.stats().limits["handshake_timeout"], 2);
    assertEquals(server.stats().tls, { ...server.stats().tls, open: 0, handshakes: 0, failed: 2 });
  });

  await t.step("one whose first bytes come one by one is served", async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const relaying = relayBytewise(listener, server.tcp);
    using caller = await connectTls(listener.addr as Deno.NetAddr, { caCerts });
    await caller.send(streamRequest({ params: { slow: true } }));
    assertEquals(valueOf(await caller.reply()), { slow: true });
    caller.close();
    await relaying;
  });

  await t.step("a stop ends them at once", async () => {
    using caller = await server.connect();
    await server.until("it is there", () => server.stats().connections.open === 1);
    await server.server.stop();
    assertEquals(await rest(caller.socket), new Uint8Array());
  });
});

/** Lets one caller through, what it sends in pieces of one byte. */
async function relayBytewise(listener: Deno.Listener, { hostname, port }: Deno.NetAddr): Promise<void> {
  const caller = await listener.accept();
  const server = await Deno.connect({ hostname, port });
  server.setNoDelay(true);
  const down = server.readable.pipeTo(caller.writable, { preventClose: false }).catch(() => {});
  const buffer = new Uint8Array(4096);
  for (let count = await caller.read(buffer); count !== null; count = await caller.read(buffer)) {
    for (let at = 0; at < count; at++) await server.write(buffer.subarray(at, at + 1));
  }
  await server.closeWrite();
  await down;
}

Deno.test("who must show a certificate is known by its subject, and others are refused", async (t) => {
  await using certificates = await TestCertificates.make();
  await using strangers = await TestCertificates.make();
  const caCerts = await certificates.trusted();
  const tls = { ...await certificates.server(), client_ca: certificates.ca, min_version: "1.3" };
  await using server = await TestServer.start({ server: { tls } });
  const shown = async (from: TestCertificates, subject: string, days = 30): Promise<RawConnection> => {
    const { cert, key } = await from.client({ subject, days });
    const own = { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) };
    return await connectTls(server.tcp, { caCerts, ...own });
  };
  const subjects = () =>
    [...server.server.streams[0]!.handler.connections].map((each) =>
      "certificateSubject" in each ? each.certificateSubject : undefined
    );

  for (
    const [subject, text] of [
      ["/O=Example/CN=shop", "CN=shop,O=Example"],
      ["/CN=a, b\\+c/OU=Ärger", "OU=Ärger,CN=a\\, b\\+c"],
    ] as const
  ) {
    await t.step(`its subject is ${text}`, async () => {
      using caller = await shown(certificates, subject);
      await caller.send(streamRequest());
      assertEquals((await caller.reply()).code, 1000);
      assertEquals(subjects(), [text]);
      caller.close();
      await server.until("it is closed", () => server.stats().connections.open === 0);
    });
  }

  const refused: readonly [string, () => Promise<RawConnection>, string][] = [
    ["without one", () => connectTls(server.tcp, { caCerts }), "peer did not return a certificate"],
    ["with one of another authority", () => shown(strangers, "/CN=shop"), "certificate verify failed"],
    ["with one that has expired", () => shown(certificates, "/CN=shop", -1), "certificate verify failed"],
  ];
  for (const [who, connect, why] of refused) {
    await t.step(`a caller ${who} is refused before it is answered`, async () => {
      const before = server.stats().tls.failed;
      // In TLS 1.3 the caller's side of the handshake is over before its certificate was looked at.
      await assertRejects(async () => {
        using caller = await connect();
        await caller.send(streamRequest());
        await rest(caller.socket);
      });
      await server.until("it is counted", () => server.stats().tls.failed === before + 1);
      const fields = { limit: "tls_handshake", error: why };
      await server.until("the log says why", () => linesOf(server, fields.error).length > 0);
    });
  }
});

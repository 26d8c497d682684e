import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { checkFindings } from "../../src/cli/config/check_findings.ts";
import { type CertificatePaths, openssl, TestCertificates } from "../support/certificates.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";
import { connectTls, type TlsCallerOptions } from "../support/tls_caller.ts";

/** How often the certificate changes under load. */
const CHANGES = 50;
/** Callers that keep their connection, and those that make one for each request. */
const CALLERS = 2;
/** A change that is found by looking takes two looks at most, one a second; in ms. */
const LOOKS_MS = 20_000;

/** The pair in use: what is put there goes over what was there, as those do who renew certificates. */
class PairInUse {
  readonly paths: CertificatePaths;

  constructor(readonly folder: string) {
    this.paths = { cert: `${folder}/used.pem`, key: `${folder}/used.key` };
  }

  async put({ cert, key }: CertificatePaths): Promise<void> {
    for (const [from, to] of [[cert, this.paths.cert], [key, this.paths.key]] as const) {
      await Deno.copyFile(from, `${to}.new`);
      await Deno.rename(`${to}.new`, to);
    }
  }
}

/** The subject of the certificate that is served. */
async function served({ tcp: { port } }: TestServer): Promise<string> {
  const text = await openssl("s_client", "-connect", `127.0.0.1:${port}`, "-alpn", "mevent/1");
  return /^subject=(.*)$/m.exec(text)![1]!.replaceAll(" ", "");
}

/** Callers that ask and ask until they are told to end; each answer is looked at, and any connection that breaks is an error. */
class TlsLoad {
  answered = 0;
  connected = 0;
  #ended = false;
  readonly #callers: Promise<void>[];

  constructor(readonly server: TestServer, readonly options: TlsCallerOptions) {
    this.#callers = Array.from({ length: CALLERS }, () => [this.#keep(), this.#connectAgain()]).flat();
  }

  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#callers);
  }

  /** One connection, from the first change to the last. */
  async #keep(): Promise<void> {
    using caller = await connectTls(this.server.tcp, this.options);
    this.connected++;
    for (let uid = 0; !this.#ended; uid++) {
      await caller.send(streamRequest({ id: uid, params: { uid } }));
      assertEquals(valueOf(await caller.reply()), { uid });
      this.answered++;
    }
  }

  /** A new one for each request. */
  async #connectAgain(): Promise<void> {
    for (let uid = 0; !this.#ended; uid++) {
      using caller = await connectTls(this.server.tcp, this.options);
      this.connected++;
      await caller.send(streamRequest({ params: { uid } }));
      assertEquals(valueOf(await caller.reply()), { uid });
      this.answered++;
    }
  }
}

Deno.test("certificates change while callers come and go, and nothing is dropped", async (t) => {
  await using certificates = await TestCertificates.make();
  const caCerts = await certificates.trusted();
  const pairs = [
    await certificates.server({ subject: "/CN=a" }),
    await certificates.server({ subject: "/CN=b" }),
  ];
  const used = new PairInUse(certificates.folder);
  await used.put(pairs[0]!);
  const settings = { tls: used.paths };
  await using server = await TestServer.start({ server: settings });

  await t.step(`${CHANGES} times`, async () => {
    const load = new TlsLoad(server, { caCerts });
    await server.until("all have come", () => load.connected >= 2 * CALLERS);
    for (let change = 1; change <= CHANGES; change++) {
      await used.put(pairs[change % 2]!);
      await server.reload({ server: settings });
      assertEquals(await served(server), change % 2 === 0 ? "CN=a" : "CN=b");
    }
    await load.end();
    assert(load.answered > CHANGES && load.connected > CHANGES, `${load.answered} answers`);
    const { failed } = server.stats().tls;
    assertEquals([failed, server.stats().connections.refused, server.stats().errors.replies_dropped], [
      0,
      0,
      0,
    ]);
  });

  await t.step("without a reload, when the files are looked at", async () => {
    assertEquals(await served(server), "CN=a");
    await used.put(pairs[1]!);
    const told = () => server.log.filter((line) => line.includes("another certificate")).length;
    const before = told();
    await waitFor(server, "it is taken", () => told() > before);
    assertEquals(await served(server), "CN=b");
  });

  await t.step("a pair that does not fit is told once, and the one of before stays", async () => {
    using kept = await connectTls(server.tcp, { caCerts });
    await Deno.copyFile(pairs[0]!.key, used.paths.key);
    const told = () => server.log.filter((line) => line.includes("cannot be used"));
    await waitFor(server, "the log says so", () => told().length > 0);
    assertStringIncludes(told()[0]!, "is not that of");
    assertEquals(await served(server), "CN=b");
    await kept.send(streamRequest({ params: { uid: 1 } }));
    assertEquals(valueOf(await kept.reply()), { uid: 1 });
    await used.put(pairs[0]!);
    await server.reload({ server: settings });
    assertEquals([await served(server), told().length], ["CN=a", 1]);
  });
});

async function waitFor(server: TestServer, what: string, condition: () => boolean): Promise<void> {
  await until(what, condition, LOOKS_MS);
  assertEquals(server.server.state, "running");
}

Deno.test("a listener gets TLS, and loses it, by a reload; what cannot be used is refused and changes nothing", async (t) => {
  await using certificates = await TestCertificates.make();
  const caCerts = await certificates.trusted();
  const pair = await certificates.server();
  const other = await certificates.server();
  await using server = await TestServer.start();
  using plain = await server.connect();
  const works = async (caller: typeof plain) => {
    await caller.send(streamRequest());
    assertEquals((await caller.reply()).code, 1000);
  };
  await works(plain);

  const empty = `${certificates.folder}/empty.pem`;
  await Deno.writeTextFile(empty, "");
  const locked = `${certificates.folder}/locked.key`;
  await openssl("pkey", "-in", pair.key, "-aes256", "-passout", "pass:secret", "-out", locked);
  const broken = `${certificates.folder}/broken.pem`;
  await Deno.writeTextFile(broken, (await Deno.readTextFile(pair.cert)).replace(/^[A-Za-z0-9]{20}/m, "AAAA"));
  const refused: readonly [string, Record<string, string>, string][] = [
    [
      "a file that is not there",
      { ...pair, cert: "/nowhere.pem" },
      "tls.cert cannot be read: /nowhere.pem: there is no",
    ],
    ["a key that is not there", { ...pair, key: "/nowhere.key" }, "tls.key cannot be read: /nowhere.key"],
    ["no certificate", { ...pair, cert: empty }, `${empty} holds no certificates in PEM`],
    [
      "a broken certificate",
      { ...pair, cert: broken },
      `${broken} holds no certificates in PEM: number 1 cannot be read`,
    ],
    ["no key", { ...pair, key: empty }, `${empty} holds no private key in PEM`],
    ["a key with a pass phrase", { ...pair, key: locked }, "it is encrypted; mevent asks for no pass phrase"],
    ["another one's key", { ...pair, key: other.key }, `the key in ${other.key} is not that of ${pair.cert}`],
    ["authorities that are none", { ...pair, client_ca: empty }, `${empty} holds no certificates in PEM`],
  ];
  for (const [what, tls, why] of refused) {
    await t.step(what, async () => {
      const error = await assertRejects(() => server.reload({ server: { tls } }), Error);
      assertStringIncludes(error.message, "cannot listen on tcp 127.0.0.1:0: ");
      assertStringIncludes(error.message, why);
      using caller = await server.connect();
      await works(caller);
    });
  }

  await t.step("with what can be used, callers who come get TLS, and who is there stays", async () => {
    const { changed } = await server.reload({ server: { tls: pair } });
    assert(changed.some((each) => each.startsWith("listener tcp 127.0.0.1:0: tls none -> ")), changed.join());
    using caller = await connectTls(server.tcp, { caCerts });
    await works(caller);
    await works(plain);
    await server.reload({});
    using later = await server.connect();
    await works(later);
    await works(caller);
    assertEquals(server.stats().tls.certificates, []);
  });
});

Deno.test("without epoll there is no TLS, at a start and at a reload", async () => {
  await using certificates = await TestCertificates.make();
  const tls = await certificates.server();
  const why = "TLS needs sockets that wait with epoll";
  await assertRejects(() => TestServer.start({ portableSockets: true, server: { tls } }), Error, why);
  await using server = await TestServer.start({ portableSockets: true });
  await assertRejects(() => server.reload({ server: { tls } }), Error, why);
  using caller = await server.connect();
  await caller.send(streamRequest());
  assertEquals((await caller.reply()).code, 1000);
});

Deno.test("mevent check reads the files, and says where they stand and what is wrong", async () => {
  await using certificates = await TestCertificates.make();
  const [pair, other] = [await certificates.server(), await certificates.server()];
  const file = `${certificates.folder}/mevent.toml`;
  const found = async (cert: string, key: string) => {
    const text =
      `plugin = []\n[server]\ntcp = ""\nudp = ""\n[[listener]]\ntcp = ["127.0.0.1:0", "[::1]:0"]\n` +
      `tls = { cert = "${cert}", key = "${key}" }\n`;
    const { findings } = await checkFindings({ file, text, env: {}, flags: {} });
    return findings.filter(({ key }) => key === "listener[0].tls").map(({ line, text }) => ({ line, text }));
  };
  assertEquals(await found(pair.cert, pair.key), []);
  const [first, ...others] = await found(pair.cert, other.key);
  assertEquals([first?.line, others], [7, []]);
  assertStringIncludes(first!.text, `the key in ${other.key} is not that of ${pair.cert}`);
  assertStringIncludes(
    (await found("no.pem", pair.key))[0]!.text,
    `tls.cert cannot be read: ${certificates.folder}/no.pem`,
  );
});

import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestCertificates } from "../support/certificates.ts";
import { mevent } from "../support/mevent.ts";
import { TestServer } from "../support/test_server.ts";
import { testToken } from "../support/tokens.ts";

Deno.test("send, result, stats and bench reach a server over TLS, with a certificate and a token of their own", async (t) => {
  await using certificates = await TestCertificates.make();
  const pair = await certificates.server();
  const own = await certificates.client({ subject: "/CN=shop" });
  const shop = testToken("shop", ["call:echo", "enqueue:echo", "stats"]);
  await using server = await TestServer.start({
    server: { udp: "", auth: "token", tls: { ...pair, client_ca: certificates.ca } },
    file: { token: [shop.table] },
  });
  const { port } = server.tcp;
  const tls = ["--port", `${port}`, "--tls", "--ca", certificates.ca, "--cert", own.cert, "--key", own.key];
  const token = ["--token", shop.token];
  const file = `${certificates.folder}/token`;
  await Deno.writeTextFile(file, `${shop.token}\nand more\n`);
  const echo = ["--biz", "echo", "--cmd", "1001"];

  await t.step("send: once, async and many; the token from a flag, a file and the environment", async () => {
    const once = await mevent(["send", ...echo, ...tls, ...token, "uid:=7"]);
    assertEquals([once.code, once.stdout], [0, '{"uid":7}\n'], once.stderr);
    const many = await mevent([
      "send",
      ...echo,
      ...tls,
      "--token-file",
      file,
      "--count",
      "20",
      "--concurrency",
      "4",
    ]);
    assertEquals(many.code, 0, many.stderr);
    assertStringIncludes(many.stdout, "ok        20");
    const queued = await mevent(["send", ...echo, ...tls, "--async"], { env: { MEVENT_TOKEN: shop.token } });
    assertEquals(queued.code, 0, queued.stderr);
    const unix = await mevent(["send", ...echo, "--unix", server.unix, ...token]);
    assertEquals(unix.code, 0, unix.stderr);
  });

  await t.step("stats, result and bench", async () => {
    const stats = await mevent(["stats", ...tls, ...token, "--json"]);
    assertEquals(stats.code, 0, stats.stderr);
    assertEquals(JSON.parse(stats.stdout).version, "test");
    const result = await mevent(["result", "0123456789ab-3k-1", ...tls, ...token]);
    assertEquals(result.code, 1);
    assertStringIncludes(result.stderr, "mevent result: ");
    const counted = ["--count", "200", "--conns", "3", "--json"];
    for (const target of [[...tls, ...token], ["--unix", server.unix, ...token]]) {
      const bench = await mevent(["bench", ...target, ...counted]);
      assertEquals(bench.code, 0, bench.stderr);
      assertEquals(JSON.parse(bench.stdout).operations, 200);
    }
  });

  await t.step(
    "a refused login, a server that is not trusted, and one that speaks no TLS end with a sentence",
    async () => {
      const wrong = ["--token", `${shop.token.slice(0, -4)}AAAA`];
      for (const command of [["send", ...echo], ["stats"], ["result", "0123456789ab-3k-1"], ["bench"]]) {
        const refused = await mevent([...command, ...tls, ...wrong, "--timeout", "5s"]);
        assertEquals(refused.code, 1, refused.stderr);
        assertStringIncludes(
          refused.stderr,
          `mevent ${command[0]}: the login at tls 127.0.0.1:${port}: 13 REP_ERR_AUTH`,
        );
      }
      const untrusted = await mevent([
        "send",
        ...echo,
        "--port",
        `${port}`,
        "--tls",
        ...token,
        "--timeout",
        "2s",
      ]);
      assertEquals(untrusted.code, 69);
      assertStringIncludes(untrusted.stderr, `cannot reach tls 127.0.0.1:${port}: `);
    },
  );

  await t.step("flags that contradict each other, and files that are none, are told", async () => {
    const wrong: readonly (readonly [readonly string[], string])[] = [
      [["--tls", "--udp"], "--tls and --udp contradict"],
      [["--tls", "--unix", "/x"], "--unix and --tls contradict"],
      [["--ca", certificates.ca], "--ca needs --tls"],
      [["--tls", "--cert", own.cert], "--cert needs --key"],
      [["--tls", "--key", own.key], "--key needs --cert"],
      [["--tls", "--ca", "/nowhere.pem"], "--ca: cannot read /nowhere.pem"],
      [["--tls", "--ca", file], "is no PEM"],
      [["--udp", "--token", "x"], "there is no login over UDP"],
    ];
    for (const [flags, part] of wrong) {
      const { code, stderr } = await mevent(["send", ...echo, ...flags]);
      assertEquals(code, 64, stderr);
      assertStringIncludes(stderr, part);
    }
  });
});

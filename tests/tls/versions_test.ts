import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestCertificates } from "../support/certificates.ts";
import { TestServer } from "../support/test_server.ts";

/** What openssl's client says of a handshake: the version and the cipher, or that there was none. */
async function handshake({ tcp: { port } }: TestServer, ...flags: string[]): Promise<string> {
  const args = ["s_client", "-connect", `127.0.0.1:${port}`, ...flags];
  const { stdout, stderr } = await new Deno.Command("openssl", { args, stdin: "null" }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  const [, version, cipher] = /^New, (\S+), Cipher is (\S+)$/m.exec(text) ?? [];
  if (version === undefined || cipher === "(NONE)") {
    return `refused: ${/alert ([\w ]+)/.exec(text)?.[1] ?? text}`;
  }
  return `${version} ${cipher}`;
}

/** Of a client that would take what is long out of use. */
const ANY_LEVEL = ["-cipher", "ALL:@SECLEVEL=0"];

Deno.test("versions and ciphers are those that openssl's client finds", async (t) => {
  await using certificates = await TestCertificates.make();
  const pair = await certificates.server();
  await using server = await TestServer.start({ server: { tls: pair } });
  const rows: readonly [string, string[], string][] = [
    ["the newest, where nothing else is asked for", [], "TLSv1.3 TLS_AES_256_GCM_SHA384"],
    [
      "1.3 with ChaCha20",
      ["-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"],
      "TLSv1.3 TLS_CHACHA20_POLY1305_SHA256",
    ],
    ["1.2", ["-tls1_2"], "TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384"],
    [
      "1.2 with AES of 128 bits",
      ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"],
      "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256",
    ],
    ["no 1.1", ["-tls1_1", ...ANY_LEVEL], "refused: protocol version"],
    ["no 1.0", ["-tls1", ...ANY_LEVEL], "refused: protocol version"],
    ["no CBC", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384"], "refused: handshake failure"],
    [
      "no key exchange that keeps no secret",
      ["-tls1_2", "-cipher", "AES256-GCM-SHA384"],
      "refused: handshake failure",
    ],
    [
      "no cipher without a key",
      ["-tls1_2", "-cipher", "eNULL:aNULL:@SECLEVEL=0"],
      "refused: handshake failure",
    ],
    ["ALPN", ["-alpn", "h2,mevent/1"], "TLSv1.3 TLS_AES_256_GCM_SHA384"],
    ["no other protocol", ["-alpn", "h2"], "refused: no application protocol"],
  ];
  for (const [what, flags, expected] of rows) {
    await t.step(what, async () => assertEquals(await handshake(server, ...flags), expected));
  }

  await t.step("with a least version of 1.3 there is no 1.2", async () => {
    await server.reload({ server: { tls: { ...pair, min_version: "1.3" } } });
    assertEquals(await handshake(server, "-tls1_2"), "refused: protocol version");
    assertEquals(await handshake(server), "TLSv1.3 TLS_AES_256_GCM_SHA384");
  });

  await t.step("the whole chain is sent, and a session is resumed", async () => {
    const folder = certificates.folder;
    const chain = `${folder}/chain.pem`;
    await Deno.writeTextFile(
      chain,
      await Deno.readTextFile(pair.cert) + await Deno.readTextFile(certificates.ca),
    );
    await server.reload({ server: { tls: { ...pair, cert: chain, min_version: "1.2" } } });
    const args = ["s_client", "-connect", `127.0.0.1:${server.tcp.port}`, "-showcerts", "-tls1_2"];
    const connect = async (...more: string[]) => {
      const { stdout } = await new Deno.Command("openssl", { args: [...args, ...more], stdin: "null" })
        .output();
      return new TextDecoder().decode(stdout);
    };
    const first = await connect("-sess_out", `${folder}/session`);
    assertEquals(first.match(/BEGIN CERTIFICATE/g)?.length, 2);
    assertStringIncludes(first, "New, TLSv1.2");
    assertStringIncludes(await connect("-sess_in", `${folder}/session`), "Reused, TLSv1.2");
  });
});

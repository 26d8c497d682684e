import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../src/config/config_error.ts";
import { loadConfig } from "../../src/config/load.ts";

const FILES = 'cert = "c.pem", key = "k.pem"';

function loaded(text: string) {
  return loadConfig({ file: "/etc/mevent/mevent.toml", text, env: {}, flags: {} });
}

function problem(text: string): string {
  return assertThrows(() => loaded(text), ConfigError).message.replace("/etc/mevent/", "");
}

Deno.test("tls is of the TCP addresses that it stands beside, and its paths are relative to the file", () => {
  const { listeners } = loaded(
    `[server]\ntls = { ${FILES}, client_ca = "/ca.pem", min_version = "1.3" }\nunix = "/run/m.sock"\n` +
      `[[listener]]\ntcp = ["127.0.0.1:1", "[::1]:1"]\ntls = { ${FILES} }\n[[listener]]\ntcp = "127.0.0.1:2"\n`,
  );
  const paths = { cert: "/etc/mevent/c.pem", key: "/etc/mevent/k.pem" };
  const all = listeners.map((each) => [each.transport, "tls" in each ? each.tls : "has none"]);
  const own = { ...paths, clientCa: null, minVersion: "1.2" } as const;
  assertEquals(all, [
    ["tcp", { ...paths, clientCa: "/ca.pem", minVersion: "1.3" }],
    ["udp", null],
    ["unix", "has none"],
    ["tcp", own],
    ["tcp", own],
    ["tcp", null],
  ]);
});

Deno.test("tls that cannot be is refused, and the sentence says what to do", () => {
  const wrong: readonly [string, string][] = [
    [`[[listener]]\nudp = ":1"\ntls = { ${FILES} }`, "a listener on UDP has no TLS: leave tls out"],
    [
      `[[listener]]\nunix = "/m"\ntls = { ${FILES} }`,
      "a listener on a Unix socket has no TLS: leave tls out",
    ],
    [
      `[server]\nudp = ":26000"\ntls = { ${FILES} }`,
      'UDP has no TLS, and ":26000" would be plain: say udp = ""',
    ],
    [`[server]\nudp = ["localhost:1", "10.0.0.1:1"]\ntls = { ${FILES} }`, '"10.0.0.1:1" would be plain'],
    ["[server]\ntls = true", 'expected a table or "none", got true'],
    ['[server]\ntls = "yes"', 'expected a table or "none", got "yes"'],
    ['[server]\ntls = { cert = "c.pem" }', "server.tls.key: is missing"],
    [`[server]\ntls = { ${FILES}, min_version = "1.1" }`, 'expected "1.2", "1.3", got "1.1"'],
    [`[server]\ntls = { ${FILES}, ca = "a.pem" }`, "unknown key"],
  ];
  for (const [text, sentence] of wrong) {
    const message = problem(text);
    assertEquals(message.includes(sentence), true, `${text}: ${message}`);
  }
});

Deno.test("beside tls, UDP stays where nobody from outside reaches it", () => {
  for (const udp of ['""', "[]", '"127.0.0.1:1"', '["[::1]:1", "localhost:1"]']) {
    loaded(`[server]\nudp = ${udp}\ntls = { ${FILES} }`);
  }
  loaded(`[[listener]]\nudp = "127.0.0.1:9"\ntls = "none"`);
});

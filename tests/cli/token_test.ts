import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hashOfToken, hashText } from "../../src/auth/token.ts";
import { loadConfig } from "../../src/config/load.ts";
import { ModuleFolder } from "../support/module_folder.ts";
import { mevent } from "../support/mevent.ts";
import { TestServer } from "../support/test_server.ts";
import { loggedIn, testToken } from "../support/tokens.ts";

Deno.test("token new prints a token, and the table by which a server lets it in", async () => {
  const rights = ["--right", "call:echo", "--right", "stats"];
  const { code, stdout } = await mevent([
    "token",
    "new",
    "--name",
    "shop",
    ...rights,
    "--expires",
    "90d",
    "--rate",
    "5/s",
  ]);
  assertEquals(code, 0);
  const [token = "", empty, ...table] = stdout.split("\n");
  assertMatch(token, /^mevent_[\w-]{43}$/);
  assertEquals(empty, "");
  const { tokens } = loadConfig({ file: "m.toml", text: table.join("\n"), env: {}, flags: {} });
  const [shop] = tokens;
  assert(shop !== undefined);
  assertEquals([shop.name, hashText(shop.hash), shop.rate], ["shop", hashText(hashOfToken(token)), {
    requests: 5,
    ms: 1000,
  }]);
  const days = (shop.expires! - Date.now()) / 86_400_000;
  assert(days > 89.9 && days <= 90, String(days));

  const json = JSON.parse(
    (await mevent(["token", "new", "--name", "a", "--right", "*", "--json", "--expires", "2999-01-31"]))
      .stdout,
  );
  assertEquals([json.name, json.rights, json.expires], ["a", ["*"], "2999-01-31T00:00:00.000Z"]);
  assert(json.token !== token && json.toml.includes(json.hash) && !json.toml.includes(json.token));
  await using server = await TestServer.start({
    server: { udp: "", auth: "token" },
    file: { token: [{ name: json.name, hash: json.hash, rights: json.rights }] },
  });
  using connection = await server.connect();
  await loggedIn(connection, json.token);
});

Deno.test("token new refuses what would be no token", async () => {
  const cases: readonly (readonly [string[], string])[] = [
    [["--right", "*"], "--name is missing"],
    [["--name", "a"], "--right is missing"],
    [["--name", "a", "--right", "cal:x"], "--right: expected a right such as"],
    [["--name", "a", "--right", "*", "--rate", "5"], "--rate: expected a rate such as"],
    [["--name", "a", "--right", "*", "--expires", "soon"], "--expires: expected a date such as"],
    [["--name", "a", "--right", "*", "--expires", "2000-01-01"], "2000-01-01 is over"],
    [["--name", "a", "--right", "*", "--expires", "0d"], "0d is over"],
    [["--name", "", "--right", "*"], "--name: expected 1 to 64 characters"],
  ];
  for (const [args, sentence] of cases) {
    const { code, stdout, stderr } = await mevent(["token", "new", ...args]);
    assertEquals([code, stdout], [64, ""], sentence);
    assertStringIncludes(stderr, sentence);
  }
});

Deno.test("commands say by which token they ask: a flag, a file, MEVENT_TOKEN", async () => {
  const ruler = testToken("ruler", ["control", "stats"]);
  await using server = await TestServer.start({
    server: { udp: "", auth: "token", control_tcp: "127.0.0.1:0" },
    file: { token: [ruler.table] },
  });
  const [, control = ""] = /tcp (\S+)/.exec(server.server.controlAddresses.join(" ")) ?? [];
  const file = `${server.directory}/token`;
  await Deno.writeTextFile(file, `${ruler.token}\n`);
  const env = { MEVENT_TOKEN: ruler.token };
  const port = ["--port", String(server.tcp.port)];
  for (
    const argv of [["pause", "echo", "--control", control], ["stats", "--control", control], [
      "stats",
      ...port,
    ]]
  ) {
    const refused = await mevent(argv);
    assertEquals(refused.code, 1, argv.join(" "));
    assertStringIncludes(refused.stderr, "log in first");
    assertEquals((await mevent([...argv, "--token", "wrong"])).code, 1);
    assertEquals((await mevent([...argv, "--token", ruler.token])).code, 0);
    assertEquals((await mevent([...argv, "--token-file", file])).code, 0);
    assertEquals((await mevent(argv, { env })).code, 0);
  }
  assertEquals((await mevent(["stats", "--token", "a", "--token-file", file])).code, 64);
  assertStringIncludes((await mevent(["stats", "--token-file", "/none"])).stderr, "cannot read /none");
});

Deno.test("config prints tokens and certificates as they stand, with what they leave out", async () => {
  await using folder = await ModuleFolder.make({ "m.toml": TOKENS });
  const { code, stdout } = await mevent(["config", "--config", `${folder.path}/m.toml`]);
  assertEquals(code, 0);
  for (
    const line of [
      "expires = 2037-01-01T00:00:00Z",
      'rights = ["call:echo"]',
      'rate = ""',
      'subject = "CN=shop"',
    ]
  ) {
    assertStringIncludes(stdout, `\n${line} `);
  }
  const tokensOf = (text: string) => loadConfig({ file: "m.toml", text, env: {}, flags: {} }).tokens;
  assertEquals(tokensOf(stdout), tokensOf(TOKENS));
});

const TOKENS = `[[token]]
name = "shop"
hash = "${hashText(hashOfToken("a"))}"
rights = ["call:echo"]
expires = 2037-01-01T00:00:00Z
[[certificate]]
subject = "CN=shop"
rights = ["*"]
`;

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { mevent, TestServer as CliServer } from "../support/mevent.ts";
import { TestServer } from "../support/test_server.ts";
import { testToken } from "../support/tokens.ts";

Deno.test("ping says whether a server or a plugin answers", async (t) => {
  await using server = await CliServer.start();
  const port = ["--port", String(server.tcpPort)];

  await t.step("the server itself, over each transport", async () => {
    for (const way of [port, ["--unix", server.unixPath], ["--udp", "--port", String(server.udpPort)]]) {
      const { code, stdout, stderr } = await mevent(["ping", ...way]);
      assertEquals([code, stderr], [0, ""]);
      assertMatch(stdout, /^(tcp|unix|udp) \S+ answers in [\d.]+ ms\n$/);
    }
  });

  await t.step("a plugin, which runs the command with its params", async () => {
    const before = server.server.stats().plugins[0]!.done;
    const { code, stdout } = await mevent([
      "ping",
      "--plugin",
      "echo",
      "--cmd",
      "1003",
      "ms:=1",
      "--json",
      ...port,
    ]);
    assertEquals(code, 0);
    const { ok, server: where, code: reply, time_ms, tries, problem } = JSON.parse(stdout);
    assertEquals([ok, where, reply, tries, problem], [
      true,
      `tcp 127.0.0.1:${server.tcpPort}`,
      1000,
      1,
      null,
    ]);
    assert(time_ms >= 1);
    assertEquals(server.server.stats().plugins[0]!.done, before + 1);
  });

  await t.step("what it does not know is told at once, not tried again", async () => {
    const ways = [["--plugin", "ehco", "--cmd", "1001"], ["--plugin", "echo", "--cmd", "1003"]];
    for (const [index, way] of ways.entries()) {
      const { code, stdout, stderr } = await mevent(["ping", ...way, "--retries", "5", "--json", ...port]);
      assertEquals([code, stderr], [65, ""]);
      const told = JSON.parse(stdout);
      assertEquals([told.ok, told.code, told.tries], [false, [18, 23][index], 1]);
    }
  });

  await t.step("one that takes too long", async () => {
    const slow = ["--plugin", "echo", "--cmd", "1003", "ms:=5000", "--timeout", "50ms"];
    const { code, stderr } = await mevent(["ping", ...slow, ...port]);
    assertEquals(code, 69);
    assertMatch(stderr, /^mevent ping: no reply from tcp \S+ within 50 ms\n$/);
  });

  await t.step("wrong command lines", async () => {
    for (
      const [argv, words] of [
        [["--plugin", "echo"], "--cmd is missing"],
        [["--cmd", "1001"], "--cmd needs --plugin"],
        [["a=b"], "needs --plugin"],
        [["--timeout", "0s"], "more than 0"],
        [["--retries", "x"], "--retries: expected a whole number"],
      ] as const
    ) {
      const { code, stderr } = await mevent(["ping", ...argv, ...port]);
      assertEquals(code, 64);
      assertStringIncludes(stderr, words);
    }
  });
});

Deno.test("ping tries again while a server is not there, and ends with what the last try came to", async () => {
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  const argv = ["ping", "--port", String(port), "--interval", "1ms"];
  const { code, stderr } = await mevent([...argv, "--retries", "2"]);
  assertEquals(code, 69);
  const lines = stderr.trimEnd().split("\n");
  assertEquals(lines.length, 3);
  assertMatch(lines[0]!, /^mevent ping: try 1 of 3: cannot reach .*; again in 1ms$/);
  assertMatch(lines[2]!, /^mevent ping: cannot reach /);

  const gone = Deno.listen({ hostname: "127.0.0.1", port });
  const waiting = mevent([...argv, "--retries", "1000000", "--json"]);
  (await gone.accept()).close();
  gone.close();
  await using _server = await CliServer.start("", port);
  const late = await waiting;
  assertEquals(late.code, 0);
  assert(JSON.parse(late.stdout).tries > 1, late.stdout);
});

Deno.test("ping logs in with a token", async () => {
  const { token, table } = await testToken("probe", ["stats", "call:*"]);
  await using server = await TestServer.start({
    server: { auth: "token", udp: [] },
    file: { token: [table] },
  });
  const port = ["--port", String(server.tcp.port)];
  const refused = await mevent(["ping", ...port]);
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.stderr, "13 ");
  assertEquals((await mevent(["ping", ...port], { env: { MEVENT_TOKEN: token } })).code, 0);
  assertEquals((await mevent(["ping", ...port, "--token", `${token}x`])).code, 1);
});

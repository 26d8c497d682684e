import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { ConfigError } from "../../src/config/config_error.ts";
import { loadConfig } from "../../src/config/load.ts";
import { datagramRequest, messageOf, streamRequest } from "../support/requests.ts";
import { RawControl } from "../support/raw_control.ts";
import { TestServer } from "../support/test_server.ts";
import { loggedIn, login, testToken } from "../support/tokens.ts";

const SHOP = testToken("shop", ["call:echo"]);
const SITE = testToken("site", ["call:echo"]);

Deno.test("addresses that a listener does not allow are closed at once, also at a reload, and counted", async () => {
  const others = { allow: ["10.0.0.0/8", "2001:db8::/32"] };
  for (const portableSockets of [false, true]) {
    await using server = await TestServer.start({
      server: { allow: ["10.0.0.0/8", "127.0.0.0/8"], http: "127.0.0.1:0" },
      portableSockets,
    });
    using kept = await server.connect();
    using local = await server.connectUnix();
    for (const connection of [kept, local]) {
      await connection.send(streamRequest());
      assertEquals((await connection.reply()).code, 1000);
    }
    using datagrams = server.datagrams();
    await datagrams.send(datagramRequest());
    assertEquals((await datagrams.reply()).code, 1000);

    const { changed } = await server.reload({ server: { ...others, http: "127.0.0.1:0" } });
    assert(changed.some((what) => what.includes("allow")), changed.join("\n"));
    assertEquals(await kept.frame(), null);
    using refused = await server.connect();
    assertEquals(await refused.frame(), null);
    await assertRejects(() => fetch(`${server.httpUrl}/readyz`));
    await local.send(streamRequest());
    assertEquals((await local.reply()).code, 1000);
    await datagrams.send(datagramRequest());
    await server.until("the datagram is counted", (each) => each.stats().limits["allow"]! >= 3);
    assertEquals(server.stats().messages.udp, 1);
  }
});

Deno.test("what an address asks for is bounded over all its connections, also without a login and over UDP", async () => {
  await using server = await TestServer.start({ server: { rate_per_address: "3/h", http: "127.0.0.1:0" } });
  using first = await server.connect();
  using second = await server.connect();
  using unix = await server.connectUnix();
  using datagrams = server.datagrams();
  const codes: number[] = [];
  for (const connection of [first, second, unix, unix, unix, unix]) {
    await connection.send(streamRequest());
    codes.push((await connection.reply()).code);
  }
  await datagrams.send(datagramRequest());
  codes.push((await datagrams.reply()).code);
  await datagrams.send(datagramRequest());
  codes.push((await datagrams.reply()).code);
  assertEquals(codes, [1000, 1000, 1000, 1000, 1000, 1000, 1000, 21]);
  const response = await fetch(`${server.httpUrl}/v1/echo/1001`, { method: "POST" });
  await response.body?.cancel();
  assertEquals([response.status, response.headers.get("retry-after")], [429, "1"]);
  assertEquals(server.stats().limits["rate_per_address"], 2);
  const { changed } = await server.reload({ server: { http: "127.0.0.1:0" } });
  assertEquals(changed, ["server: rate_per_address 3/h -> none"]);
  await first.send(streamRequest());
  assertEquals((await first.reply()).code, 1000);
});

Deno.test("who guesses, or shows no token, uses up the rate of its address: over HTTP and at control sockets", async () => {
  const start = () =>
    TestServer.start({
      server: {
        udp: "",
        auth: "token",
        rate_per_address: "3/h",
        http: "127.0.0.1:0",
        control_tcp: "127.0.0.1:0",
      },
      file: { token: [SHOP.table] },
      control: true,
    });
  const tokens = [undefined, "wrong", undefined, "wrong", undefined, SHOP.token];
  {
    await using server = await start();
    const statuses: number[] = [];
    for (const token of tokens) {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch(`${server.httpUrl}/v1/echo/1001`, { method: "POST", headers });
      await response.body?.cancel();
      statuses.push(response.status);
    }
    assertEquals(statuses, [401, 401, 401, 429, 429, 429]);
    assertEquals(server.stats().limits["rate_per_address"], 3);
  }
  await using server = await start();
  const port = Number(/tcp .*:(\d+)/.exec(server.server.controlAddresses.join(" "))?.[1]);
  const errors: string[] = [];
  for (const token of tokens) {
    using control = new RawControl(await Deno.connect({ hostname: "127.0.0.1", port }));
    const answer = await control.ask({ command: "stats", ...token === undefined ? {} : { token } });
    errors.push(String(answer["error"]));
  }
  const [none, wrong, tooMany] = [
    "log in first: no token was given",
    "the token is wrong",
    "too many requests: they come faster than their address's rate",
  ];
  assertEquals(errors.slice(0, 5), [none, wrong, none, tooMany, tooMany]);
  assertStringIncludes(errors[5]!, "too many requests");
  using local = await server.control();
  assertEquals((await local.ask({ command: "stats" })).ok, true);
});

Deno.test("who may not know of a plugin is told no name: not by the ids of its operations, nor where there is no such plugin", async () => {
  const site = testToken("site", ["call:site"]);
  await using server = await TestServer.start({
    server: { udp: "", auth: "token", http: "127.0.0.1:0" },
    file: { token: [SHOP.table, site.table], listener: [{ http: "127.0.0.1:0" }] },
    plugins: [{ name: "echo", biz: 3, maxDelay: 3_600_000 }, {
      name: "site",
      biz: 4,
      module: "builtin:echo",
    }],
  });
  const [own, open] = server.server.addresses.filter((each) => each.startsWith("http "))
    .map((each) => each.replace("http ", "http://"));
  const post = async (path: string, body = "{}") => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${open}${path}`, { method: "POST", headers, body });
    return await response.json();
  };
  const { id: ended } = await post("/v1/echo/1001?async");
  const { id: delayed } = await post("/v1/echo/1001?async", '{"mevent.delay": 3600}');
  const over = async (url: string, id: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}/v1/operations/${id}`, { headers });
    return { status: response.status, text: await response.text() };
  };
  await server.until("one has ended", (each) => each.plugin("echo").done >= 1);
  assertStringIncludes((await over(open!, ended)).text, "plugin echo");
  assertEquals((await over(open!, delayed)).status, 200);

  using stranger = await loggedIn(await server.connect(), site.token);
  const asked = async (id: string) => {
    await stranger.send(streamRequest({ plugin: "Reserve.Result", params: { id } }));
    const reply = await stranger.reply();
    return { code: reply.code, message: messageOf(reply) };
  };
  const none = "0123456789ab-1-1";
  for (const id of [ended, delayed, none]) {
    const unknown =
      `nothing is known of operation ${id}: it was another server's, or this one was restarted, ` +
      "or its plugin removed";
    assertEquals(await asked(id), { code: 24, message: unknown });
    const { status, text } = await over(own!, id, { authorization: `Bearer ${site.token}` });
    assertEquals([status, JSON.parse(text).detail], [404, unknown]);
  }
  // A right to all plugins opens the question, and then names are no secret; a right to one does not.
  await stranger.send(streamRequest({ plugin: "nobody" }));
  assertEquals(messageOf(await stranger.reply()).includes("echo"), false);
  assertStringIncludes((await post("/v1/nobody/1")).detail, "echo");
});

Deno.test("a reload changes rights, revokes tokens and asks for them, and what stays valid stays open", async () => {
  const server = { udp: "", auth: "token" };
  await using running = await TestServer.start({ server, file: { token: [SHOP.table, SITE.table] } });
  using shop = await loggedIn(await running.connect(), SHOP.token);
  using site = await loggedIn(await running.connectUnix(), SITE.token);
  const code = async (connection: typeof shop) => {
    await connection.send(streamRequest());
    return (await connection.reply()).code;
  };
  assertEquals([await code(shop), await code(site)], [1000, 1000]);

  const { changed } = await running.reload({
    server,
    file: { token: [{ ...SHOP.table, rights: ["stats"] }, SITE.table] },
  });
  assertEquals(changed, ["token shop: rights call:echo -> stats"]);
  assertEquals([await code(shop), await code(site)], [13, 1000]);

  assertEquals((await running.reload({ server, file: { token: [SITE.table] } })).changed, [
    "token shop removed",
  ]);
  assertEquals(await shop.frame(), null);
  assertEquals(await code(site), 1000);
  using again = await running.connect();
  assertStringIncludes(messageOf(await login(again, SHOP.token)), "token shop is revoked");

  // Back again, and then nobody is asked any more.
  await running.reload({ server, file: { token: [SHOP.table, SITE.table] } });
  using back = await loggedIn(await running.connect(), SHOP.token);
  await running.reload({ server: { udp: "" }, file: { token: [SHOP.table, SITE.table] } });
  using anybody = await running.connect();
  assertEquals([await code(back), await code(anybody)], [1000, 1000]);
  await running.reload({ server, file: { token: [SHOP.table, SITE.table] } });
  assertEquals([await code(back), await code(anybody)], [13, 13]);
  assertEquals((await login(anybody, SITE.token)).code, 1000);
  assertEquals(await code(anybody), 1000);
});

Deno.test("control over TCP asks for a token where [server] does, and tells it to nobody", async () => {
  const ruler = testToken("ruler", ["control"]);
  await using server = await TestServer.start({
    server: { udp: "", auth: "token", control_tcp: "127.0.0.1:0" },
    file: { token: [SHOP.table, ruler.table] },
    control: true,
  });
  const port = Number(/tcp .*:(\d+)/.exec(server.server.controlAddresses.join(" "))?.[1]);
  const ask = async (token?: string) => {
    using control = new RawControl(await Deno.connect({ hostname: "127.0.0.1", port }));
    return await control.ask({ command: "pause", plugin: "echo", ...token === undefined ? {} : { token } });
  };
  assertEquals(await ask(), { ok: false, error: "log in first: no token was given" });
  assertEquals(await ask("wrong"), { ok: false, error: "the token is wrong" });
  assertEquals(await ask(SHOP.token), {
    ok: false,
    error: "shop may not do this: it lacks the right control:echo",
  });
  assertEquals((await ask(ruler.token)).ok, true);
  using local = await server.control();
  assertEquals((await local.ask({ command: "resume", plugin: "echo" })).ok, true);
  assert(!server.log.some((line) => [SHOP, ruler].some(({ token }) => line.includes(token))));
});

Deno.test("a listener that other machines reach, and nothing protects, stops the start; what does not go together, too", () => {
  const hash = SHOP.table["hash"];
  const token = { name: "a", hash, rights: ["call:skeleton"] };
  const open = "is reached from other machines, and nothing says who may use it";
  const cases: readonly (readonly [Record<string, unknown>, problem: string | null])[] = [
    [{ server: { tcp: ":26000" } }, `server.tcp: 0.0.0.0:26000 ${open}`],
    [{ server: { tcp: "[::]:26000" } }, `server.tcp: [::]:26000 ${open}`],
    [{ server: { tcp: "example.com:1" } }, `server.tcp: example.com:1 ${open}`],
    [{ server: { udp: ":1" } }, `server.udp: 0.0.0.0:1 ${open}`],
    [{ server: { http: ":1" } }, `server.http: 0.0.0.0:1 ${open}`],
    [{ server: { control_tcp: ":1" } }, `server.control_tcp: 0.0.0.0:1 ${open}`],
    [{ listener: [{ tcp: [":1", "127.0.0.1:2"] }] }, `listener[0].tcp: 0.0.0.0:1 ${open}`],
    [{ server: { tcp: ["127.0.0.9:1", "[::1]:1", "localhost:2"] } }, null],
    [{ server: { tcp: ":1", insecure: true } }, null],
    [{ server: { tcp: ":1", allow: "10.0.0.0/8" } }, null],
    [{ server: { tcp: ":1", auth: "token", udp: "" }, token: [token] }, null],
    [{ server: { control_tcp: ":1", auth: "token", udp: "" }, token: [token] }, null],
    [
      { listener: [{ tcp: ":1", tls: { cert: "a", key: "b", client_ca: "c" } }] },
      null,
    ],
    [
      { listener: [{ tcp: ":1", tls: { cert: "a", key: "b" } }] },
      `listener[0].tcp: 0.0.0.0:1 ${open}`,
    ],
    [{ server: { auth: "token" } }, "server.auth: a datagram has no login"],
    [{ listener: [{ udp: "127.0.0.1:1", auth: "token" }] }, "listener[0].auth: a datagram has no login"],
    [{ listener: [{ unix: "a", allow: ["10.0.0.1"] }] }, "listener[0].allow: a Unix socket has no addresses"],
    [
      { listener: [{ tcp: "127.0.0.1:1", auth: "certificate" }] },
      "listener[0].auth: client certificates need tls",
    ],
    [
      { server: { udp: "", unix: "a", auth: "certificate" } },
      "server.auth: a Unix socket has no certificates",
    ],
    [{ token: [{ ...token, rights: ["cal:echo"] }] }, "token[0].rights[0]: expected a right such as"],
    [{ token: [{ ...token, rights: [] }] }, "token[0].rights: expected a right such as"],
    [{ token: [{ ...token, hash: SHOP.token }] }, 'token[0].hash: expected "sha256:" and 64 hexadecimal'],
    [{ token: [{ ...token, rate: "5" }] }, "token[0].rate: expected a rate such as"],
    [
      { token: [{ ...token, expires: "2030-01-01" }] },
      "token[0].expires: expected a date with time and zone",
    ],
    [{ token: [token, { ...token, name: "b" }] }, "stands at token[0].hash already"],
    [{ server: { allow: ["10.0.0.0/33"] } }, "server.allow[0]: expected an address or a net"],
    [{ server: { allow: ["::ffff:10.0.0.0/104"] } }, "server.allow[0]: expected an address or a net"],
  ];
  for (const [document, problem] of cases) {
    const load = () => loadConfig({ file: "m.toml", document, env: {}, flags: {} });
    if (problem === null) load();
    else {
      const { message } = assertThrows(load, ConfigError);
      assertStringIncludes(message, problem);
      assert(!message.includes(SHOP.token));
    }
  }
});

Deno.test("what is allowed but hardly meant is warned of", () => {
  const table = { ...SHOP.table, rights: ["call:ecko", "enqueue:*", "stats"] };
  const document = {
    server: { tcp: ":1", insecure: true },
    listener: [{ tcp: "127.0.0.1:2", auth: "token" }],
  };
  const warningsOf = (more: object) =>
    loadConfig({ file: "m.toml", document: { ...document, ...more }, env: {}, flags: {} }).warnings;
  assertEquals(warningsOf({ token: [table] }), [
    "server.tcp: INSECURE: everybody who reaches 0.0.0.0:1 may do everything (insecure = true)",
    "token shop: the right call:ecko is for a plugin that is not there; did you mean echo?",
  ]);
  assertEquals(warningsOf({})[1], 'auth = "token" is set, and there is no [[token]]: nobody can log in');
});

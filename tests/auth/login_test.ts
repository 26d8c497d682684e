import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Encoding } from "../../src/protocol/body.ts";
import { concat } from "../support/bytes.ts";
import { RawHttp } from "../support/raw_http.ts";
import { inSteps } from "../support/steps.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";
import { loggedIn, login, loginRequest, testToken } from "../support/tokens.ts";

const SHOP = testToken("shop", ["call:echo"]);
const OLD = testToken("old", ["*"], { expires: -1000 });
const SHORT = testToken("short", ["*"], { expires: 60_000 });
const SLOW = testToken("slow", ["*"], { rate: "2/h" });

const start = () =>
  TestServer.start({
    server: { udp: "", auth: "token", max_login_failures: 0, http: "127.0.0.1:0" },
    file: { token: [SHOP, OLD, SHORT, SLOW].map(({ table }) => table) },
  });

Deno.test(
  "a listener that asks for a token",
  inSteps(start, {
    "refuses all else before a login, says so, and stays open": async (_, connection) => {
      const requests = [
        {},
        { sync: false },
        { plugin: "nobody" },
        { plugin: "Reserve.Stats" },
        { plugin: "Reserve.Status" },
        { plugin: "Reserve.Result" },
        { command: 101, params: { cachekey: "a", cacheval: "b" } },
        { command: 1000 },
        { body: new Uint8Array([1, 2, 3]) },
        { encoding: Encoding.Hdf },
        { encoding: Encoding.Cells },
      ];
      for (const request of requests) {
        await connection.send(streamRequest(request));
        const reply = await connection.reply();
        assertEquals(reply.code, 13, JSON.stringify(request));
        assertStringIncludes(messageOf(reply), "log in first");
      }
      const reply = await login(connection, SHOP.token);
      assertEquals([reply.code, valueOf(reply)], [1000, { name: "shop" }]);
    },
    "takes requests that come right behind the login, long ones too": async (_, connection) => {
      const params = { text: "x".repeat(20_000) };
      await connection.send(concat([loginRequest(SHOP.token), streamRequest({ id: 8, params })]));
      assertEquals((await connection.replies(2)).map(({ id, code }) => [id, code]), [[7, 1000], [8, 1000]]);
    },
    "takes a token in each encoding": async (server) => {
      for (const encoding of [Encoding.Hdf, Encoding.Json, Encoding.Cells]) {
        using connection = await server.connectUnix();
        const params = { token: SHOP.token };
        await connection.send(streamRequest({ plugin: "Reserve.Auth", command: 1, encoding, params }));
        assertEquals((await connection.reply()).code, 1000, `encoding ${encoding}`);
      }
    },
    "refuses wrong, missing, oversized and expired tokens, and ends the connection": async (server) => {
      const wrong = testToken("nobody", ["*"]).token;
      const refusals: readonly (readonly [token: string, sentence: string])[] = [
        ["", "no token was given"],
        [wrong, "the token is wrong"],
        [SHOP.token.slice(0, -1), "the token is wrong"],
        [`${SHOP.token} `, "the token is wrong"],
        ["x".repeat(1025), "at most 1024 characters"],
        [OLD.token, "token old has expired at"],
      ];
      const before = server.stats().limits["login"] ?? 0;
      for (const [token, sentence] of refusals) {
        using connection = await server.connect();
        const reply = await login(connection, token);
        assertEquals(reply.code, 13, sentence);
        assertStringIncludes(messageOf(reply), sentence);
        assertEquals(await connection.frame(), null);
      }
      // A missing one is no guess.
      assertEquals((server.stats().limits["login"] ?? 0) - before, refusals.length - 1);
      assert(!server.log.some((line) => line.includes(wrong)));
    },
    "ends a connection whose login cannot be read": async (_, connection) => {
      await connection.send(streamRequest({ plugin: "Reserve.Auth", command: 1, params: [1] }));
      assertEquals((await connection.reply()).code, 23);
      assertEquals(await connection.frame(), null);
    },
    "takes no message of more than 8 KiB before a login": async (_, connection) => {
      await connection.send(streamRequest({ params: { text: "x".repeat(9000) } }));
      const reply = await connection.reply();
      assertEquals(reply.code, 17);
      assertStringIncludes(messageOf(reply), "before a login it may have 8192: log in first");
      assertEquals(await connection.frame(), null);
    },
    "does not tell which plugins there are to whom may not use them": async (_, connection) => {
      await loggedIn(connection, SHOP.token);
      await connection.send(streamRequest({ plugin: "nobody" }));
      const reply = await connection.reply();
      assertEquals([reply.code, messageOf(reply)], [
        13,
        "shop may not do this: it lacks the right call:nobody",
      ]);
    },
    "lets a connection log in as another": async (_, connection) => {
      await loggedIn(connection, SHOP.token);
      await connection.send(streamRequest({ plugin: "Reserve.Status" }));
      assertEquals((await connection.reply()).code, 13);
      await loggedIn(connection, SHORT.token);
      await connection.send(streamRequest({ plugin: "Reserve.Status" }));
      assertEquals((await connection.reply()).code, 1000);
    },
    "bounds what all who use a token ask for": async (server, connection) => {
      await loggedIn(connection, SLOW.token);
      using other = await loggedIn(await server.connectUnix(), SLOW.token);
      const codes: number[] = [];
      for (const each of [connection, other, connection]) {
        await each.send(streamRequest());
        codes.push((await each.reply()).code);
      }
      assertEquals(codes, [1000, 1000, 21]);
      assertEquals(server.stats().limits["rate"], 1);
    },
    "is asked over HTTP by Authorization: Bearer": async (server) => {
      const ask = async (authorization?: string, path = "/v1/echo/1001", method = "POST") => {
        const response = await fetch(server.httpUrl + path, {
          method,
          headers: authorization === undefined ? {} : { authorization },
        });
        await response.body?.cancel();
        return [response.status, response.headers.get("www-authenticate")];
      };
      assertEquals(await ask(), [401, "Bearer"]);
      assertEquals(await ask("Basic QTpC"), [401, "Bearer"]);
      assertEquals(await ask("Bearer wrong"), [401, 'Bearer error="invalid_token"']);
      assertEquals(await ask(`Bearer ${OLD.token}`), [401, 'Bearer error="invalid_token"']);
      assertEquals(await ask(`bearer ${SHOP.token}`), [200, null]);
      assertEquals(await ask(`Bearer ${SLOW.token}`), [429, null]);
      assertEquals(await ask(undefined, "/openapi.json", "GET"), [401, "Bearer"]);
      assertEquals(await ask(undefined, "/readyz", "GET"), [200, null]);
    },
  }),
);

Deno.test("a login where nobody is asked for one is answered, and a connection that does not log in is closed", async () => {
  await using open = await TestServer.start();
  using anybody = await open.connect();
  const reply = await login(anybody, "anything");
  assertEquals([reply.code, valueOf(reply)], [1000, { name: "" }]);
  await using server = await TestServer.start({
    server: { udp: "", auth: "token", auth_timeout: "100ms" },
    file: { token: [SHOP.table] },
  });
  using silent = await server.connect();
  using known = await loggedIn(await server.connect(), SHOP.token);
  assertEquals(await silent.frame(), null);
  assertEquals(server.stats().limits["auth_timeout"], 1);
  await known.send(streamRequest());
  assertEquals((await known.reply()).code, 1000);
});

Deno.test("who fails too often waits for each further refusal, and a right token from there does not", async () => {
  await using server = await TestServer.start({
    server: { udp: "", auth: "token", max_login_failures: 2, login_delay: "1m", http: "127.0.0.1:0" },
    file: { token: [SHOP.table] },
  });
  for (let failures = 0; failures < 2; failures++) {
    using connection = await server.connect();
    assertEquals((await login(connection, "wrong")).code, 13);
  }
  using waiting = await server.connect();
  await waiting.send(concat([loginRequest("wrong"), loginRequest(SHOP.token)]));
  using waitingHttp = await RawHttp.connect(server.http);
  const call = (token: string) =>
    `POST /v1/echo/1001 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: 0\r\n\r\n`;
  await waitingHttp.send(call("wrong"), call(SHOP.token));
  await until("both failed logins wait", () => server.stats().limits["max_login_failures"] === 2);
  using known = await loggedIn(await server.connect(), SHOP.token);
  await known.send(streamRequest());
  assertEquals((await known.reply()).code, 1000);
  assertEquals(server.stats().limits["max_login_failures"], 2);
  // What waits is told when the server stops, and nothing that came behind it is done.
  const stopping = server.server.stop();
  const reply = await waiting.reply();
  assertEquals(reply.code, 13);
  assertStringIncludes(messageOf(reply), "127.0.0.1 has failed too often lately");
  assertEquals(await waiting.frame(), null);
  const told = await waitingHttp.rest();
  assertEquals(told.match(/^HTTP\/1.1 .*$/gm), ["HTTP/1.1 429 Too Many Requests"]);
  assertStringIncludes(told, "127.0.0.1 has failed too often lately");
  const seconds = Number(/^Retry-After: (\d+)/m.exec(told)?.[1]);
  assert(seconds >= 60 && seconds <= 120, told);
  await stopping;
});

Deno.test("a refused login that waited is told when its time is over", async () => {
  for (const portableSockets of [false, true]) {
    await using server = await TestServer.start({
      server: { udp: "", auth: "token", max_login_failures: 1, login_delay: "50ms", http: "127.0.0.1:0" },
      file: { token: [SHOP.table] },
      portableSockets,
    });
    for (let failures = 0; failures < 3; failures++) {
      using connection = await server.connect();
      assertEquals((await login(connection, "wrong")).code, 13);
      assertEquals(await connection.frame(), null);
    }
    const headers = { authorization: "Bearer wrong" };
    const response = await fetch(`${server.httpUrl}/v1/echo/1001`, { method: "POST", headers });
    assertStringIncludes((await response.json()).detail, "has failed too often lately");
    assertEquals([response.status, server.stats().limits["max_login_failures"]], [429, 3]);
  }
});

Deno.test("a token that expires is refused from then on, and its connection ends", async () => {
  const soon = testToken("soon", ["*"], { expires: 1500 });
  await using server = await TestServer.start({
    server: { udp: "", auth: "token" },
    file: { token: [soon.table] },
  });
  using idle = await loggedIn(await server.connect(), soon.token);
  using busy = await loggedIn(await server.connectUnix(), soon.token);
  let code = 1000;
  let sentence = "";
  while (code === 1000) {
    await busy.send(streamRequest());
    const reply = await busy.reply();
    code = reply.code;
    sentence = messageOf(reply);
  }
  assertEquals(code, 13);
  assertStringIncludes(sentence, "token soon has expired at");
  assertEquals(await busy.frame(), null);
  assertEquals(await idle.frame(), null);
});

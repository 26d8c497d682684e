import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { createHmac } from "node:crypto";
import { httpDate } from "../../plugins/webhook/http_date.ts";
import { retryAfterOf } from "../../plugins/webhook/response.ts";
import { webhookSettings } from "../../plugins/webhook/settings.ts";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import { deliver, NONE, ok, request, start, toEndpoint } from "../support/hook_plugin.ts";
import { HookServer, HOUSE_CA, HOUSE_SIGNED, RawHookServer, SELF_SIGNED } from "../support/hook_server.ts";

const EMPTY_200 = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

Deno.test("webhook: one attempt is one request, whatever the method, the body, and the way that no answer comes", async () => {
  const endings = {
    silence: "",
    status: "HTTP/1.1 20",
    head: "HTTP/1.1 200 OK\r\nx-half: ",
    body: "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc",
    chunk: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nabc",
    nonsense: "220 smtp.example.com\r\n",
    moved: "HTTP/1.1 307 Moved\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n",
    restarting: "HTTP/1.1 503 Soon\r\ncontent-length: 0\r\n\r\n",
  };
  const bodies: Record<string, JsonValue> = { json: { a: 1 }, none: {}, null: null };
  const texts: Record<string, JsonValue> = { text: "a;b", empty: "" };
  const endingOf = (head: string) =>
    Object.entries(endings).find(([name]) => head.split(" ")[1]!.startsWith(`/${name}`))![1];
  using raw = new RawHookServer(endingOf);
  const methods = ["POST", "PUT", "PATCH", "DELETE"];
  const endpoints = Object.fromEntries(
    methods.flatMap((method) =>
      Object.keys(endings).flatMap((ending) =>
        ["application/json", "text/plain"].map((type) => {
          const name = `${ending}-${method}-${type.slice(0, 4)}`;
          return [name, { url: `${raw.url}/${name}`, method, headers: { "content-type": type } }];
        })
      )
    ),
  );
  await using server = await start({ endpoints, breaker_failures: 0 });
  using connection = await server.connect();
  for (const endpoint of Object.keys(endpoints)) {
    for (const [kind, body] of Object.entries(endpoint.endsWith("text") ? texts : bodies)) {
      raw.received.length = 0;
      const params = kind === "none" ? { endpoint } : { endpoint, body };
      const { code } = await deliver(connection, params);
      assertEquals(code, endpoint.startsWith("moved") ? 40 : 14, endpoint);
      assertEquals(raw.received.length, 1, `${endpoint} ${kind}`);
      assert(raw.received[0]!.startsWith(`${endpoint.split("-")[1]} /${endpoint} HTTP/1.1\r\n`));
    }
  }
  raw.received.length = 0;
  const { failed } = server.plugin("hook");
  await connection.send(request({ endpoint: "silence-POST-appl" }, 1, false));
  await connection.reply();
  await server.until("the async one has failed, too", () => server.plugin("hook").failed === failed + 1);
  assertEquals(raw.received.length, 1);
});

Deno.test("webhook: a host that resets connections gets one request an attempt", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let requests = 0;
  const serving = (async () => {
    for await (const connection of listener) {
      // What is not read makes it a reset.
      requests += Number(await connection.read(new Uint8Array(1)) !== null);
      connection.close();
    }
  })();
  {
    await using server = await start(toEndpoint(`http://127.0.0.1:${listener.addr.port}`));
    using connection = await server.connect();
    assertEquals((await deliver(connection, { body: "x".repeat(10_000) })).code, 14);
    assertEquals(requests, 1);
  }
  listener.close();
  await serving;
});

Deno.test("webhook: connections that their host closes after some answers lose no delivery and double none", async () => {
  using raw = new RawHookServer(EMPTY_200, 3);
  await using server = await start(toEndpoint(raw.url));
  using connection = await server.connect();
  for (let i = 0; i < 60; i++) {
    assertEquals((await deliver(connection, { id: `evt-${i}` })).code, 1000, `${i}`);
  }
  const ids = raw.received.map((head) => /^webhook-id: (\S+)/m.exec(head)![1]);
  assertEquals(ids, Array.from({ length: 60 }, (_, i) => `evt-${i}`));
  // They are used again as long as they are there.
  assertEquals(raw.connections, 20);
});

Deno.test("webhook: requests take the config's proxy or none, whatever the environment says, and errors name it", async () => {
  await using hook = new HookServer(ok);
  using proxy = new RawHookServer(EMPTY_200.replace("200", "203"));
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
  for (const name of names) Deno.env.set(name, "http://127.0.0.1:9");
  Deno.env.set("NO_PROXY", "127.0.0.1,localhost");
  try {
    for (const isolation of ["worker", "process"] as const) {
      const through = `http://me:hidden@127.0.0.1:${proxy.port}`;
      const url = `${hook.url}/a`;
      const endpoints = {
        direct: { url, proxy: "none" },
        shop: { url },
        secure: { url: `https://localhost:${hook.port}/secret-path` },
        away: { url, proxy: "socks5://me:hidden@127.0.0.1:9" },
      };
      await using server = await start({ endpoints, proxy: through }, { isolation });
      Deno.env.delete("NO_PROXY");
      using connection = await server.connect();
      assertEquals((await deliver(connection, { endpoint: "direct" })).value["status"], 200);
      assertEquals((await deliver(connection)).value["status"], 203);
      assertStringIncludes(proxy.received.at(-1)!, `POST ${url} HTTP/1.1\r\n`);
      assertStringIncludes(proxy.received.at(-1)!, `proxy-authorization: Basic ${btoa("me:hidden")}`);
      const secure = await deliver(connection, { endpoint: "secure" });
      assertEquals(secure.code, 14);
      assertStringIncludes(proxy.received.at(-1)!, `CONNECT localhost:${hook.port} `);
      const away = await deliver(connection, { endpoint: "away" });
      assertStringIncludes(
        away.message,
        "endpoint away cannot be reached through the proxy 127.0.0.1:9: ",
      );
      for (const { message } of [secure, away]) {
        assertEquals(/hidden|secret-path/.test(message), false, message);
      }
    }
    assertEquals(Deno.env.get("HTTP_PROXY"), "http://127.0.0.1:9");
  } finally {
    for (const name of [...names, "NO_PROXY"]) Deno.env.delete(name);
  }
  assertEquals(hook.received.length, 2);
  const config = toEndpoint(hook.url, { proxy: "http://127.0.0.2:3128" });
  await assertRejects(() => start(config), Error, 'the network at "127.0.0.2:3128"');
  for (
    const text of ["127.0.0.1:3128", "ftp://x", "http://x/path", "http://x?y", "socks4://x", "http://%zz@x"]
  ) {
    await assertRejects(() => start(toEndpoint(hook.url, { proxy: text })), Error, "proxy is to be");
  }
});

Deno.test("webhook: an authority of the house's own is trusted where the config names its file", async () => {
  await using hook = new HookServer(ok, HOUSE_SIGNED);
  const file = await Deno.makeTempFile();
  const url = `https://localhost:${hook.port}/`;
  const permissions = { ...NONE, net: ["localhost"], read: [file] };
  try {
    await Deno.writeTextFile(file, `the house\n${HOUSE_CA}`);
    const endpoints = { house: { url, ca_file: file }, others: { url } };
    await using server = await start({ endpoints }, { permissions });
    using connection = await server.connect();
    assertEquals((await deliver(connection, { endpoint: "house" })).code, 1000);
    const { code, message } = await deliver(connection, { endpoint: "others" });
    assertEquals(code, 14);
    assertStringIncludes(message, "invalid peer certificate: UnknownIssuer");
    const config = toEndpoint(url, { ca_file: file });
    await assertRejects(() => start(config, { permissions: { ...permissions, read: false } }), Error, file);
    await Deno.writeTextFile(file, HOUSE_SIGNED.key);
    await assertRejects(() => start(config, { permissions }), Error, "has no certificate in it");
    await Deno.writeTextFile(file, SELF_SIGNED.cert.replace(/\n.{8}/, "\nAAAAAAAA"));
    await assertRejects(() => start(config, { permissions }), Error, "has a certificate that cannot be read");
  } finally {
    await Deno.remove(file);
  }
  for (
    const [key, path, why] of [
      ["ca_file", file, "there is no such file or folder"],
      ["ca_file", "/tmp", "it is a folder"],
      ["secret_file", file, "there is no such file or folder"],
    ] as const
  ) {
    const permitted = { permissions: { ...permissions, read: [path] } };
    const sentence = `config.endpoints.shop.${key}: ${path} cannot be read: ${why}`;
    await assertRejects(() => start(toEndpoint(url, { [key]: path }), permitted), Error, sentence);
  }
});

Deno.test("webhook: while secrets are changed, requests are signed with the new one and the old one", async () => {
  await using hook = new HookServer(ok);
  const secrets = ["the secret of tomorrow", `whsec_${btoa("the secret of today")}`];
  await using server = await start(toEndpoint(hook.url, { secret: secrets }));
  using connection = await server.connect();
  await deliver(connection, { id: "evt-1", body: [1] });
  const { headers } = hook.received[0]!;
  const signed = `evt-1.${headers.get("webhook-timestamp")}.[1]`;
  const signatures = ["the secret of tomorrow", "the secret of today"].map((key) =>
    `v1,${createHmac("sha256", key).update(signed).digest("base64")}`
  );
  assertEquals(headers.get("webhook-signature"), signatures.join(" "));
  for (
    const [secret, sentence] of [
      [[secrets[0]!, "short"], "config.endpoints.shop.secret[1] has 5 bytes"],
      [[], "a text that is not empty, or a list of such"],
      [Array<string>(9).fill(secrets[0]!), "has 9 secrets; it may have 8"],
    ] as const
  ) {
    const config = toEndpoint(hook.url, { secret: [...secret] });
    await assertRejects(() => start(config), Error, sentence);
  }
});

Deno.test("webhook: an id with a dot is refused, as the signed text is joined with it; a null is a body", async () => {
  await using hook = new HookServer(ok);
  await using server = await start(toEndpoint(hook.url));
  using connection = await server.connect();
  for (const id of ["evt.1", ".", "1.2.3"]) {
    const { code, message } = await deliver(connection, { id });
    assertEquals(code, 41, id);
    assertStringIncludes(message, "none of them a dot");
  }
  const made = await deliver(connection, { body: null });
  assertEquals(String(made.value["id"]).includes("."), false);
  await deliver(connection);
  assertEquals(hook.received.map(({ body }) => body), ["null", "{}"]);
});

Deno.test("webhook: what a host refuses is refused although its answer breaks off, and a success that does is no success", async () => {
  const broken = (status: number, extra = "") =>
    `HTTP/1.1 ${status} X\r\n${extra}content-encoding: gzip\r\ncontent-length: 8\r\n\r\nno gzip!`;
  const answers: [string, number, string][] = [
    [broken(404), 40, "answered 404"],
    [broken(404).replace("length: 8", "length: 80"), 40, "answered 404"],
    [broken(503, "retry-after: 0\r\n"), 14, "answered 503"],
    [broken(200), 14, "cannot be reached"],
  ];
  let answer = "";
  using raw = new RawHookServer(() => answer);
  await using server = await start(toEndpoint(raw.url, {}, { breaker_failures: 0 }));
  using connection = await server.connect();
  for (const [bytes, code, sentence] of answers) {
    answer = bytes;
    const reply = await deliver(connection);
    assertEquals(reply.code, code, bytes);
    assertStringIncludes(reply.message, sentence);
  }
});

Deno.test("webhook: a Retry-After is seconds or a date in one of HTTP's three forms, in UTC; other texts ask nothing", () => {
  const now = Date.UTC(2026, 6, 1, 12, 0, 0);
  for (
    const [text, ms] of [
      ["7", 7000],
      ["0", 0],
      ["99999999999999999999", 4 * 3_600_000],
      ["Wed, 01 Jul 2026 12:00:10 GMT", 10_000],
      ["Wednesday, 01-Jul-26 12:00:10 GMT", 10_000],
      ["Wed Jul  1 12:00:10 2026", 10_000],
      ["Wed Jul  1 23:00:10 2026", 4 * 3_600_000],
      ["Wed, 01 Jul 2026 11:59:59 GMT", 0],
      ["Sun, 06 Nov 1994 08:49:37 GMT", 0],
      ["Wed, 01 Jul 2026 12:00:10", 0],
      ["Wed, 01 Jul 2026 12:00:10 +0200", 0],
      ["Wed, 01 Jul 2026 12:00:10 CEST", 0],
      ["Wed, 31 Jun 2026 12:00:10 GMT", 0],
      ["Wed, 01 Jul 2026 24:00:10 GMT", 0],
      ["2026-07-01T12:00:10Z", 0],
      ["x 2099", 0],
      ["1/1/2099", 0],
      ["2099", 2_099_000],
      ["-5", 0],
      ["1.5", 0],
      ["30s", 0],
      ["120, 120", 0],
      ["", 0],
    ] as const
  ) assertEquals(retryAfterOf(text, now), ms, text);
  assertEquals(retryAfterOf(null, now), 0);
  // The same in all forms, and a year of two digits is within fifty of this one.
  const dates = [
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
  ];
  for (const text of dates) assertEquals(httpDate(text, now), Date.UTC(1994, 10, 6, 8, 49, 37), text);
  assertEquals(httpDate("Tuesday, 01-Jan-75 00:00:00 GMT", now), Date.UTC(2075, 0, 1));
  assertEquals(httpDate("Saturday, 01-Jan-77 00:00:00 GMT", now), Date.UTC(1977, 0, 1));
  assertEquals(httpDate("Sat, 31 Dec 2016 23:59:60 GMT", now), Date.UTC(2017, 0, 1));
});

Deno.test("webhook: a config that is wrong is told key by key, and no secret with it", async () => {
  const url = "https://hooks.example.com/x";
  for (
    const [config, sentence] of [
      [{}, "neither endpoints nor allow_hosts"],
      [{ endpoints: { a: {} } }, "config.endpoints.a.url is missing"],
      [
        { endpoints: { a: { url: "ftp://x" } } },
        "config.endpoints.a.url is to be a URL that begins with https://",
      ],
      [{ endpoints: { a: { url: "https://me:hidden@x/" } } }, "has a user or a password in it"],
      [{ endpoints: { a: { url, rate: "20" } } }, "config.endpoints.a.rate is to be a number of requests"],
      [{ endpoints: { a: { url, timeout: 7 } } }, "config.endpoints.a.timeout is to be a duration"],
      [{ endpoints: { a: { url, method: "GET" } } }, "one of POST, PUT, PATCH, DELETE"],
      [{ endpoints: { a: { url, headers: { "a b": "x" } } } }, "no header's name"],
      [{ endpoints: { a: { url, headers: { Host: "x" } } } }, "which mevent sets itself"],
      [{ endpoints: { a: { url, headers: { a: "hidden\n" } } } }, "is not plain printable text"],
      [{ endpoints: { a: { url, secret: "hidden-hidden-hid", secret_env: "X" } } }, "given more than once"],
      [{ endpoints: { a: { url }, b: { url, rate: "1/s" } } }, "on the same host, hooks.example.com"],
      [{ endpoints: { a: { url, colour: 1 } } }, 'has no key "colour"'],
      [{ allow_hosts: ["https://x/path"] }, "config.allow_hosts has"],
    ] as const
  ) {
    const error = assertThrows(() => webhookSettings(config as JsonObject), Error, sentence);
    assertEquals(error.message.includes("hidden"), false);
  }
  // Where the plugin starts, its secrets are read, too.
  for (
    const [config, sentence] of [
      [{}, "neither endpoints nor allow_hosts"],
      [{ endpoints: { a: { url, secret: "hidden" } } }, "a secret is to have 16 at least"],
      [{ endpoints: { a: { url, secret: "whsec_hidden-*" } } }, "is not base64"],
      [{ endpoints: { a: { url, secret_file: "/no/such" } } }, "/no/such"],
    ] as const
  ) {
    const error = await assertRejects(() => start(config as JsonObject), Error, sentence);
    assertEquals(error.message.includes("hidden"), false);
  }
});

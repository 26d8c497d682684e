import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { ConfigError } from "../../src/config/config_error.ts";
import { loadConfig } from "../../src/config/load.ts";
import { freePort } from "../../bench/support/free_port.ts";
import { httpRequest, RawHttp } from "../support/raw_http.ts";
import { TestServer } from "../support/test_server.ts";

const NDJSON = { "Content-Type": "application/x-ndjson" };

for (const portableSockets of [false, true]) {
  const sockets = portableSockets ? "Deno's own sockets" : "epoll";

  Deno.test(`an HTTP listener is opened, kept and closed by reloads; its connections stay (${sockets})`, async () => {
    await using server = await TestServer.start({ portableSockets });
    const port = freePort();
    const http = { http: `127.0.0.1:${port}` };
    const address = { hostname: "127.0.0.1", port };
    await assertRejects(() => RawHttp.connect(address));
    assertEquals((await server.reload({ server: http })).changed, [`listener http 127.0.0.1:${port} opened`]);
    using raw = await RawHttp.connect(address);
    const page = httpRequest("POST", "/v1/echo/1001", {
      body: "{}",
      headers: { Origin: "https://shop.example" },
    });
    await raw.send(page);
    assertEquals((await raw.response()).status, 403);

    const { changed } = await server.reload({ server: { ...http, cors: "https://shop.example" } });
    assertEquals(changed, [`listener http 127.0.0.1:${port}: cors [] -> ["https://shop.example"]`]);
    await raw.send(page);
    assertEquals((await raw.response()).status, 200);

    assertEquals((await server.reload({})).changed, [`listener http 127.0.0.1:${port} closed`]);
    await assertRejects(() => RawHttp.connect(address));
    await raw.send(httpRequest("POST", "/v1/echo/1001", { body: '{"still":"here"}' }));
    assertEquals((await raw.response()).body, '{"still":"here"}');
  });
}

Deno.test("HTTP is the same over Deno's own sockets", async (t) => {
  await using server = await TestServer.start({
    portableSockets: true,
    server: { http: "127.0.0.1:0", max_frame: "64 KiB" },
  });
  using raw = await RawHttp.connect(server.http);

  await t.step("operations, pipelined and in pieces", async () => {
    await raw.send(
      Array.from({ length: 100 }, (_, n) => httpRequest("POST", "/v1/echo/1001", { body: `{"n":${n}}` }))
        .join(""),
    );
    for (let n = 0; n < 100; n++) assertEquals((await raw.response()).body, `{"n":${n}}`);
    for (const byte of httpRequest("POST", "/v1/echo/1001?async", { body: "{}" })) await raw.send(byte);
    assertEquals((await raw.response()).status, 202);
  });

  await t.step("a batch that is longer than all buffers", async () => {
    const count = 5000;
    const lines = Array.from(
      { length: count },
      (_, id) => `{"id":${id},"plugin":"echo","command":1001,"params":{"text":"${"x".repeat(400)}"}}\n`,
    ).join("");
    const sending = raw.send(
      httpRequest("POST", "/v1/batch", { headers: { ...NDJSON, "Content-Length": String(lines.length) } }),
      lines,
    );
    const { body } = await raw.response();
    await sending;
    assertEquals(body.trimEnd().split("\n").length, count);
  });

  await t.step("what is wrong is told before the connection closes", async () => {
    await raw.send(httpRequest("POST", "/v1/echo/1001", { headers: { "Content-Length": "99999999" } }) + "{");
    const { status, headers } = await raw.response();
    assertEquals([status, headers.get("connection")], [413, "close"]);
    assertEquals(await raw.rest(), "");
  });
});

Deno.test("a listener is not given keys that say nothing over its transport", () => {
  const problem = (listener: Record<string, unknown>) =>
    assertThrows(() => loadConfig({ env: {}, flags: {}, document: { listener: [listener] } }), ConfigError)
      .message;
  assertStringIncludes(
    problem({ http: "127.0.0.1:1", legacy: true }),
    "legacy is not for a listener of http",
  );
  assertStringIncludes(problem({ tcp: "127.0.0.1:1", cors: "*" }), "cors is not for a listener of tcp");
  assertStringIncludes(problem({ http: "127.0.0.1:1", cors: "shop.example" }), "expected an origin such as");
  assertStringIncludes(problem({ tcp: "127.0.0.1:1", admin: "off" }), "admin is not for a listener of tcp");
  assertStringIncludes(problem({ unix: "/x", http_hosts: "a" }), "http_hosts is not for a listener of unix");
  assertStringIncludes(
    problem({ http: "127.0.0.1:1", admin: "some" }),
    'expected "auto", "full", "read", "off"',
  );
  for (const name of ["https://a.example", "a.example:80", "a b", "-a", "a..b", "x".repeat(254)]) {
    assertStringIncludes(problem({ http: "127.0.0.1:1", http_hosts: [name] }), "expected a host's name");
  }
  assertStringIncludes(
    problem({ tcp: "127.0.0.1:1", http: "127.0.0.1:2" }),
    "expected one of tcp, udp, unix, http",
  );
  const same = { server: { tcp: "127.0.0.1:5" }, listener: [{ http: "127.0.0.1:5" }] };
  const { message } = assertThrows(() => loadConfig({ env: {}, flags: {}, document: same }), ConfigError);
  assertStringIncludes(message, "tcp 127.0.0.1:5 stands at server.tcp already");
});

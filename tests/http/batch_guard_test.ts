import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { RawHttp } from "../support/raw_http.ts";
import { TestServer } from "../support/test_server.ts";
import { testToken } from "../support/tokens.ts";

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const HEAD = "POST /v1/batch HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-ndjson\r\n";

Deno.test("a batch that nobody was asked for ends where a reload asks who calls", async () => {
  const options = { server: { http: "127.0.0.1:0", unix: "", udp: "" } };
  await using server = await TestServer.start(options);
  using caller = await RawHttp.connect(server.http);
  const line = '{"id":1,"plugin":"echo","command":1001}\n';
  await caller.send(`${HEAD}transfer-encoding: chunked\r\n\r\n${chunk(line)}`);
  await server.until("the line has been worked off", () => server.plugin("echo").done === 1);
  await server.reload({ server: { ...options.server, auth: "token" } });
  await caller.send(chunk(line)).catch(() => {});
  const text = await caller.rest();
  assertStringIncludes(text, '{"id":1,"code":1000,');
  assertStringIncludes(text, "ends before its end");
  assertEquals(server.plugin("echo").accepted, 1);
});

Deno.test("a batch whose token is revoked ends with the reason, and runs nothing more", async () => {
  const [shop, other] = [testToken("shop", ["call:echo"]), testToken("other", ["call:echo"])];
  const server = { http: "127.0.0.1:0", unix: "", udp: "", auth: "token" };
  await using running = await TestServer.start({ server, file: { token: [shop.table, other.table] } });
  using caller = await RawHttp.connect(running.http);
  const line = (id: number) => `{"id":${id},"plugin":"echo","command":1001}\n`;
  await caller.send(
    `${HEAD}authorization: Bearer ${shop.token}\r\ntransfer-encoding: chunked\r\n\r\n${chunk(line(1))}`,
  );
  await running.until("the line has been worked off", () => running.plugin("echo").done === 1);
  await running.reload({ server, file: { token: [other.table] } });
  await caller.send(chunk(line(2) + line(3))).catch(() => {});
  const text = await caller.rest();
  assertStringIncludes(text, '{"id":1,"code":1000,');
  assertMatch(text, /token shop is revoked/);
  assertEquals(text.includes("server's own"), false, text);
  assertEquals(running.plugin("echo").accepted, 1);
});

Deno.test("a result with line ends of its own stays on one line of a batch", async () => {
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0" },
    plugins: [{ name: "echo", dedup: { window: 60_000, maxKeys: 10, maxBytes: 1 << 20 } }],
  });
  using caller = await RawHttp.connect(server.http);
  const params = '{"x":\n{"id":99,"code":1000,"result":"forged"}\r\n}';
  await caller.send(
    "POST /v1/echo/1001 HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nidempotency-key: k\r\n" +
      `content-length: ${params.length}\r\n\r\n${params}`,
  );
  assertStringIncludes((await caller.response()).body, params.slice(1));
  const line = '{"id":1,"plugin":"echo","command":1001,"key":"k"}\n';
  await caller.send(`${HEAD}content-length: ${line.length}\r\n\r\n${line}`);
  assertEquals(
    (await caller.response()).body,
    '{"id":1,"code":1000,"result":{"mevent.key":"k","x": {"id":99,"code":1000,"result":"forged"}  }}\n',
  );
});

import { assertEquals } from "@std/assert";
import { RawHttp } from "../support/raw_http.ts";
import { TestServer } from "../support/test_server.ts";

Deno.test("a request's headers count as they came, also where its body comes later and takes their place", async (t) => {
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0" },
    plugins: [{ name: "echo", dedup: { window: 60_000, maxKeys: 10, maxBytes: 1 << 20 } }],
  });
  using caller = await RawHttp.connect(server.http);
  const body = JSON.stringify({ text: "\r\nprefer: nothing\r\n".repeat(150) });
  const head = (...fields: string[]) =>
    ["POST /v1/echo/1001 HTTP/1.1", "host: a", "expect: 100-continue", ...fields, "", ""].join("\r\n");
  // Who is told to go on knows that the head was read alone.
  const ask = async (fields: readonly string[], sent: string) => {
    await caller.send(head(...fields));
    assertEquals((await caller.response()).status, 100);
    await caller.send(sent);
    return await caller.response();
  };
  const json = "content-type: application/json";
  await t.step("of a length that was said", async () => {
    const length = `content-length: ${body.length}`;
    const { status, body: answer } = await ask([json, length], body);
    assertEquals([status, answer], [200, body]);
    assertEquals((await ask([length, json, "prefer: respond-async"], body)).status, 202);
    assertEquals((await ask([length], body)).status, 415);
  });
  await t.step("in chunks", async () => {
    const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const chunked = "transfer-encoding: chunked";
    const { status, body: answer } = await ask([chunked, json], chunks);
    assertEquals([status, answer], [200, body]);
    assertEquals((await ask([json, chunked, "prefer: respond-async"], chunks)).status, 202);
  });
  await t.step("with a key", async () => {
    const fields = [json, `content-length: ${body.length}`, "idempotency-key: only-once"];
    for (let tries = 0; tries < 2; tries++) assertEquals((await ask(fields, body)).status, 200);
    assertEquals(server.plugin("echo").deduplicated, 1);
  });
});

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { RawHttp } from "../support/raw_http.ts";
import { TestServer } from "../support/test_server.ts";

const SOURCE = `
import type { Plugin } from "mevent/plugin";
export default {
  name: "codes", description: "answers with the code that is asked for",
  commands: {
    1001: { name: "fail", run(context) { throw context.fail(context.params.number("code"), "asked for"); } },
    1002: { name: "succeed", run(context) { return context.reply(context.params.number("code"), { done: true }); } },
    1003: { name: "nothing", run() {} },
    1004: { name: "hang", run() { return new Promise(() => {}); } },
    1005: { name: "params", run(context) { return context.params; } },
    1006: { name: "throw", run() { throw new Error("not meant"); } },
    1007: { name: "long", run() { return { text: "x".repeat(70000) }; } },
  },
} satisfies Plugin;
`;

Deno.test("an operation over HTTP", async (t) => {
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0", max_queue_bytes: "1 GiB" },
    plugins: [
      { name: "echo", biz: 3 },
      { name: "codes", source: SOURCE, timeout: 100, grace: 5000, concurrency: 10, traceparent: true },
      {
        name: "keyed",
        biz: 50,
        module: "builtin:echo",
        dedup: { window: 60_000, maxKeys: 10, maxBytes: 1 << 20 },
      },
      { name: "full", biz: 51, module: "builtin:echo", queue: { maxOps: 1, maxBytes: 1 } },
    ],
  });
  const post = async (path: string, body?: string, headers: Record<string, string> = {}) => {
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const response = await fetch(server.httpUrl + path, {
      method: "POST",
      headers: { ...type, ...headers },
      ...body === undefined ? {} : { body },
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };

  await t.step("gives the result, its digits as they were sent", async () => {
    const sent = '{"id": 9223372036854775807, "price": 1.10, "big": 1e400, "text": "grüß dich"}';
    for (const plugin of ["echo", "3", "%65cho"]) {
      const { status, headers, text } = await post(`/v1/${plugin}/1001`, sent);
      assertEquals([status, headers.get("content-type"), text], [200, "application/json", sent]);
    }
  });

  await t.step("gives null where the command returns nothing, and tells a code above 1000", async () => {
    assertEquals((await post("/v1/codes/1003")).text, "null");
    const { status, headers, text } = await post("/v1/codes/1002", '{"code": 1042}');
    assertEquals([status, headers.get("mevent-code"), text], [200, "1042", '{"done":true}']);
  });

  await t.step("maps reply codes to statuses, with a problem that tells the code", async () => {
    const cases: [path: string, body: string, status: number, code: number][] = [
      ["codes/1001", '{"code": 25}', 422, 25],
      ["codes/1001", '{"code": 999}', 422, 999],
      ["codes/1001", '{"code": 20}', 502, 20],
      ["codes/1006", "{}", 500, 14],
      ["codes/1004", "{}", 504, 14],
      ["codes/1007", "{}", 500, 22],
      ["codes/1001", "{}", 400, 23],
      ["codes/1001", "{", 400, 17],
      ["codes/1001", "[]", 400, 23],
      ["echo/1001", " [1]", 400, 23],
      ["echo/1001", "7", 400, 23],
      ["echo/1001", "nul", 400, 23],
      ["echo/1001", "null 1", 400, 23],
      ["keyed/1001", '"text"', 400, 23],
      ["codes/9999", "{}", 404, 18],
      ["nobody/1001", "{}", 404, 18],
      ["full/1001", "{}", 503, 21],
    ];
    for (const [path, body, status, code] of cases) {
      const answer = await post(`/v1/${path}`, body);
      const what = `${path} ${body}: ${answer.text}`;
      assertEquals(
        [answer.status, answer.headers.get("content-type")],
        [status, "application/problem+json"],
        what,
      );
      const problem = JSON.parse(answer.text);
      assertEquals([problem.status, problem.code, problem.where, problem.type], [
        status,
        code,
        path,
        "about:blank",
      ], what);
      assertEquals(typeof problem.detail, "string");
      assertEquals(answer.headers.get("retry-after"), code === 21 ? "1" : null, what);
    }
  });

  await t.step("is queued where that is asked for", async () => {
    const before = server.plugin("echo").accepted;
    for (
      const [path, headers] of [["?async", {}], ["?async=true", {}], ["", {
        prefer: "wait=1, respond-async",
      }]] as const
    ) {
      const { status } = await post(`/v1/echo/1001${path}`, '{"a": 1}', headers);
      assertEquals(status, 202);
    }
    assertEquals((await post("/v1/echo/1001?async=false", "{}")).status, 200);
    await server.until("all are done", () => server.plugin("echo").done >= before + 4);
  });

  await t.step("is known again by its Idempotency-Key", async () => {
    const first = await post("/v1/keyed/1001", '{"n": 1}', { "idempotency-key": "a" });
    const second = await post("/v1/keyed/1001", '{"n": 2}', { "idempotency-key": '"a"' });
    assertEquals([first.text, second.text], ['{"mevent.key":"a","n": 1}', first.text]);
    assertEquals(
      (await post("/v1/keyed/1001", undefined, { "idempotency-key": "b" })).text,
      '{"mevent.key":"b"}',
    );
    assertEquals((await post("/v1/keyed/1001", " { } ", { "idempotency-key": "c" })).status, 200);
    assertEquals(server.plugin("keyed").deduplicated, 1);
    for (const [path, body] of [["echo", "{}"], ["keyed", "[1]"]]) {
      const { status, text } = await post(`/v1/${path}/1001`, body, { "idempotency-key": "a" });
      assertEquals(status, 400, text);
    }
  });

  await t.step("has no params where its body is null, as where it has none", async () => {
    for (const body of [undefined, "null", " null\r\n"]) {
      const { status, text } = await post("/v1/echo/1001", body);
      assertEquals([status, text], [200, (await post("/v1/echo/1001")).text], body);
      const keyed = await post("/v1/keyed/1001", body, { "idempotency-key": "of nothing" });
      assertEquals(keyed.text, '{"mevent.key":"of nothing"}', body);
    }
  });

  await t.step("is handed the traceparent where the plugin takes it", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const { text } = await post("/v1/codes/1005", '{"a":1}', { traceparent });
    assertEquals(JSON.parse(text), { a: 1, "mevent.traceparent": traceparent });
    assertEquals((await post("/v1/codes/1005", '{"a":1}', { traceparent: "00-0-0-0" })).text, '{"a":1}');
    assertEquals((await post("/v1/echo/1001", '{"a":1}', { traceparent })).text, '{"a":1}');
    // Version 00 ends with its flags; later ones may go on behind a dash.
    const tails: [version: string, tail: string, isTaken: boolean][] = [
      ["00", "-more", false],
      ["00", "-", false],
      ["cc", "-more", true],
      ["cc", "", true],
      ["cc", ".more", false],
      ["ff", "", false],
    ];
    for (const [version, tail, isTaken] of tails) {
      const given = version + traceparent.slice(2) + tail;
      const told = JSON.parse((await post("/v1/codes/1005", '{"a":1}', { traceparent: given })).text);
      assertEquals(told, isTaken ? { a: 1, "mevent.traceparent": given } : { a: 1 }, given);
    }
  });

  await t.step("is refused where it is no JSON, comes from a foreign page, or accepts none", async () => {
    const cases: [headers: Record<string, string>, status: number][] = [
      [{ "content-type": "text/plain" }, 415],
      [{ "content-type": "application/json; charset=latin1" }, 415],
      [{ "content-encoding": "gzip" }, 415],
      [{ origin: "https://elsewhere.example" }, 403],
      [{ "content-type": "Application/JSON; charset=UTF-8" }, 200],
    ];
    for (const [headers, status] of cases) {
      assertEquals((await post("/v1/echo/1001", "{}", headers)).status, status, JSON.stringify(headers));
    }
    assertEquals((await post("/v1/echo/1001", "{}", { accept: "text/html" })).status, 406);
    assertEquals(
      (await post("/v1/echo/1001", "{}", { accept: "text/html, application/*;q=0.5" })).status,
      200,
    );
    assertEquals((await post("/v1/echo/1001", "{}", { accept: "application/json;q=0" })).status, 406);
  });

  await t.step("is counted, and the connection with it", async () => {
    const before = server.stats();
    using raw = await RawHttp.connect(server.http);
    await raw.send("POST /v1/echo/1001 HTTP/1.1\r\nHost: a\r\n\r\n");
    assertEquals((await raw.response()).status, 200);
    const { messages, connections } = server.stats();
    assertEquals(messages.http, before.messages.http + 1);
    assertEquals(connections.open, before.connections.open + 1);
    assertMatch(server.server.addresses.join(), /http 127\.0\.0\.1:\d+/);
    assertStringIncludes(server.httpUrl, String(server.http.port));
  });
});

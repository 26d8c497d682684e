import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { httpRequest, RawHttp } from "../support/raw_http.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

const SOURCE = `
import type { Plugin } from "mevent/plugin";
const gates: (() => void)[] = [];
export default {
  name: "gate", description: "holds what comes until it is let go",
  concurrency: 1000,
  commands: {
    1001: { name: "hold", run: () => new Promise<void>((resolve) => { gates.push(resolve); }) },
    1002: { name: "open", run() { for (const open of gates.splice(0)) open(); } },
    1003: { name: "succeed", run(context) { return context.reply(1042, { done: true }); } },
    1004: { name: "fail", run(context) { throw context.fail(40, 'not "that"'); } },
  },
} satisfies Plugin;
`;

const NDJSON = { "Content-Type": "application/x-ndjson" };

Deno.test("a batch over HTTP", async (t) => {
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0", max_in_flight: 8, max_frame: "64 KiB", max_unread_reply_bytes: "64 KiB" },
    plugins: [
      { name: "echo", biz: 3 },
      { name: "gate", source: SOURCE },
      {
        name: "keyed",
        module: "builtin:echo",
        biz: 50,
        dedup: { window: 60_000, maxKeys: 9, maxBytes: 1 << 20 },
      },
    ],
  });
  const batch = async (
    body: string | ReadableStream<Uint8Array>,
    headers: Record<string, string> = NDJSON,
  ) => {
    const response = await fetch(`${server.httpUrl}/v1/batch`, { method: "POST", headers, body });
    const text = await response.text();
    return { response, text, lines: response.ok ? text.split("\n").slice(0, -1) : [] };
  };

  await t.step("answers each line by its own id, digits as they were sent", async () => {
    const { response, lines } = await batch([
      '{"id": 9223372036854775807, "plugin": "echo", "command": 1001, "params": {"n": 1.10, "text": "}\\"{ü"}}',
      '{"id":"a\\u0041","command":1001,"plugin":3}\r',
      "",
      '{"plugin":"gate","command":1003,"params":null}',
      '{"id":-1.5e3,"plugin":"gate","command":1004,"async":false}',
    ].join("\n"));
    assertEquals([response.status, response.headers.get("content-type")], [200, "application/x-ndjson"]);
    assertEquals(
      lines.toSorted(),
      [
        '{"id":9223372036854775807,"code":1000,"result":{"n": 1.10, "text": "}\\"{ü"}}',
        '{"id":"a\\u0041","code":1000,"result":null}',
        '{"line":4,"code":1042,"result":{"done":true}}',
        '{"id":-1.5e3,"code":40,"status":422,"error":"not \\"that\\""}',
      ].toSorted(),
    );
  });

  await t.step("queues lines that are async, and tells their ids", async () => {
    const { lines } = await batch('{"id":1,"plugin":"echo","command":1001,"async":true}\n');
    const { id, code, accepted } = JSON.parse(lines[0]!);
    assertEquals([id, code, typeof accepted.id], [1, 1000, "string"]);
  });

  await t.step("knows keys where the plugin does", async () => {
    const { lines } = await batch(
      '{"id":1,"plugin":"keyed","command":1001,"key":"k\\"1","params":{"n":1}}\n' +
        '{"id":2,"plugin":"echo","command":1001,"key":"k"}\n',
    );
    assertEquals(lines.map((line) => JSON.parse(line)).toSorted((a, b) => a.id - b.id), [
      { id: 1, code: 1000, result: { "mevent.key": 'k"1', n: 1 } },
      { id: 2, code: 23, status: 400, error: "the plugin remembers no keys: leave the key out" },
    ]);
  });

  await t.step("tells what is wrong with a line, and goes on", async () => {
    const wrong = [
      "nothing",
      "[1]",
      '{"id":1,"plugin":"echo","command":1001',
      '{"id":1,"plugin":"echo","command":1001}}',
      '{"id":1,"plugin":"echo","command":1001,}',
      '{"id":1,"plugin":"echo"}',
      '{"id":1,"command":1001}',
      '{"id":{},"plugin":"echo","command":1001}',
      '{"id":01,"plugin":"echo","command":1001}',
      `{"id":"${"x".repeat(64)}","plugin":"echo","command":1001}`,
      '{"id":1,"plugin":"echo","command":"1001"}',
      '{"id":1,"plugin":"echo","command":65536}',
      '{"id":"params","plugin":"echo","command":1001,"params":[]}',
      '{"id":"params","plugin":"echo","command":1001,"params":7}',
      '{"id":1,"plugin":"echo","command":1001,"async":1}',
      '{"id":1,"plugin":"echo","command":1001,"cmd":1}',
      '{"id":1,"plugin":"echo","command":1001,"params":{"a":1]}}',
      '{"id":1,"plugin":"nobody","command":1001}',
      '{"id":1,"plugin":"echo","command":9}',
    ];
    const { lines } = await batch([...wrong, '{"id":"last","plugin":"echo","command":1001}'].join("\n"));
    assertEquals(lines.length, wrong.length + 1);
    for (const line of lines) {
      const { id, code, error, status } = JSON.parse(line);
      if (id === "last") assertEquals(code, 1000);
      else if (id === "params") assertEquals([code, status], [23, 400]);
      else assert((code === 17 || code === 18) && typeof error === "string" && status >= 400, line);
    }
  });

  await t.step("is refused as a whole where it is of another type", async () => {
    assertEquals((await batch("{}", { "Content-Type": "application/json" })).response.status, 415);
    assertEquals((await batch("{}", { ...NDJSON, Accept: "application/json" })).response.status, 406);
    const { response } = await batch("");
    assertEquals(response.status, 200);
  });

  await t.step("is answered while it is sent, and read no faster than its lines are worked off", async () => {
    const { accepted } = server.plugin("gate");
    using raw = await RawHttp.connect(server.http);
    const line = '{"plugin":"gate","command":1001}\n';
    const chunk = `${line.length.toString(16)}\r\n${line}\r\n`;
    await raw.send(
      httpRequest("POST", "/v1/batch", { headers: { ...NDJSON, "Transfer-Encoding": "chunked" } }),
    );
    await raw.send(chunk.repeat(20));
    await server.until("as many are under way as may be", () => server.plugin("gate").in_flight === 8);
    assertEquals(server.plugin("gate").accepted, accepted + 8);
    await raw.send("0\r\n\r\n");
    for (let left = 20; left > 0; left -= 8) {
      const many = Math.min(8, left);
      await server.until(`${many} more wait`, () => server.plugin("gate").in_flight === many);
      await fetch(`${server.httpUrl}/v1/gate/1002`, { method: "POST" }).then((each) => each.body?.cancel());
    }
    const { status, body } = await raw.response();
    assertEquals([status, body.split("\n").length], [200, 21]);
    // The connection is kept.
    await raw.send(httpRequest("GET", "/readyz"));
    assertEquals((await raw.response()).status, 200);
  });

  await t.step("ends where a line is longer than max_frame; what was begun is answered", async () => {
    const { lines } = await batch(
      `{"id":1,"plugin":"echo","command":1001}\n{"id":2,"plugin":"${"x".repeat(70_000)}`,
    );
    assertEquals(lines.length, 2);
    assertStringIncludes(lines.join(), "max_frame");
    assertStringIncludes(lines.join(), '{"id":1,"code":1000');
  });

  await t.step("takes no memory for who does not read, and loses nothing of who reads late", async () => {
    using raw = await RawHttp.connect(server.http);
    const text = "y".repeat(1000);
    const count = 2000;
    const lines = Array.from(
      { length: count },
      (_, id) => `{"id":${id},"plugin":"echo","command":1001,"params":{"text":"${text}"}}\n`,
    ).join("");
    const headers = { ...NDJSON, "Content-Length": String(lines.length) };
    const before = server.plugin("echo").accepted;
    const sending = raw.send(httpRequest("POST", "/v1/batch", { headers }), lines);
    let seen = 0;
    await until("the server takes no more", () => {
      const { accepted } = server.plugin("echo");
      const isSame = accepted > before && accepted === seen;
      seen = accepted;
      return isSame || accepted === before + count;
    });
    const { body } = await raw.response();
    await sending;
    const ids = body.trimEnd().split("\n").map((line) => JSON.parse(line).id);
    assertEquals(ids.toSorted((a, b) => a - b), Array.from({ length: count }, (_, id) => id));
  });

  await t.step(
    "that is cut off costs its caller alone: what was queued runs, and nothing is left",
    async () => {
      const before = server.plugin("echo").done;
      {
        using raw = await RawHttp.connect(server.http);
        await raw.send(
          httpRequest("POST", "/v1/batch", { headers: { ...NDJSON, "Transfer-Encoding": "chunked" } }),
        );
        const lines = '{"plugin":"echo","command":1001,"async":true}\n{"plugin":"ec';
        await raw.send(`${lines.length.toString(16)}\r\n${lines}\r\n`);
        await server.until("the whole line has run", () => server.plugin("echo").done === before + 1);
      }
      await server.until("the connection is closed", () => server.stats().connections.open <= 1);
    },
  );
});

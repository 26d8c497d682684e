import { Validator } from "@seriousme/openapi-schema-validator";
import { assert, assertEquals } from "@std/assert";
import { Description, NDJSON } from "../support/description.ts";
import { TestServer } from "../support/test_server.ts";

const SOURCE = `
import type { Plugin } from "mevent/plugin";
export default {
  name: "codes", description: "answers with the code that is asked for",
  commands: {
    1001: { name: "fail", run(context) { throw context.fail(context.params.number("code"), "asked for"); } },
    1002: { name: "hang", run() { return new Promise(() => {}); } },
  },
} satisfies Plugin;
`;

Deno.test("openapi.json is legal OpenAPI 3.1, and what the server does", async (t) => {
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0" },
    plugins: [
      { name: "echo", biz: 3 },
      { name: "codes", source: SOURCE, timeout: 50, grace: 5000, concurrency: 10 },
      { name: "full", module: "builtin:echo", biz: 51, queue: { maxOps: 1, maxBytes: 1 } },
    ],
  });
  const description = await Description.of(server.httpUrl);
  const { document } = description;
  const check: Description["check"] = (...given) => description.check(...given);

  await t.step("it is legal", async () => {
    const { valid, errors } = await new Validator().validate(document);
    assert(valid, JSON.stringify(errors));
  });

  await t.step("each response is of a status, a type and a form that it names", async () => {
    const path = "/v1/{plugin}/{command}";
    const post = (target: string, body: string, headers: Record<string, string> = {}) =>
      fetch(server.httpUrl + target, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body,
      });
    const cases: [target: string, body: string, status: number, headers?: Record<string, string>][] = [
      ["/v1/echo/1001", '{"a":[1,{}]}', 200],
      ["/v1/echo/1001?async", "{}", 202],
      ["/v1/echo/1001", "{", 400],
      ["/v1/codes/1001", '{"code":23}', 400],
      ["/v1/echo/1001", "{}", 403, { origin: "https://elsewhere.example" }],
      ["/v1/nobody/1001", "{}", 404],
      ["/v1/echo/1001", "{}", 406, { accept: "text/html" }],
      ["/v1/echo/1001", `"${"x".repeat(70_000)}"`, 413],
      ["/v1/echo/1001", "{}", 415, { "content-type": "text/plain" }],
      ["/v1/codes/1001", '{"code":40}', 422],
      ["/v1/codes/1001", '{"code":14}', 500],
      ["/v1/codes/1001", '{"code":20}', 502],
      ["/v1/full/1001", "{}", 503],
      ["/v1/codes/1002", "{}", 504],
    ];
    for (const [target, body, status, headers] of cases) {
      const response = await post(target, body, headers);
      assertEquals(response.status, status, `${target} ${body}`);
      await check(path, "POST", response);
    }
    const lines = [
      '{"id":1,"plugin":"echo","command":1001,"params":{"a":1}}',
      '{"id":"b","plugin":3,"command":1001,"async":true}',
      '{"plugin":"nobody","command":1001}',
      "no line",
    ].join("\n");
    await check("/v1/batch", "POST", await post("/v1/batch", lines, { "content-type": NDJSON }));
    await check("/v1/batch", "POST", await post("/v1/batch", lines));
    const accepted = JSON.parse(await (await post("/v1/codes/1002?async", "{}")).text());
    for (const id of [accepted.id, accepted.id.replace(/^./, "f"), "none"]) {
      await check("/v1/operations/{id}", "GET", await fetch(`${server.httpUrl}/v1/operations/${id}`));
    }
    for (const each of ["/readyz", "/healthz", "/openapi.json"]) {
      await check(each, "GET", await fetch(server.httpUrl + each));
    }
  });

  await t.step("its methods are those that a path allows, and none was left out", async () => {
    for (const { path, methods, isAdmin } of description.paths) {
      const target = path.replace("{plugin}", "echo").replace("{command}", "1001").replace("{id}", "x");
      const response = await fetch(server.httpUrl + target, { method: "OPTIONS" });
      await response.body?.cancel();
      const allowed = (response.headers.get("allow") ?? "").split(", ");
      for (const method of methods) {
        assert(allowed.includes(method), `${method} ${path}`);
        // Those are asked where the API for those who run a server is looked at.
        assert(isAdmin || description.seen.has(`${method} ${path}`), `no test asks ${method} ${path}`);
      }
    }
  });
});

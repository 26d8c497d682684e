import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import type { PackedPage } from "../../src/admin/packed_page.ts";
import { answerOf } from "../support/admin_api.ts";
import { httpRequest, RawHttp } from "../support/raw_http.ts";
import { TestServer } from "../support/test_server.ts";
import { testToken } from "../support/tokens.ts";

const SCRIPT = "export const answer = 42;\n";
const packed = (text: string) => gzipSync(text).toString("base64");
const PAGE: PackedPage = {
  version: "v1",
  html: { type: "text/html; charset=utf-8", gzip: packed("<!doctype html><title>mevent</title>") },
  files: { "views/one.ts": { type: "text/javascript; charset=utf-8", gzip: packed(SCRIPT) } },
};

Deno.test("browsers get the page at / and what it loads, without a token and with all that keeps them from harm", async (t) => {
  const { table } = testToken("ops", ["*"]);
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0", auth: "token", udp: "" },
    file: { token: [table] },
    page: () => Promise.resolve(PAGE),
  });
  const url = server.httpUrl;
  const get = (path: string, headers: Record<string, string> = {}) => fetch(url + path, { headers });

  await t.step("the page, for who names text/html alone", async () => {
    const response = await get("/", { accept: "text/html,application/xhtml+xml,*/*;q=0.8" });
    assertStringIncludes(await response.text(), "<title>mevent</title>");
    const policy = response.headers.get("content-security-policy") ?? "";
    assertStringIncludes(policy, "default-src 'none'");
    assertStringIncludes(policy, "frame-ancestors 'none'");
    assert(!policy.includes("unsafe"));
    assertEquals(response.headers.get("x-content-type-options"), "nosniff");
    assertEquals(response.headers.get("cache-control"), "no-cache");
    assertEquals(response.headers.get("set-cookie"), null);
    const entry = await answerOf(await get("/", { accept: "*/*" }), 200);
    assertEquals(entry["description"], "openapi.json");
  });

  await t.step("its files, which stay for ever at their address", async () => {
    using raw = await RawHttp.connect(server.http);
    await raw.send(httpRequest("GET", "/assets/v1/views/one.ts"));
    const plain = await raw.response();
    assertEquals([plain.status, plain.body, plain.headers.get("content-encoding")], [200, SCRIPT, undefined]);
    const response = await get("/assets/v1/views/one.ts", { "accept-encoding": "br, gzip;q=0.5" });
    assertEquals(response.headers.get("vary"), "Accept, Accept-Encoding");
    assertStringIncludes(response.headers.get("cache-control") ?? "", "immutable");
    assertEquals(await response.text(), SCRIPT);
    const tag = plain.headers.get("etag") ?? "";
    await raw.send(
      httpRequest("GET", "/assets/v1/views/one.ts", { headers: { "If-None-Match": `"x", ${tag}` } }),
    );
    await raw.send(
      httpRequest("HEAD", "/assets/v1/views/one.ts", { headers: { "Accept-Encoding": "gzip;q=0" } }),
    );
    assertEquals((await raw.response(true)).status, 304);
    const head = await raw.response(true);
    assertEquals([head.status, head.headers.get("content-length")], [200, String(SCRIPT.length)]);
  });

  await t.step("and no others", async () => {
    for (const path of ["/assets/v2/views/one.ts", "/assets/v1/views", "/assets/v1/constructor"]) {
      await answerOf(await get(path), 404);
    }
    for (const path of ["/assets/v1", "/assets/v1/views/", "/api/v1/me"]) {
      const response = await get(path);
      await response.body?.cancel();
      assert(response.status === 404 || response.status === 401, path);
    }
  });
});

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { lives, startLivesWith } from "../support/lives_plugin.ts";
import { RawHttp } from "../support/raw_http.ts";

Deno.test("an operation that was queued over HTTP is asked for at its Location, now or once it has ended", async (t) => {
  await using server = await startLivesWith(
    { server: { http: "127.0.0.1:0" } },
    { results: { keep: 60_000, maxOps: 10, maxBytes: 1 << 20 }, concurrency: 4 },
  );
  const post = async (command: number, body: string) => {
    const response = await fetch(`${server.httpUrl}/v1/lives/${command}?async`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const { id, keep_ms } = await response.json();
    const location = response.headers.get("location");
    assertEquals([response.status, location, keep_ms], [202, `/v1/operations/${id}`, 60_000]);
    return location!;
  };
  const get = async (target: string) => {
    const response = await fetch(server.httpUrl + target);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  await t.step("what it came to has its digits as they were sent", async () => {
    const location = await post(1001, '{"id":9223372036854775807,"price":1.10,"text":"ü"}');
    const { status, headers, text } = await get(`${location}?wait=10s`);
    assertEquals([status, headers.get("content-type"), headers.get("cache-control")], [
      200,
      "application/json",
      "no-store",
    ]);
    assertStringIncludes(text, '"state":"done"');
    assertStringIncludes(text, '"result":{"id":9223372036854775807,"price":1.10,"text":"ü"}}');
    assertEquals((await get(`${location}?wait=0.5`)).text, text);
    const head = await fetch(server.httpUrl + location, { method: "HEAD" });
    assertEquals([head.status, await head.text()], [200, ""]);
  });
  await t.step("who waits is answered when it ends, who goes keeps no place", async () => {
    const location = await post(1007, "{}");
    assertMatch((await get(`${location}?wait=20ms`)).text, /"state":"(queued|running)"/);
    const waiting = get(`${location}?wait=60`);
    {
      using raw = await RawHttp.connect(new URL(server.httpUrl) as unknown as Deno.NetAddr);
      await raw.send(`GET ${location}?wait=60s HTTP/1.1\r\nHost: x\r\n\r\n`);
      await server.until("both wait", () => lives(server).results!.waiting === 2);
    }
    lives(server).cache.set("open", "1", 0);
    const { status, text } = await waiting;
    assertEquals(status, 200);
    assertStringIncludes(text, '"state":"dead"');
    assertStringIncludes(text, '"code":40,"error":"let go"');
    assertEquals(lives(server).results!.waiting, 0);
  });
  await t.step("what is wrong, or unknown, is a problem", async () => {
    const asked: [string, number, string][] = [
      ["/v1/operations/none", 400, "is no operation's id"],
      ["/v1/operations/0123456789ab-1-1", 404, "nothing is known of operation 0123456789ab-1-1"],
      ["/v1/operations/0123456789ab-1-1?wait=61s", 400, "wait is 61 seconds; 60 at most"],
      ["/v1/operations/0123456789ab-1-1?wait=soon", 400, "expected a time such as 10s, 500ms or 10"],
      [`/v1/operations/${"x".repeat(5000)}`, 400, "is no operation's id"],
    ];
    for (const [target, status, sentence] of asked) {
      const answer = await get(target);
      assertEquals([answer.status, answer.headers.get("content-type")], [status, "application/problem+json"]);
      assertStringIncludes(JSON.parse(answer.text).detail, sentence);
    }
  });
  await t.step("the description tells of it", async () => {
    const { text } = await get("/openapi.json");
    const { paths, components } = JSON.parse(text);
    assert(paths["/v1/operations/{id}"].get.responses["200"] !== undefined);
    assertEquals(components.schemas.OperationState.required.includes("state"), true);
  });
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AdminApi } from "../support/admin_api.ts";
import { Description } from "../support/description.ts";
import { streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

const SOURCE = `export default {
  name: "shop",
  description: "sells",
  concurrency: 2,
  timers: [{ name: "sweep", every: "1h", run() {} }],
  commands: {
    1001: { name: "sell", description: "sells one", idempotent: true, run: ({ params }) => params.all() },
    1002: { name: "fail", run(context) { throw context.fail(25, "no"); } },
    1003: { name: "count", run: ({ params }) => ({ n: params.int("m") }) },
  },
};`;

Deno.test("the history and a plugin's details are told over HTTP, as openapi.json says", async (t) => {
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0" },
    plugins: [{ name: "shop", source: SOURCE }, { name: "echo", module: "builtin:echo" }],
  });
  const api = new AdminApi(server.httpUrl);
  const description = await Description.of(server.httpUrl);
  using connection = await server.connect();
  for (const command of [1001, 1001, 1002, 1003]) {
    await connection.send(streamRequest({ plugin: "shop", command, params: { n: 1 } }));
    await connection.reply();
  }

  await t.step("a plugin's code, workers, commands, timers and limits", async () => {
    const path = "/api/v1/plugins/{plugin}";
    const text = await description.check(path, "GET", await api.get("/api/v1/plugins/shop"));
    const shop = JSON.parse(text);
    assertEquals([shop.name, shop.description, shop.essential, shop.durability], [
      "shop",
      "sells",
      false,
      "memory",
    ]);
    assert(/^[0-9a-f]{8,}$/.test(shop.version.hash), shop.version.hash);
    assert(shop.version.since_at <= Date.now() && shop.version.since_at > Date.now() - 600_000);
    const [worker] = shop.workers;
    assertEquals([shop.workers.length, worker.state, worker.isolation, worker.answered, worker.holds], [
      1,
      "running",
      "worker",
      4,
      0,
    ]);
    assert(worker.since_at >= shop.version.since_at - 60_000 && worker.since_at <= Date.now());
    const shown = shop.commands.map((
      { number, name, done, failed, refused, idempotent }: Record<string, unknown>,
    ) => [
      number,
      name,
      done,
      failed,
      refused,
      idempotent,
    ]);
    assertEquals(shown, [[1001, "sell", 2, 0, 0, true], [1002, "fail", 0, 1, 0, false], [
      1003,
      "count",
      0,
      1,
      1,
      false,
    ]]);
    assertEquals(shop.timers, [{ name: "sweep", schedule: "every 1h" }]);
    const limits = new Map(shop.limits.map((limit: { key: string }) => [limit.key, limit]));
    assertEquals(limits.get("timeout"), {
      key: "timeout",
      value: "30s",
      amount: 30_000,
      unit: "ms",
      live: false,
      edited: false,
      description: "after it an operation's signal fires and its caller is answered",
    });
    assertEquals(shop.bound.max_ops, server.plugin("shop").max_ops);
    const built = await api.read("/api/v1/plugins/echo");
    assertEquals({ ...built["version"] as object, since_at: 0 }, {
      hash: null,
      module: "builtin:echo",
      since_at: 0,
    });
    const response = await api.get("/api/v1/plugins/nobody");
    assertStringIncludes(await description.check(path, "GET", response), 'there is no plugin \\"nobody\\"');
    assertEquals(response.status, 404);
  });

  await t.step("what came by HTTP, and what the server is made of", async () => {
    const { http_responses: responses, connections, loop, memory, started_at } = server.stats();
    assert(responses["200"]! >= 3 && responses["404"]! >= 1, JSON.stringify(responses));
    assert(connections.by_kind.http >= 1 && connections.by_kind.tcp === 1);
    assertEquals(connections.by_kind.http + 1, connections.open);
    assert(loop.delay_histogram.counts.some((count) => count > 0));
    assert(memory.heap_bytes > 0 && memory.ring_bytes > 0 && memory.segment_bytes > 0);
    assert(started_at <= Date.now() && started_at > Date.now() - 600_000);
    const metrics = await (await api.get("/metrics")).text();
    assertStringIncludes(metrics, '\nmevent_http_responses_total{status="404"} ');
    assertStringIncludes(
      metrics,
      '\nmevent_command_refused_total{plugin="shop",command="1003",name="count"} 1\n',
    );
  });

  await t.step("a history as soon as a second has passed", async () => {
    const path = "/api/v1/history";
    await until("there is one", async () => await statusOf(api.get(path)) === 200);
    const all = JSON.parse(await description.check(path, "GET", await api.get(path)));
    assertEquals(Object.keys(all.plugins), ["shop", "echo"]);
    const own = JSON.parse(await description.check(path, "GET", await api.get(`${path}?plugin=shop`)));
    assertEquals([own.plugin, own.plugins], ["shop", undefined]);
    assertEquals(own.fine.series.queued.length, own.fine.points);
    const later = JSON.parse(
      await description.check(
        path,
        "GET",
        await api.get(`${path}?plugin=shop&after=${own.fine.end_at + 3_600_000}`),
      ),
    );
    assertEquals([later.fine.points, later.coarse.points], [0, 0]);
    assertEquals(await statusOf(api.get(`${path}?plugin=nobody`)), 404);
    assertEquals(await statusOf(api.get(`${path}?after=soon`)), 400);
  });
});

Deno.test("no history is kept where the config says so", async () => {
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0", history: false },
  });
  const response = await new AdminApi(server.httpUrl).get("/api/v1/history");
  assertEquals(response.status, 409);
  assertStringIncludes(await response.text(), "history");
  assertEquals((await new AdminApi(server.httpUrl).read("/api/v1/plugins/echo"))["name"], "echo");
});

async function statusOf(asked: Promise<Response>): Promise<number> {
  const response = await asked;
  await response.body?.cancel();
  return response.status;
}

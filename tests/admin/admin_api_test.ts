import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { AdminApi, answerOf } from "../support/admin_api.ts";
import { Description } from "../support/description.ts";
import { streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

/** Routes that other tests ask. */
const ELSEWHERE = [
  "GET /api/v1/history",
  "GET /api/v1/plugins/{plugin}",
  "GET /api/v1/log",
  "GET /api/v1/log/levels",
  "POST /api/v1/log/levels",
  "GET /api/v1/alerts",
  "POST /api/v1/alerts/test",
];

const FAILING = `
import type { Plugin } from "mevent/plugin";
export default {
  name: "failing", description: "fails",
  commands: { 1001: { name: "fail", run(context) { throw context.fail(30, "no luck"); } } },
} satisfies Plugin;
`;

Deno.test("what a server tells and does over HTTP is what it tells and does over its control socket", async (t) => {
  await using server = await TestServer.start({
    control: true,
    server: { http: "127.0.0.1:0" },
    plugins: [
      { name: "echo", biz: 3, concurrency: 1 },
      { name: "failing", source: FAILING },
    ],
  });
  const api = new AdminApi(server.httpUrl);
  const description = await Description.of(server.httpUrl);
  const checked = async (method: "GET" | "POST", path: string, response: Response, status: number) => {
    assertEquals(response.status, status);
    return JSON.parse(await description.check(path, method, response));
  };
  using control = await server.control();
  using connection = await server.connect();

  await t.step("the figures are those of mevent stats --json", async () => {
    const [given, wanted] = [
      await api.read("/api/v1/stats"),
      (await control.ask({ command: "stats" })).result,
    ];
    // What goes on by itself, and by these questions.
    const moves = new Set(["rss_bytes", "memory", "loop", "uptime_seconds", "messages", "http_responses"]);
    const still = (stats: unknown) =>
      JSON.parse(JSON.stringify(stats, (key, value) => moves.has(key) ? typeof value : value));
    assertEquals(still(given), still(wanted));
    await checked("GET", "/api/v1/stats", await api.get("/api/v1/stats"), 200);
  });

  await t.step("metrics are Prometheus' text, and nobody else's", async () => {
    const response = await api.get("/metrics");
    assertMatch(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    assertEquals(response.headers.get("x-content-type-options"), "nosniff");
    assertStringIncludes(await description.check("/metrics", "GET", response), "mevent_running 1\n");
  });

  await t.step("who asks is told what he may do", async () => {
    const me = await checked("GET", "/api/v1/me", await api.get("/api/v1/me"), 200);
    assertEquals([me.name, me.needs_token, me.admin], [null, false, "full"]);
    assertEquals(me.may, { stats: true, control: true });
    assertEquals(me.plugins.echo, { control: true, call: true, enqueue: true, see_params: true });
    assertEquals(me.server.version, "test");
  });

  await t.step("a plugin is paused and resumed, by its number, too; a dry run does nothing", async () => {
    const path = "/api/v1/plugins/{plugin}/pause";
    const dry = await checked(
      "POST",
      path,
      await api.post("/api/v1/plugins/echo/pause", { dry_run: true }),
      200,
    );
    assertEquals(dry, { plugin: "echo", paused: true, before: false, queued: 0, dry_run: true });
    assert(!server.plugin("echo").paused);
    await checked("POST", path, await api.post("/api/v1/plugins/3/pause"), 200);
    assert(server.plugin("echo").paused);
  });

  await t.step("limits are changed as the description says", async () => {
    const given = { limits: { ttl: "1h" }, dry_run: true };
    const path = "/api/v1/plugins/{plugin}/limits";
    await checked("POST", path, await api.post("/api/v1/plugins/echo/limits", given), 200);
  });

  await t.step("what a purge would drop is told before, and it drops that", async () => {
    await connection.send(...[1, 2, 3].map((id) => streamRequest({ id, sync: false })));
    await connection.replies(3);
    const path = "/api/v1/plugins/{plugin}/purge";
    const purge = (body: Record<string, boolean>) => api.post("/api/v1/plugins/echo/purge", body);
    const dry = await checked("POST", path, await purge({ dry_run: true }), 200);
    assertEquals([dry.purged, dry.running, server.plugin("echo").queued], [3, 0, 3]);
    const done = await checked("POST", path, await purge({}), 200);
    assertEquals([done.purged, done.running, server.plugin("echo").queued], [3, 0, 0]);
    const resume = "/api/v1/plugins/{plugin}/resume";
    await checked("POST", resume, await api.post("/api/v1/plugins/echo/resume"), 200);
    assert(!server.plugin("echo").paused);
  });

  await t.step("what runs is left by a purge, and not counted before", async () => {
    await connection.send(
      streamRequest({ id: 1, command: 1003, params: { ms: 300 } }),
      ...[2, 3].map((id) => streamRequest({ id, command: 1003, params: { ms: 1 }, sync: false })),
    );
    await connection.replies(2);
    await server.until("one runs", () => server.plugin("echo").in_flight > 0);
    const dry = await api.change("/api/v1/plugins/echo/purge", { dry_run: true });
    const done = await api.change("/api/v1/plugins/echo/purge");
    assertEquals([dry["purged"], done["purged"]], [2, 2]);
    await connection.reply();
  });

  await t.step("dead letters are counted, put back and dropped", async () => {
    const fail = streamRequest({ id: 4, plugin: "failing", sync: false });
    await connection.send(fail, fail);
    await connection.replies(2);
    await server.until("they are dead", () => server.plugin("failing").dead === 2);
    const path = "/api/v1/plugins/failing/retry-dead";
    assertEquals(await api.change(path, { dry_run: true, limit: 1 }), {
      plugin: "failing",
      retried: 1,
      left: 1,
      dry_run: true,
    });
    const response = await api.post(path, { limit: 1 });
    const { retried } = await checked("POST", "/api/v1/plugins/{plugin}/retry-dead", response, 200);
    assertEquals(retried, 1);
    await server.until("it is dead again", () => server.plugin("failing").dead === 2);
    const dropped = await api.change("/api/v1/plugins/failing/purge", { dead: true, dry_run: true });
    assertEquals([dropped["purged"], server.plugin("failing").dead], [2, 2]);
    await api.change("/api/v1/plugins/failing/purge", { dead: true });
    assertEquals(server.plugin("failing").dead, 0);
  });

  await t.step("what cannot be done is a problem that says why", async () => {
    const cases: [path: string, body: string, status: number, detail: string][] = [
      ["/api/v1/plugins/nobody/pause", "{}", 404, 'there is no plugin "nobody"; there is echo, failing'],
      ["/api/v1/plugins/echo/pause", '{"loud": true}', 400, 'unknown key "loud"'],
      ["/api/v1/plugins/echo/pause", '{"plugin": "failing"}', 400, "plugin stands in the path"],
      ["/api/v1/plugins/echo/pause", '{"dry_run": 1}', 400, "dry_run: expected true or false"],
      ["/api/v1/plugins/echo/pause", "[]", 400, "a JSON object"],
      ["/api/v1/plugins/echo/pause", "{", 400, "no JSON"],
      ["/api/v1/plugins/echo/purge", '{"id": 1}', 400, "an id of dead letters alone"],
      ["/api/v1/plugins/echo/purge", '{"id": 1, "dead": true}', 404, "has no dead letter 1"],
      ["/api/v1/reload", "{}", 409, "without a config to load again"],
      ["/api/v1/stop", '{"now": "yes"}', 400, "now: expected true or false"],
    ];
    for (const [path, body, status, detail] of cases) {
      const problem = await answerOf(await api.post(path, body), status);
      assertStringIncludes(String(problem["detail"]), detail);
    }
    assertEquals(server.stats().state, "running");
    const reload = await api.post("/api/v1/reload");
    await checked("POST", "/api/v1/reload", reload, 409);
    const form = await fetch(`${server.httpUrl}/api/v1/stop`, { method: "POST", body: "{}" });
    await answerOf(form, 415);
    await checked("GET", "/healthz", await api.get("/healthz"), 200);
    await checked("GET", "/", await api.get("/"), 200);
    await checked("GET", "/assets/{version}/{path}", await api.get("/assets/none/of/them"), 404);
  });

  await t.step("every change stands in the audit log, with who, what and what came of it", async () => {
    await control.ask({ command: "pause", plugin: "echo" });
    await control.ask({ command: "resume", plugin: "echo" });
    const response = await api.get("/api/v1/audit");
    const { entries, last, missed, truncated } = await checked("GET", "/api/v1/audit", response, 200);
    assertEquals([entries.length, missed, truncated], [last, 0, false]);
    const [resumed] = entries.slice(-1);
    assertEquals(resumed.who, { by: "control", name: null, address: null, uid: Deno.uid() });
    assertEquals([resumed.action, resumed.plugin, resumed.outcome], ["resume", "echo", "done"]);
    const purge = entries.find(({ action }: { action: string }) => action === "purge");
    assertEquals(purge.who, { by: "http", name: null, address: "127.0.0.1", uid: null });
    assertEquals([purge.result.purged, purge.outcome], [3, "done"]);
    assert(Math.abs(purge.at - Date.now()) < 60_000);
    const refused = entries.filter(({ outcome }: { outcome: string }) => outcome === "refused");
    assert(
      refused.some(({ message }: { message: string }) => message.includes('there is no plugin "nobody"')),
    );
    assert(!entries.some(({ details }: { details: object }) => "dry_run" in details));
    const two = await api.read(`/api/v1/audit?after=${last - 3}&limit=2`);
    assertEquals([(two["entries"] as unknown[]).length, two["truncated"]], [2, true]);
    await answerOf(await api.get("/api/v1/audit?limit=0"), 400);
  });

  await t.step("a stop is told what is left, and answered before it is over", async () => {
    const dry = await api.change("/api/v1/drain", { dry_run: true });
    assertEquals(dry, { left: 0, paused: [], drain_timeout_ms: 1000, dry_run: true });
    await checked("POST", "/api/v1/drain", await api.post("/api/v1/drain"), 202);
    await server.server.ended;
    const last = server.server.audit.after(0, 1000).slice(-2);
    assertEquals(last.map(({ action, outcome }) => [action, outcome]), [["drain", "begun"], [
      "drain",
      "done",
    ]]);
  });

  await t.step("and all of it stands in openapi.json as it is", () => {
    const asked = new Set([...description.seen, "POST /api/v1/stop", ...ELSEWHERE]);
    // tests/operations/operations_api_test.ts asks these.
    const isAskedElsewhere = (path: string) => /\/(?:operations|failures|send|timers|schema)\b/.test(path);
    for (const { path, methods, isAdmin } of description.paths) {
      for (const method of methods) {
        assert(
          !isAdmin || isAskedElsewhere(path) || asked.has(`${method} ${path}`),
          `no test asks ${method} ${path}`,
        );
      }
    }
  });
});

import { assert, assertEquals } from "@std/assert";
import { CONTROL_COMMANDS } from "../../src/control/control_commands.ts";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import { ReplyCode } from "../../src/protocol/codes.ts";
import type { RawConnection } from "../support/raw_connection.ts";
import { RawControl } from "../support/raw_control.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { loggedIn, testToken } from "../support/tokens.ts";

/** What something needs; `echo` is a plugin here, `far` one that another server has. `echo's` is a right to call it or to enqueue. */
type Need =
  | "call echo"
  | "enqueue echo"
  | "echo's"
  | "call far"
  | "enqueue far"
  | "stats of echo"
  | "stats"
  | "control of echo"
  | "control"
  | "a token"
  | "nothing";

const CALLS: Need[] = ["call echo", "echo's", "call far"];
const ENQUEUES: Need[] = ["enqueue echo", "echo's", "enqueue far"];
const STATS: Need[] = ["stats of echo", "stats"];
/** Who may control a plugin may see what becomes of its operations over the routes of those who run the server, and no call's result. */
const CONTROLS: Need[] = ["control of echo", "control"];

/** Every right, and what it opens beside what needs none: nothing else. */
const RIGHTS: readonly (readonly [rights: string[], opens: readonly Need[]])[] = [
  [["call:echo"], ["call echo", "echo's"]],
  [["call:far"], ["call far"]],
  [["call:*"], CALLS],
  [["call"], CALLS],
  [["call:other"], []],
  [["enqueue:echo"], ["enqueue echo", "echo's"]],
  [["enqueue:far"], ["enqueue far"]],
  [["enqueue:*"], ENQUEUES],
  [["enqueue"], ENQUEUES],
  [["enqueue:other"], []],
  [["stats:echo"], ["stats of echo"]],
  [["stats:*"], ["stats of echo"]],
  [["stats"], STATS],
  [["stats:other"], []],
  [["control:echo"], ["control of echo"]],
  [["control:*"], ["control of echo"]],
  [["control"], CONTROLS],
  [["control:other"], []],
  [["call:echo", "enqueue:echo", "stats", "control"], [
    ...STATS,
    ...CONTROLS,
    "call echo",
    "enqueue echo",
    "echo's",
  ]],
  [["*"], [...CALLS, ...ENQUEUES, ...STATS, ...CONTROLS]],
];

/** Asks for one thing; whether the right for it was there, whatever came of it. */
type Ask = (id: string) => Promise<boolean>;
type Endpoint = readonly [name: string, needs: Need, ask: Ask];

const WIRE: readonly (readonly [name: string, needs: Need, request: Parameters<typeof streamRequest>[0]])[] =
  [
    ["call", "call echo", {}],
    ["enqueue", "enqueue echo", { sync: false }],
    ["cache, waited for", "call echo", { command: 101, params: { cachekey: "a", cacheval: "b" } }],
    ["cache, not waited for", "enqueue echo", {
      command: 101,
      sync: false,
      params: { cachekey: "a", cacheval: "b" },
    }],
    ["call of a forwarded plugin", "call far", { plugin: "far" }],
    ["enqueue with a forwarded plugin", "enqueue far", { plugin: "far", sync: false }],
    ["plugin stats", "stats of echo", { command: 1000 }],
    ["server stats", "stats", { plugin: "Reserve.Stats" }],
    ["server status", "stats", { plugin: "Reserve.Status" }],
  ];

/** What the wire has, over a connection that is logged in. */
function wire(connection: RawConnection): Endpoint[] {
  const codeOf = async (request: Parameters<typeof streamRequest>[0]) => {
    await connection.send(streamRequest({ id: 9, ...request }));
    return (await connection.reply()).code;
  };
  return [
    ...WIRE.map(([name, needs, request]): Endpoint => [name, needs, async () => {
      const code = await codeOf(request);
      assert(code === ReplyCode.Ok || code === ReplyCode.Auth, `${name}: ${code}`);
      return code === ReplyCode.Ok;
    }]),
    ["result", "echo's", async (id) => {
      const code = await codeOf({ plugin: "Reserve.Result", params: { id } });
      // Who may not know of an operation is told that there is none.
      assert(code === ReplyCode.Ok || code === ReplyCode.CacheMiss, `result: ${code}`);
      return code === ReplyCode.Ok;
    }],
  ];
}

/**
 * Every route, by its method and path in openapi.json; a change is only looked at. What is behind `?` of a path stands for itself, so
 * that one route can be here several times.
 */
const ROUTES: readonly (readonly [route: string, needs: Need, target: string, body?: JsonValue])[] = [
  ["POST /v1/{plugin}/{command}", "call echo", "/v1/echo/1001", {}],
  ["POST /v1/{plugin}/{command}", "enqueue echo", "/v1/echo/1001?async", {}],
  ["POST /v1/{plugin}/{command}", "call echo", "/v1/echo/101", { cachekey: "a", cacheval: "b" }],
  ["POST /v1/{plugin}/{command}", "enqueue echo", "/v1/echo/101?async", { cachekey: "a", cacheval: "b" }],
  ["POST /v1/{plugin}/{command}", "stats of echo", "/v1/echo/1000", {}],
  ["POST /v1/{plugin}/{command}", "call far", "/v1/far/1001", {}],
  ["POST /v1/{plugin}/{command}", "enqueue far", "/v1/far/1001?async", {}],
  ["GET /v1/operations/{id}", "echo's", "/v1/operations/ID"],
  ["GET /readyz", "nothing", "/readyz"],
  ["GET /healthz", "nothing", "/healthz"],
  ["GET /", "nothing", "/"],
  ["GET /assets/{version}/{path}", "nothing", "/assets/0/none.js"],
  ["GET /openapi.json", "a token", "/openapi.json"],
  ["GET /metrics", "stats", "/metrics"],
  ["GET /api/v1/me", "a token", "/api/v1/me"],
  ["GET /api/v1/stats", "stats", "/api/v1/stats"],
  ["GET /api/v1/history", "stats", "/api/v1/history"],
  ["GET /api/v1/plugins/{plugin}", "stats of echo", "/api/v1/plugins/echo"],
  ["GET /api/v1/log", "stats", "/api/v1/log"],
  ["GET /api/v1/log/levels", "stats", "/api/v1/log/levels"],
  ["GET /api/v1/plugins/{plugin}/schema", "stats of echo", "/api/v1/plugins/echo/schema"],
  // Those of the plugins alone whose figures one may see.
  ["GET /api/v1/timers", "a token", "/api/v1/timers"],
  ["POST /api/v1/timers/run", "control of echo", "/api/v1/timers/run", { plugin: "echo", timer: "none" }],
  ["GET /api/v1/alerts", "stats", "/api/v1/alerts"],
  ["POST /api/v1/alerts/test", "control", "/api/v1/alerts/test", {}],
  ["GET /api/v1/audit", "control", "/api/v1/audit"],
  ["POST /api/v1/log/levels", "control", "/api/v1/log/levels", { level: "debug" }],
  ["POST /api/v1/log/levels", "control of echo", "/api/v1/log/levels", { plugin: "echo", level: "debug" }],
  ["POST /api/v1/plugins/{plugin}/pause", "control of echo", "/api/v1/plugins/echo/pause", {}],
  ["POST /api/v1/plugins/{plugin}/resume", "control of echo", "/api/v1/plugins/echo/resume", {}],
  ["POST /api/v1/plugins/{plugin}/purge", "control of echo", "/api/v1/plugins/echo/purge", {}],
  ["POST /api/v1/plugins/{plugin}/retry-dead", "control of echo", "/api/v1/plugins/echo/retry-dead", {}],
  ["POST /api/v1/plugins/{plugin}/limits", "control of echo", "/api/v1/plugins/echo/limits", {
    limits: { concurrency: 2 },
  }],
  ["GET /api/v1/plugins/{plugin}/operations", "stats of echo", "/api/v1/plugins/echo/operations"],
  ["GET /api/v1/operations/{id}", "stats of echo", "/api/v1/operations/ID"],
  ["POST /api/v1/operations/{id}/cancel", "control of echo", "/api/v1/operations/ID/cancel", {
    generation: 0,
  }],
  ["POST /api/v1/operations/{id}/retry", "control of echo", "/api/v1/operations/ID/retry", { generation: 0 }],
  ["POST /api/v1/plugins/{plugin}/send", "control of echo", "/api/v1/plugins/echo/send", {
    command: 1001,
    params: {},
  }],
  ["GET /api/v1/failures", "stats of echo", "/api/v1/failures"],
  ["POST /api/v1/failures/retry", "control", "/api/v1/failures/retry", {}],
  ["POST /api/v1/failures/retry", "control of echo", "/api/v1/failures/retry", {
    filter: { plugin: "echo" },
  }],
  ["POST /api/v1/failures/purge", "control", "/api/v1/failures/purge", {}],
  ["POST /api/v1/failures/purge", "control of echo", "/api/v1/failures/purge", {
    filter: { plugin: "echo" },
  }],
  ["POST /api/v1/failures/undo", "control", "/api/v1/failures/undo", { undo: "none" }],
  ["POST /api/v1/reload", "control", "/api/v1/reload", {}],
  ["POST /api/v1/drain", "control", "/api/v1/drain", {}],
  ["POST /api/v1/stop", "control", "/api/v1/stop", {}],
];

/** In lines of a batch: the route itself is everybody's who has a token. */
const LINES: readonly (readonly [needs: Need, line: JsonObject])[] = [
  ["call echo", { plugin: "echo", command: 1001, params: {} }],
  ["enqueue echo", { plugin: "echo", command: 1001, params: {}, async: true }],
  ["call far", { plugin: "far", command: 1001, params: {} }],
  ["enqueue far", { plugin: "far", command: 1001, params: {}, async: true }],
  ["stats of echo", { plugin: "echo", command: 1000, params: {} }],
];

function http(url: string, token: string): Endpoint[] {
  const headers = { authorization: `Bearer ${token}` };
  return [
    ...ROUTES.map(([route, needs, target, body]): Endpoint => [`${route} ${target}`, needs, async (id) => {
      const [method = ""] = route.split(" ");
      const isChange = method === "POST" && target.startsWith("/api/");
      const given = isChange ? { ...(body as JsonObject), dry_run: true } : body;
      const response = await fetch(url + target.replace("ID", id), {
        method,
        headers: method === "POST" ? { ...headers, "content-type": "application/json" } : headers,
        body: method === "POST" ? JSON.stringify(given) : null,
      });
      await response.body?.cancel();
      // Who may not know of an operation is told that there is none.
      const refused = route.endsWith("/operations/{id}") ? 404 : 403;
      // What is asked for may be impossible here: without a config file there is nothing to reload.
      const possible = [
        200,
        202,
        refused,
        ...target.startsWith("/api/") ? [400, 409] : [],
        ...target.startsWith("/assets/") || /\/(failures|timers)\//.test(route) ? [404] : [],
      ];
      assert(possible.includes(response.status), `${route}: ${response.status}`);
      return response.status !== refused;
    }]),
    ["POST /v1/batch", "a token", async () => {
      const response = await batch(url, headers, []);
      await response.body?.cancel();
      return response.status === 200;
    }],
    ...LINES.map(([needs, line]): Endpoint => [`a line ${JSON.stringify(line)}`, needs, async () => {
      const answer = JSON.parse(await (await batch(url, headers, [line])).text());
      assert(answer.code === 1000 || answer.status === 403, JSON.stringify(answer));
      return answer.code === 1000;
    }]),
  ];
}

function batch(
  url: string,
  headers: Record<string, string>,
  lines: readonly JsonObject[],
): Promise<Response> {
  return fetch(`${url}/v1/batch`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/x-ndjson" },
    body: lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
  });
}

/** Every command of control sockets; a change is only looked at. */
const CONTROL: readonly (readonly [needs: Need, request: JsonObject])[] = [
  ["stats", { command: "stats" }],
  ["control", { command: "log" }],
  ["control", { command: "log-levels" }],
  ["control", { command: "log-level", level: "debug" }],
  ["control of echo", { command: "log-level", plugin: "echo", level: "debug" }],
  ["control of echo", { command: "pause", plugin: "echo" }],
  ["control of echo", { command: "resume", plugin: "echo" }],
  ["control of echo", { command: "peek", plugin: "echo" }],
  ["control of echo", { command: "purge", plugin: "echo" }],
  ["control of echo", { command: "retry-dead", plugin: "echo" }],
  ["control of echo", { command: "cancel", plugin: "echo", id: 1 }],
  ["control of echo", { command: "limits", plugin: "echo", limits: { concurrency: 2 } }],
  ["control", { command: "operation", id: "ID" }],
  ["control of echo", { command: "cancel-operation", plugin: "echo", id: "ID", generation: 0 }],
  ["control of echo", { command: "retry-operation", plugin: "echo", id: "ID", generation: 0 }],
  ["control of echo", { command: "send", plugin: "echo", number: 1001, params: {} }],
  ["control", { command: "failures" }],
  ["control of echo", { command: "retry-failures", plugin: "echo" }],
  ["control of echo", { command: "purge-failures", plugin: "echo" }],
  ["control of echo", { command: "run-timer", plugin: "echo", timer: "none" }],
  ["control", { command: "alerts" }],
  ["control", { command: "alert-test" }],
  ["control", { command: "undo", undo: "none" }],
  ["control", { command: "reload" }],
  ["control", { command: "drain" }],
  ["control", { command: "stop" }],
];

/** Control connections over TCP. */
function control({ hostname, port }: Deno.NetAddr, token: string): Endpoint[] {
  return CONTROL.map(([needs, request]) => [JSON.stringify(request), needs, async () => {
    using connection = new RawControl(await Deno.connect({ hostname, port }));
    const isChange = CONTROL_COMMANDS.get(String(request["command"]))?.changes === true;
    const answer = await connection.ask({ ...request, ...isChange ? { dry_run: true } : {}, token });
    return answer["ok"] === true || !String(answer["error"]).includes("lacks the right");
  }]);
}

Deno.test("every right opens on every kind of listener what it is for, and nothing else", async (t) => {
  const tokens = RIGHTS.map(([rights], at) => testToken(`t${at}`, rights));
  const { token: all } = tokens.at(-1)!;
  await using other = await TestServer.start({ plugins: [{ name: "far", biz: 4, source: FAR }] });
  await using server = await TestServer.start({
    server: {
      udp: "",
      http: "127.0.0.1:0",
      control_tcp: "127.0.0.1:0",
      auth: "token",
      forward: [`far,4=127.0.0.1:${other.tcp.port}`],
    },
    file: { token: tokens.map(({ table }) => table) },
    plugins: [{ name: "echo", biz: 3, results: { keep: 60_000, maxOps: 1000, maxBytes: 1 << 20 } }],
  });
  using first = await loggedIn(await server.connect(), all);
  await first.send(streamRequest({ sync: false, wantsId: true }));
  const { id } = valueOf(await first.reply()) as { id: string };
  const [, controlPort] = /tcp .*:(\d+)/.exec(server.server.controlAddresses.join(" ")) ?? [];
  const address: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: Number(controlPort) };
  const kinds: Record<string, (token: string) => Promise<{ endpoints: Endpoint[]; close?(): void }>> = {
    tcp: async (token) => {
      const connection = await loggedIn(await server.connect(), token);
      return { endpoints: wire(connection), close: () => connection.close() };
    },
    unix: async (token) => {
      const connection = await loggedIn(await server.connectUnix(), token);
      return { endpoints: wire(connection), close: () => connection.close() };
    },
    http: (token) => Promise.resolve({ endpoints: http(server.httpUrl, token) }),
    control: (token) => Promise.resolve({ endpoints: control(address, token) }),
  };
  for (const [kind, open] of Object.entries(kinds)) {
    await t.step(kind, async () => {
      for (const [at, [rights, opens]] of RIGHTS.entries()) {
        const { endpoints, close } = await open(tokens[at]!.token);
        for (const [name, needs, ask] of endpoints) {
          const isOpen = needs === "nothing" || needs === "a token" || opens.includes(needs);
          assertEquals(await ask(id), isOpen, `${kind}, ${rights}: ${name}`);
        }
        close?.();
      }
    });
  }
  await t.step("who has no token is told nothing but whether the server is well", async () => {
    for (const [route, needs, target, body] of ROUTES) {
      const [method = ""] = route.split(" ");
      const response = await fetch(server.httpUrl + target.replace("ID", id), {
        method,
        headers: { "content-type": "application/json" },
        body: method === "POST" ? JSON.stringify(body) : null,
      });
      await response.body?.cancel();
      assertEquals(response.status === 401, needs !== "nothing", `${route} ${target}: ${response.status}`);
    }
  });
  await t.step("no route and no command is left out here", async () => {
    const headers = { authorization: `Bearer ${all}` };
    const { paths } = await (await fetch(`${server.httpUrl}/openapi.json`, { headers })).json();
    const routes = Object.entries<JsonObject>(paths).flatMap(([path, methods]) =>
      Object.keys(methods).filter((method) => ["get", "post", "put", "patch", "delete"].includes(method))
        .map((method) => `${method.toUpperCase()} ${path}`)
    );
    const asked = new Set(["POST /v1/batch", ...ROUTES.map(([route]) => route)]);
    assertEquals(routes.filter((route) => !asked.has(route)), []);
    const given = new Set(CONTROL.map(([, { command }]) => command));
    assertEquals([...CONTROL_COMMANDS.keys()].filter((command) => !given.has(command)), []);
  });
  assert((server.stats().limits["rights"] ?? 0) > 0);
});

const FAR =
  `export default { name: "far", commands: { 1001: { name: "far", run: () => ({ far: true }) } } };`;

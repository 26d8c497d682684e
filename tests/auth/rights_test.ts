import { assertEquals } from "@std/assert";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import { ReplyCode } from "../../src/protocol/codes.ts";
import type { RawConnection } from "../support/raw_connection.ts";
import { RawControl } from "../support/raw_control.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { loggedIn, testToken } from "../support/tokens.ts";

/** What may be asked for, of the plugin echo where it is one's; the others of the whole server. */
const ENDPOINTS = [
  "call",
  "enqueue",
  "cache, waited for",
  "cache, not waited for",
  "plugin stats",
  "server stats",
  "server status",
  "result",
  "control of the plugin",
  "control stats",
] as const;
type Endpoint = typeof ENDPOINTS[number];

const CALLS: Endpoint[] = ["call", "cache, waited for", "result"];
const ENQUEUES: Endpoint[] = ["enqueue", "cache, not waited for", "result"];
const STATS: Endpoint[] = ["plugin stats", "server stats", "server status", "control stats"];

/** Every right, and what it opens: nothing else. */
const RIGHTS: readonly (readonly [rights: string[], opens: readonly Endpoint[]])[] = [
  [["call:echo"], CALLS],
  [["call:*"], CALLS],
  [["call"], CALLS],
  [["call:other"], []],
  [["enqueue:echo"], ENQUEUES],
  [["enqueue:*"], ENQUEUES],
  [["enqueue"], ENQUEUES],
  [["enqueue:other"], []],
  [["stats:echo"], ["plugin stats"]],
  [["stats:*"], ["plugin stats"]],
  [["stats"], STATS],
  [["stats:other"], []],
  [["control:echo"], ["control of the plugin"]],
  [["control:*"], ["control of the plugin"]],
  [["control"], ["control of the plugin"]],
  [["control:other"], []],
  [["call:echo", "enqueue:echo", "stats", "control"], ENDPOINTS],
  [["*"], ENDPOINTS],
];

/** Asks for one thing; whether it was done. */
type Ask = (endpoint: Endpoint, id: string) => Promise<boolean | undefined>;

const WIRE: Partial<Record<Endpoint, Parameters<typeof streamRequest>[0]>> = {
  call: {},
  enqueue: { sync: false },
  "cache, waited for": { command: 101, params: { cachekey: "a", cacheval: "b" } },
  "cache, not waited for": { command: 101, sync: false, params: { cachekey: "a", cacheval: "b" } },
  "plugin stats": { command: 1000 },
  "server stats": { plugin: "Reserve.Stats" },
  "server status": { plugin: "Reserve.Status" },
};

/** What the wire has, over a connection that is logged in. */
function wire(connection: RawConnection): Ask {
  return async (endpoint, id) => {
    const request = endpoint === "result" ? { plugin: "Reserve.Result", params: { id } } : WIRE[endpoint];
    if (request === undefined) return undefined;
    await connection.send(streamRequest({ id: 9, ...request }));
    const { code } = await connection.reply();
    // Who may not know of an operation is told that there is none.
    const refusal = endpoint === "result" ? ReplyCode.CacheMiss : ReplyCode.Auth;
    assertEquals(code === ReplyCode.Ok || code === refusal, true, `${endpoint}: ${code}`);
    return code === ReplyCode.Ok;
  };
}

const HTTP: Partial<Record<Endpoint, [path: string, body: JsonValue]>> = {
  call: ["/v1/echo/1001", {}],
  enqueue: ["/v1/echo/1001?async", {}],
  "cache, waited for": ["/v1/echo/101", { cachekey: "a", cacheval: "b" }],
  "cache, not waited for": ["/v1/echo/101?async", { cachekey: "a", cacheval: "b" }],
  "plugin stats": ["/v1/echo/1000", {}],
};

function http(url: string, token: string): Ask {
  return async (endpoint) => {
    const [path, body] = HTTP[endpoint] ?? [];
    if (path === undefined) return undefined;
    const response = await fetch(url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    await response.body?.cancel();
    assertEquals([200, 202, 403].includes(response.status), true, `${endpoint}: ${response.status}`);
    return response.status < 300;
  };
}

/** Control connections over TCP. */
function control({ hostname, port }: Deno.NetAddr, token: string): Ask {
  const requests: Partial<Record<Endpoint, JsonObject>> = {
    "control of the plugin": { command: "resume", plugin: "echo" },
    "control stats": { command: "stats" },
  };
  return async (endpoint) => {
    const request = requests[endpoint];
    if (request === undefined) return undefined;
    using connection = new RawControl(await Deno.connect({ hostname, port }));
    return (await connection.ask({ ...request, token })).ok === true;
  };
}

Deno.test("every right opens on every kind of listener what it is for, and nothing else", async (t) => {
  const tokens = RIGHTS.map(([rights], at) => testToken(`t${at}`, rights));
  const { token: all } = tokens.at(-1)!;
  await using server = await TestServer.start({
    server: { udp: "", http: "127.0.0.1:0", control_tcp: "127.0.0.1:0", auth: "token" },
    file: { token: tokens.map(({ table }) => table) },
    plugins: [{ name: "echo", biz: 3, results: { keep: 60_000, maxOps: 1000, maxBytes: 1 << 20 } }],
  });
  const admin = await loggedIn(await server.connect(), all);
  await admin.send(streamRequest({ sync: false, wantsId: true }));
  const { id } = valueOf(await admin.reply()) as { id: string };
  admin.close();
  const [, controlPort] = /tcp .*:(\d+)/.exec(server.server.controlAddresses.join(" ")) ?? [];
  const kinds: Record<string, (token: string) => Promise<{ ask: Ask; close(): void }>> = {
    tcp: async (token) => {
      const connection = await loggedIn(await server.connect(), token);
      return { ask: wire(connection), close: () => connection.close() };
    },
    unix: async (token) => {
      const connection = await loggedIn(await server.connectUnix(), token);
      return { ask: wire(connection), close: () => connection.close() };
    },
    http: (token) => Promise.resolve({ ask: http(server.httpUrl, token), close: () => {} }),
    control: (token) => {
      const address: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: Number(controlPort) };
      return Promise.resolve({ ask: control(address, token), close: () => {} });
    },
  };
  const asked = new Set<Endpoint>();
  for (const [kind, open] of Object.entries(kinds)) {
    await t.step(kind, async () => {
      for (const [at, [rights, opens]] of RIGHTS.entries()) {
        const { ask, close } = await open(tokens[at]!.token);
        for (const endpoint of ENDPOINTS) {
          const isDone = await ask(endpoint, id);
          if (isDone === undefined) continue;
          asked.add(endpoint);
          assertEquals(isDone, opens.includes(endpoint), `${kind}, ${rights}: ${endpoint}`);
        }
        close();
      }
    });
  }
  assertEquals(asked, new Set(ENDPOINTS));
  assertEquals((server.stats().limits["rights"] ?? 0) > 0, true);
});

import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { createHmac } from "node:crypto";
import type { JsonValue } from "../../src/plugin.ts";
import { deliver, NONE, ok, request, start, toEndpoint } from "../support/hook_plugin.ts";
import { HookServer, RawHookServer, SELF_SIGNED } from "../support/hook_server.ts";
import { messageOf, streamRequest } from "../support/requests.ts";
import { until } from "../support/until.ts";

const SECRET = "a secret of some length";
/** No attempt follows within a test. */
const RETRY = { maxAttempts: 3, backoff: 5, maxBackoff: 50 };
/** What many attempts and time-outs may take a busy machine. */
const PATIENCE_MS = 60_000;

Deno.test("webhook: an operation arrives as a signed JSON request, and its caller gets status and body", async () => {
  await using hook = new HookServer(ok);
  await using server = await start(
    toEndpoint(`${hook.url}/orders?token=abc`, { headers: { "X-Shop": "7" }, secret: SECRET }),
  );
  using connection = await server.connect();
  const { code, value } = await deliver(connection, { body: { order: 1, text: "ä" } });
  const { id, ...answer } = value;
  assertEquals(code, 1000);
  assertEquals(answer, { status: 200, type: "text/plain", body: "thanks", truncated: false });
  const [{ method, path, headers, body }] = hook.received as [HookServer["received"][number]];
  assertEquals([method, path, body], ["POST", "/orders", '{"order":1,"text":"ä"}']);
  assertEquals(headers.get("content-type"), "application/json");
  assertEquals(headers.get("x-shop"), "7");
  assertEquals(headers.get("webhook-id"), id as string);
  const timestamp = headers.get("webhook-timestamp")!;
  assert(Math.abs(Number(timestamp) - Date.now() / 1000) < 60);
  const expected = createHmac("sha256", SECRET).update(`${id}.${timestamp}.${body}`).digest("base64");
  assertEquals(headers.get("webhook-signature"), `v1,${expected}`);
});

Deno.test("webhook: secrets come from a file, the environment or as whsec_ and base64 too; without one nothing is signed", async () => {
  await using hook = new HookServer(ok);
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, `${SECRET}\n`);
  Deno.env.set("MEVENT_TEST_HOOK_SECRET", SECRET);
  try {
    const secrets = {
      file: { secret_file: file },
      environment: { secret_env: "MEVENT_TEST_HOOK_SECRET" },
      base64: { secret: `whsec_${btoa(SECRET)}` },
      none: {},
    };
    const endpoints = Object.fromEntries(
      Object.entries(secrets).map(([name, secret]) => [name, { url: hook.url, ...secret }]),
    );
    const permissions = { ...NONE, net: ["127.0.0.1"], read: [file], env: ["MEVENT_TEST_HOOK_SECRET"] };
    await using server = await start({ endpoints }, { permissions });
    using connection = await server.connect();
    for (const endpoint of Object.keys(secrets)) {
      await deliver(connection, { endpoint, id: "evt-1", body: [1] });
      const { headers } = hook.received.at(-1)!;
      const signed = `evt-1.${headers.get("webhook-timestamp")}.[1]`;
      const expected = createHmac("sha256", SECRET).update(signed).digest("base64");
      assertEquals(headers.get("webhook-signature"), endpoint === "none" ? null : `v1,${expected}`);
    }
    await assertRejects(
      () => start(toEndpoint(hook.url, { secret_env: "MEVENT_TEST_HOOK_SECRET" })),
      Error,
      "may not read the environment variable",
    );
    await assertRejects(
      () => start(toEndpoint(hook.url, { secret: "short" })),
      Error,
      "is to have 16 at least",
    );
  } finally {
    Deno.env.delete("MEVENT_TEST_HOOK_SECRET");
    await Deno.remove(file);
  }
});

Deno.test("webhook: what may succeed later is 14 and tried again, what is refused for good is 40 and is not", async () => {
  let status = 200;
  await using hook = new HookServer(() =>
    new Response(null, { status, headers: status === 302 ? { location: "/elsewhere" } : {} })
  );
  await using server = await start(toEndpoint(hook.url, {}, { breaker_failures: 0 }), { retry: RETRY });
  using connection = await server.connect();
  for (
    const [answered, code, requests] of [
      [204, 1000, 1],
      [302, 40, 1],
      [400, 40, 1],
      [401, 40, 1],
      [404, 40, 1],
      [410, 40, 1],
      [408, 14, 3],
      [425, 14, 3],
      [429, 14, 3],
      [500, 14, 3],
      [503, 14, 3],
    ] as const
  ) {
    status = answered;
    hook.received.length = 0;
    const { failed } = server.plugin("hook");
    const reply = await deliver(connection);
    assertEquals(reply.code, code, `${answered}`);
    if (code !== 1000) assertStringIncludes(reply.message, `endpoint shop answered ${answered}`);
    assertEquals(hook.received.length, 1);
    if (code === 1000) continue;
    await connection.send(request({}, 2, false));
    await connection.reply();
    await server.until("it has failed", () => server.plugin("hook").failed === failed + 2);
    assertEquals(hook.received.length, 1 + requests, `${answered}`);
    const ids = new Set(hook.received.slice(1).map(({ headers }) => headers.get("webhook-id")));
    assertEquals(ids.size, 1, "all attempts have the same id");
  }
  assertEquals(hook.received.some(({ path }) => path === "/elsewhere"), false);
  // Whoever runs the server sees both in the log.
  const warnings = server.log.map((line) => JSON.parse(line)).filter(({ level }) => level === "warn");
  for (const answered of [302, 400, 401, 404, 410]) {
    const error = `endpoint shop answered ${answered}${
      answered === 302 ? "; redirects are not followed" : ""
    }`;
    assert(
      warnings.some(({ message, status }) => message === "a delivery is refused" && status === answered),
    );
    assert(
      warnings.some((line) => /kept as a dead letter$/.test(line.message) && line.error === error),
      `${answered}: ${JSON.stringify(warnings)}`,
    );
  }
});

Deno.test("webhook: everything arrives once a server that fails, stalls, breaks off and is away recovers, and is counted once", async () => {
  const delivered = new Map<string, number>();
  let turn = 0;
  const hook = new HookServer(({ headers }) => {
    const id = headers.get("webhook-id")!;
    const kind = turn++ % 5;
    if (kind === 0) return new Response("no", { status: 503 });
    if (kind === 1) return new Promise(() => {});
    if (kind === 2) {
      const body = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
      return new Response(body, { headers: { "content-length": "1000" } });
    }
    delivered.set(id, (delivered.get(id) ?? 0) + 1);
    return ok();
  });
  const { port } = hook;
  await using server = await start(
    toEndpoint(hook.url, { timeout: "300ms" }, { breaker_pause: "200ms", breaker_failures: 50 }),
    { retry: { maxAttempts: 100, backoff: 10, maxBackoff: 100 } },
  );
  using connection = await server.connect();
  const count = 100;
  await connection.send(...Array.from({ length: count }, (_, id) => request({ id: `e-${id}` }, id, false)));
  await connection.replies(count);
  await until("some have arrived", () => delivered.size > count / 4, PATIENCE_MS);
  await hook[Symbol.asyncDispose]();
  await server.until("the server is missed", () => (server.plugin("hook").gauges["hosts down"] ?? 0) === 1);
  await using again = new HookServer(({ headers }) => {
    const id = headers.get("webhook-id")!;
    delivered.set(id, (delivered.get(id) ?? 0) + 1);
    return ok();
  }, { port });
  await until("all are done", () => server.plugin("hook").done === count, PATIENCE_MS);
  assertEquals(delivered.size, count);
  // One may arrive twice, where it was given up while the server answered; it succeeds once.
  await server.until("the counter has come", () => server.plugin("hook").counters["delivered"] === count);
  const { failed, dead, retrying } = server.plugin("hook");
  assertEquals([failed, dead, retrying], [0, 0, 0]);
  assert(again.received.length > 0);
});

Deno.test("webhook: a stalling server costs the time-out and no more, and other hosts go on meanwhile", async () => {
  await using slow = new HookServer(() => new Promise(() => {}));
  await using quick = new HookServer(ok);
  const endpoints = { shop: { url: slow.url, concurrency: 2 }, quick: { url: quick.url, concurrency: 2 } };
  await using server = await start({ endpoints, timeout: "3s", breaker_failures: 0 }, {
    retry: { maxAttempts: 50, backoff: 5000, maxBackoff: 60_000 },
  });
  using connection = await server.connect();
  await connection.send(...Array.from({ length: 300 }, (_, id) => request({}, id, false)));
  await connection.replies(300);
  await server.until("it stalls", () => slow.open === 2);
  for (let i = 0; i < 20; i++) {
    assertEquals((await deliver(connection, { endpoint: "quick" })).code, 1000);
  }
  await server.until("it timed out", () => (server.plugin("hook").counters["failed"] ?? 0) >= 2);
  const { in_flight, counters } = server.plugin("hook");
  // The server does not see that those were given up.
  assert(slow.mostOpen <= 2 + counters["failed"]!);
  assertLess(in_flight, 60);
  assert(counters["put off"]! > 0);
});

Deno.test("webhook: no more requests than the config allows are under way at a host, and none comes before its time", async () => {
  await using hook = new HookServer(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return ok();
  });
  await using server = await start(toEndpoint(hook.url, { concurrency: 3, rate: "50/s" }));
  using connection = await server.connect();
  const count = 100;
  await connection.send(...Array.from({ length: count }, (_, id) => request({}, id, false)));
  await connection.replies(count);
  await server.until("all are done", () => server.plugin("hook").done === count);
  assertLess(hook.mostOpen, 4);
  assertEquals(hook.received.length, count);
  const times = hook.received.map(({ at }) => at);
  // The rate, and what may be caught up of it: 100 ms, five requests more.
  for (let i = 10; i < count; i++) {
    assert(times[i]! - times[i - 10]! > 60, `ten requests within ${times[i]! - times[i - 10]!} ms`);
  }
  assert(times.at(-1)! - times[0]! > (count - 10) * 20 * 0.9);
  assertEquals(server.plugin("hook").retries, 0);
});

Deno.test("webhook: a host that is down is left alone and its operations fail at once, until one finds it up again", async () => {
  let status = 500;
  await using hook = new HookServer(() => new Response(null, { status }));
  await using server = await start(toEndpoint(hook.url, {}, { breaker_failures: 3, breaker_pause: "1s" }));
  using connection = await server.connect();
  for (let i = 0; i < 3; i++) assertStringIncludes((await deliver(connection)).message, "answered 500");
  for (let i = 0; i < 5; i++) {
    const { code, message } = await deliver(connection);
    assertEquals(code, 14);
    assertStringIncludes(message, `127.0.0.1:${hook.port} is down; it is tried again in`);
  }
  assertEquals(hook.received.length, 3);
  status = 200;
  let code = 0;
  while (code !== 1000) code = (await deliver(connection)).code;
  assertEquals(hook.received.length, 4);
  await server.until("that is told", () => server.plugin("hook").gauges["hosts down"] === 0);
  assertEquals(server.log.filter((line) => line.includes("is down and left alone")).length, 1);
  assertEquals(server.log.filter((line) => line.includes("is up again")).length, 1);
});

Deno.test("webhook: Retry-After is kept: nothing more goes to the host until then, without an attempt", async () => {
  let busy = true;
  await using hook = new HookServer(() =>
    busy ? new Response(null, { status: 429, headers: { "retry-after": "2" } }) : ok()
  );
  await using server = await start(toEndpoint(hook.url), { retry: { ...RETRY, maxBackoff: 60_000 } });
  using connection = await server.connect();
  await connection.send(request({}, 1, false));
  await connection.reply();
  await server.until("it waits", () => server.plugin("hook").retrying === 1);
  busy = false;
  await connection.send(...[2, 3, 4].map((id) => request({}, id, false)));
  await connection.replies(3);
  await server.until("all are done", () => server.plugin("hook").done === 4);
  assertEquals([hook.received.length, server.plugin("hook").retries], [5, 1]);
  assert(hook.received[1]!.at - hook.received[0]!.at > 1900);
});

Deno.test("webhook: a response that breaks off, is no HTTP, or never ends is told, in bounds", async () => {
  const answers = {
    short: ["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc", "cannot be reached"],
    nonsense: ["nonsense\r\n\r\n", "invalid HTTP version"],
    nothing: ["", "connection closed before message completed"],
  } as const;
  using servers = new DisposableStack();
  const endpoints: Record<string, { url: string }> = {};
  for (const [name, [bytes]] of Object.entries(answers)) {
    endpoints[name] = { url: `${servers.use(new RawHookServer(bytes)).url}/hidden-token` };
  }
  const chunk = new TextEncoder().encode("y".repeat(65_536));
  let ended = false;
  await using endless = new HookServer(() =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(chunk),
        cancel: () => void (ended = true),
      }),
    )
  );
  endpoints["endless"] = { url: endless.url };
  await using server = await start({ endpoints, max_response: "1 KiB" });
  using connection = await server.connect();
  for (const [endpoint, [, sentence]] of Object.entries(answers)) {
    const reply = await deliver(connection, { endpoint });
    assertEquals(reply.code, 14);
    assertStringIncludes(reply.message, sentence);
    assertEquals(reply.message.includes("hidden-token"), false);
  }
  const { value } = await deliver(connection, { endpoint: "endless" });
  assertEquals([value["body"], value["truncated"]], ["y".repeat(1024), true]);
  await server.until("it is let go", () => ended);
});

Deno.test("webhook: callers reach what the config allows and nothing else", async () => {
  await using hook = new HookServer(ok);
  const config = { allow_hosts: [`http://127.0.0.1:${hook.port}`], allow_headers: ["X-Event"] };
  await using server = await start({ endpoints: { shop: { url: `${hook.url}/shop` } }, ...config });
  using connection = await server.connect();
  const byUrl = (url: string) => {
    const params: JsonValue = { url };
    return connection.send(streamRequest({ plugin: "hook", command: 1001, params })).then(() =>
      connection.reply()
    );
  };
  assertEquals((await byUrl(`${hook.url}/any?x=1#part`)).code, 1000);
  assertEquals(hook.received.at(-1)!.path, "/any");
  for (
    const url of [
      `http://localhost:${hook.port}/`,
      "http://127.0.0.1:1/",
      `https://127.0.0.1:${hook.port}/`,
      `http://user:password@127.0.0.1:${hook.port}/`,
      `http://127.0.0.1:${hook.port}@example.com/`,
      "file:///etc/passwd",
      "data:,x",
      "nonsense",
    ]
  ) {
    assertEquals((await byUrl(url)).code, 41, url);
  }
  const withPassword = messageOf(await byUrl(`http://user:password@127.0.0.1:${hook.port}/`));
  assertEquals(withPassword, "url has a user or a password in it: requests carry none");
  assertEquals((await deliver(connection, { endpoint: "nobody" })).code, 41);
  assertEquals((await deliver(connection, { url: hook.url })).code, 41);
  assertEquals((await deliver(connection, { headers: { "x-event": "paid" } })).code, 1000);
  assertEquals(hook.received.at(-1)!.headers.get("x-event"), "paid");
  for (const headers of [{ authorization: "x" }, { "x-event": "a\r\nx: y" }, { "x-event": 7 }, [1]]) {
    assertEquals((await deliver(connection, { headers })).code, 41, JSON.stringify(headers));
  }
  for (const id of ["", "a b", "ü", "x".repeat(129)]) {
    assertEquals((await deliver(connection, { id })).code, 41, id);
  }
  assertEquals(hook.received.length, 2);
});

Deno.test("webhook: a body that is no JSON is sent as it is, with its content type", async () => {
  await using hook = new HookServer(ok);
  await using server = await start(
    toEndpoint(hook.url, { method: "PUT", headers: { "Content-Type": "text/csv" } }),
  );
  using connection = await server.connect();
  assertEquals((await deliver(connection, { body: "a;b\n" })).code, 1000);
  const { method, headers, body } = hook.received[0]!;
  assertEquals([method, headers.get("content-type"), body], ["PUT", "text/csv", "a;b\n"]);
  assertEquals((await deliver(connection, { body: { a: 1 } })).code, 41);
});

Deno.test("webhook: a certificate that nobody vouches for is refused, and a host without a grant is named", async () => {
  await using hook = new HookServer(ok, SELF_SIGNED);
  await using server = await start(toEndpoint(`https://localhost:${hook.port}/`));
  using connection = await server.connect();
  const { code, message } = await deliver(connection);
  assertEquals(code, 14);
  assertStringIncludes(message, "certificate");
  assertEquals(hook.received.length, 0);
  const more = {
    ...toEndpoint(`https://localhost:${hook.port}/`),
    allow_hosts: ["hooks.example.com", "*.a.example"],
  };
  const error = await assertRejects(
    () => start(more, { permissions: NONE }),
    Error,
    `localhost:${hook.port}`,
  );
  assertStringIncludes(error.message, `net = ["localhost:${hook.port}", "hooks.example.com:443"]`);
});

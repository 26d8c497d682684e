import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AdminApi, answerOf } from "../support/admin_api.ts";
import { httpRequest, RawHttp } from "../support/raw_http.ts";
import { RawControl } from "../support/raw_control.ts";
import { TestServer } from "../support/test_server.ts";
import { testToken } from "../support/tokens.ts";

const PAUSE = "/api/v1/plugins/echo/pause";
const READ = "/api/v1/stats";

/** What a listener answers to a request with these headers. */
async function statusOf(
  address: Deno.NetAddr,
  method: "GET" | "POST",
  target: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  using raw = await RawHttp.connect(address);
  const { Host = `127.0.0.1:${address.port}`, ...rest } = headers;
  const body = method === "POST" ? { body: '{"dry_run":true}' } : {};
  await raw.send(httpRequest(method, target, { ...body, headers: { Host, ...rest } }));
  return (await raw.response()).status;
}

Deno.test("pages of other sites neither read nor change a server, by whatever name they come; its own page and curl do", async (t) => {
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0", http_hosts: "Mevent.Example.com", cors: "*" },
  });
  const { http } = server;
  const { port } = http;
  const own = `http://127.0.0.1:${port}`;
  const rows: [what: string, headers: Record<string, string>, isAllowed: boolean][] = [
    ["curl", {}, true],
    ["a browser whose user has typed the address", { "Sec-Fetch-Site": "none" }, true],
    ["the own page", { Origin: own, "Sec-Fetch-Site": "same-origin" }, true],
    ["the own page, where the browser says nothing of sites", { Origin: own }, true],
    ["the own page behind a proxy that changes the host", {
      Origin: "https://ops.example",
      "Sec-Fetch-Site": "same-origin",
    }, true],
    ["the own page by a name of the config", {
      Host: "mevent.example.com",
      Origin: "https://mevent.example.com",
      "Sec-Fetch-Site": "same-origin",
    }, true],
    ["a name without a dot", { Host: "mevent:9000" }, true],
    ["localhost", { Host: `localhost:${port}` }, true],
    ["a name below localhost", { Host: "a.localhost" }, true],
    ["the loopback of IPv6", { Host: `[::1]:${port}` }, true],
    ["a page of another site", { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }, false],
    ["one that CORS lets call operations", { Origin: "https://shop.example" }, false],
    ["one of a sister site", { Origin: "https://b.example", "Sec-Fetch-Site": "same-site" }, false],
    ["an image or a script of another site", { "Sec-Fetch-Site": "cross-site" }, false],
    ["a frame without an origin", { Origin: "null" }, false],
    ["one of another port", { Origin: `http://127.0.0.1:${port === 1 ? 2 : 1}` }, false],
    ["a foreign name that leads here", { Host: "evil.example", Origin: "http://evil.example" }, false],
    ["the same, as the browser sees it", { Host: "evil.example", "Sec-Fetch-Site": "same-origin" }, false],
    ["the same, reading", { Host: `evil.example:${port}` }, false],
    ["a name that only ends like one of the config", { Host: "xmevent.example.com" }, false],
    ["an address that is none", { Host: "127.0.0.1.evil.example" }, false],
  ];
  for (const [what, headers, isAllowed] of rows) {
    await t.step(what, async () => {
      const status = isAllowed ? 200 : 403;
      assertEquals(await statusOf(http, "POST", PAUSE, headers), status);
      assertEquals(await statusOf(http, "GET", READ, headers), status);
      assertEquals(await statusOf(http, "GET", "/metrics", headers), status);
    });
  }

  await t.step(
    "nor does a foreign name that leads here call a plugin, where CORS does not let it",
    async () => {
      await server.reload({ server: { http: "127.0.0.1:0" } });
      const evil = { Host: "evil.example", Origin: "http://evil.example" };
      assertEquals(await statusOf(http, "POST", "/v1/echo/1001", evil), 403);
      assertEquals(await statusOf(http, "POST", "/v1/echo/1001", { Origin: own }), 200);
      assertEquals(await statusOf(http, "POST", PAUSE, { Host: "mevent.example.com" }), 403);
    },
  );
  assert(!server.plugin("echo").paused);
});

Deno.test("rights and the key admin bound what a caller of the API sees and does", async (t) => {
  const tokens = {
    all: testToken("ops", ["*"]),
    stats: testToken("watcher", ["stats"]),
    control: testToken("keeper", ["control:echo"]),
    call: testToken("shop", ["call:echo"]),
    over: testToken("past", ["*"], { expires: -1000 }),
  };
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0", control_tcp: "127.0.0.1:0", auth: "token", udp: "" },
    file: {
      token: Object.values(tokens).map(({ table }) => table),
      listener: [{ http: "127.0.0.1:0", auth: "token", admin: "read" }, {
        http: "127.0.0.1:0",
        admin: "off",
      }],
    },
    plugins: [{ name: "echo" }, { name: "skeleton" }],
  });
  const [full, read, off] = server.server.addresses.filter((each) => each.startsWith("http ")).map((each) =>
    new AdminApi(each.replace(" ", "://"))
  );
  const as = (api: AdminApi | undefined, name: keyof typeof tokens) => api!.withToken(tokens[name].token);
  const status = async (response: Promise<Response>) => {
    const { status, body } = await response;
    await body?.cancel();
    return status;
  };

  await t.step("no token, or one that is none any more, is 401 or 403; the probes need none", async () => {
    assertEquals(await status(full!.get(READ)), 401);
    assertEquals(await status(full!.post(PAUSE)), 401);
    assertEquals(await status(full!.withToken("wrong").post(PAUSE)), 401);
    assertEquals(await status(as(full, "over").get(READ)), 401);
    assertEquals([await status(full!.get("/readyz")), await status(full!.get("/healthz"))], [200, 200]);
  });

  await t.step("figures need stats, changes control", async () => {
    assertEquals(await status(as(full, "stats").get(READ)), 200);
    assertEquals(await status(as(full, "stats").get("/metrics")), 200);
    assertEquals(await status(as(full, "stats").get("/api/v1/audit")), 403);
    const refusal = await answerOf(await as(full, "stats").post(PAUSE), 403);
    assertEquals(refusal["detail"], "watcher may not do this: it lacks the right control:echo");
    assertEquals(await status(as(full, "call").get(READ)), 403);
    assertEquals(await status(as(full, "call").get("/metrics")), 403);
  });

  await t.step("a right to one plugin is none to another, nor to the server", async () => {
    const keeper = as(full, "control");
    assertEquals(await status(keeper.post(PAUSE, { dry_run: true })), 200);
    assertEquals(await status(keeper.post("/api/v1/plugins/skeleton/pause")), 403);
    // By its number it is the same plugin.
    assertEquals(await status(keeper.post("/api/v1/plugins/1/pause")), 403);
    assertEquals(await status(keeper.post("/api/v1/stop")), 403);
    const me = await keeper.read("/api/v1/me");
    assertEquals([me["name"], me["needs_token"], me["may"]], ["keeper", true, {
      stats: false,
      control: false,
    }]);
    assertEquals(me["plugins"], {
      echo: { control: true, call: false, enqueue: false, see_params: true },
      skeleton: { control: false, call: false, enqueue: false, see_params: false },
    });
    const shop = (await as(full, "call").read("/api/v1/me"))["plugins"] as Record<string, unknown>;
    assertEquals(shop["echo"], { control: false, call: true, enqueue: false, see_params: true });
  });

  await t.step("read lets nobody change anything, off nobody see anything", async () => {
    assertEquals(await status(as(read, "all").get(READ)), 200);
    const refusal = await answerOf(await as(read, "all").post(PAUSE), 403);
    assertStringIncludes(String(refusal["detail"]), 'admin = "read"');
    assertEquals((await as(read, "all").read("/api/v1/me"))["may"], { stats: true, control: false });
    for (const path of [READ, "/metrics", "/api/v1/me", "/"]) assertEquals(await status(off!.get(path)), 403);
    assertEquals([await status(off!.post(PAUSE)), await status(off!.get("/readyz"))], [403, 200]);
    assertEquals(await status(off!.post("/v1/echo/1001")), 200);
  });

  await t.step("a control connection over TCP is noted by its token's name and its address", async () => {
    const [, port] = /tcp .*:(\d+)/.exec(server.server.controlAddresses.join(" ")) ?? [];
    const before = server.server.audit.last;
    using control = new RawControl(await Deno.connect({ hostname: "127.0.0.1", port: Number(port) }));
    await control.ask({ command: "resume", plugin: "echo", token: tokens.control.token });
    await control.ask({ command: "resume", plugin: "echo", token: tokens.call.token });
    assertEquals(
      server.server.audit.after(before, 10).map((
        { who, outcome },
      ) => [who.by, who.name, who.address, outcome]),
      [["control", "keeper", "127.0.0.1", "done"], ["control", "shop", "127.0.0.1", "refused"]],
    );
  });

  await t.step("what was refused is noted with who wanted it, and no token stands anywhere", async () => {
    await as(full, "all").change(PAUSE);
    const audit = await as(full, "all").read("/api/v1/audit");
    const entries = audit["entries"] as { who: { name: string }; outcome: string; action: string }[];
    assertEquals(
      entries.filter(({ action }) => action !== "resume").map(({ who, outcome, action }) =>
        `${who.name} ${action} ${outcome}`
      ),
      [
        "watcher pause refused",
        "keeper pause refused",
        "keeper pause refused",
        "keeper stop refused",
        "ops pause refused",
        "ops pause done",
      ],
    );
    server.server.options.log.flush();
    const said = server.log.join("\n") + JSON.stringify(audit);
    for (const { token } of Object.values(tokens)) assert(!said.includes(token));
  });
});

Deno.test("without a token this machine alone may change a server by HTTP, others may look", async () => {
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0" },
    file: { listener: [{ http: "0.0.0.0:0", insecure: true }] },
  });
  const ports = server.server.addresses.filter((each) => each.startsWith("http ")).map((each) =>
    each.split(":").at(-1)
  );
  const [local, open] = ports.map((port) => new AdminApi(`http://127.0.0.1:${port}`));
  assertEquals((await local!.read("/api/v1/me"))["admin"], "full");
  assertEquals((await open!.read("/api/v1/me"))["admin"], "read");
  await answerOf(await open!.post(PAUSE), 403);
  await local!.change(PAUSE);
  assert(server.plugin("echo").paused);
});

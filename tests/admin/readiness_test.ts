import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AdminApi, answerOf } from "../support/admin_api.ts";
import { streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

/** What a plugin may do that is granted nothing. */
const NOTHING = {
  net: false,
  read: false,
  write: false,
  env: false,
  run: false,
  sys: false,
  ffi: false,
  import: false,
};

/** Files tell it when to start, that it does not start again, that it cannot work, and that what waits is done. */
const SOURCE = `
import type { Plugin } from "mevent/plugin";
const has = async (path: string) => { try { await Deno.stat(path); return true; } catch { return false; } };
let folder = "";
export default {
  name: "vital", description: "is needed",
  async start(context) {
    folder = String(context.config["folder"]);
    while (!await has(folder + "/may-start")) await new Promise((resolve) => setTimeout(resolve, 5));
    if (await has(folder + "/breaks")) throw new Error("it is broken");
  },
  async health() { if (await has(folder + "/sick")) throw new Error("it is sick"); },
  commands: {
    1001: { name: "hang", run: () => new Promise(() => {}) },
    1002: { name: "wait", async run() { while (!await has(folder + "/done")) await new Promise((r) => setTimeout(r, 5)); } },
  },
} satisfies Plugin;
`;

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function isAnswered(api: AdminApi): Promise<boolean> {
  try {
    await (await api.get("/readyz")).body?.cancel();
    return true;
  } catch {
    return false;
  }
}

async function notReady(api: AdminApi): Promise<readonly string[]> {
  const response = await api.get("/readyz");
  const { not_ready } = await response.json();
  assertEquals(response.status, not_ready.length === 0 ? 200 : 503);
  return not_ready;
}

for (const portableSockets of [false, true]) {
  Deno.test(`a server says that it is not ready while it starts, while an essential plugin is down, and while it stops${portableSockets ? ", over Deno's own sockets" : ""}`, async (t) => {
    const folder = await Deno.makeTempDir({ prefix: "mevent-ready-" });
    const touch = (name: string) => Deno.writeTextFile(`${folder}/${name}`, "");
    const port = freePort();
    const api = new AdminApi(`http://127.0.0.1:${port}`);
    const permissions = { ...NOTHING, read: [folder] };
    const plugin = { source: SOURCE, config: { folder }, healthInterval: 10, permissions };
    const starting = TestServer.start({
      portableSockets,
      server: { http: `127.0.0.1:${port}`, drain_timeout: "20s" },
      plugins: [
        { name: "echo" },
        { name: "vital", essential: true, timeout: 50, grace: 0, ...plugin },
        { name: "slow", ...plugin },
      ],
    });
    await t.step("while it starts, and nothing else is answered", async () => {
      await until("it listens", () => isAnswered(api));
      assertEquals(await notReady(api), ["the server is starting"]);
      assertEquals(await answerOf(await api.get("/healthz"), 200), { state: "starting" });
      for (const response of [await api.post("/v1/echo/1001"), await api.post("/api/v1/stop")]) {
        assertEquals(response.headers.get("retry-after"), "1");
        assertStringIncludes(String((await answerOf(response, 503))["detail"]), "is starting");
      }
      await touch("may-start");
    });
    await using server = await starting;
    assertEquals(await notReady(api), []);

    await t.step("while its health says that it cannot work", async () => {
      await touch("sick");
      await until("it is sick", async () => (await notReady(api)).length > 0);
      assertEquals(await notReady(api), [
        "no worker of the essential plugin vital can work: its health says that it cannot work",
      ]);
      await Deno.remove(`${folder}/sick`);
      await until("it is well", async () => (await notReady(api)).length === 0);
    });

    await t.step("while its workers die", async () => {
      using connection = await server.connect();
      await touch("breaks");
      await connection.send(streamRequest({ plugin: "vital", command: 1001 }));
      await until("it is down", async () => (await notReady(api)).length > 0);
      assertEquals(await notReady(api), [
        "no worker of the essential plugin vital can work: its workers die; the log says why",
      ]);
      assertEquals(server.plugin("vital").down, "its workers die; the log says why");
      await Deno.remove(`${folder}/breaks`);
      await until("another has started", async () => (await notReady(api)).length === 0);
    });

    await t.step("while it stops, to those who come then, too", async () => {
      using connection = await server.connect();
      await connection.send(streamRequest({ plugin: "slow", command: 1002 }));
      await server.until("it runs", () => server.plugin("slow").in_flight > 0);
      await api.change("/api/v1/drain", {}, 202);
      assertEquals(await notReady(api), ["the server is draining"]);
      const refused = await answerOf(await api.post("/v1/echo/1001"), 503);
      assertEquals(refused["code"], 21);
      assertEquals((await api.read("/api/v1/stats"))["state"], "draining");
      await touch("done");
      assertEquals((await server.server.ended).abandoned, 0);
      assert(!await isAnswered(api));
    });
    assert(server.server.state === "stopped");
    await Deno.remove(folder, { recursive: true });
  });
}

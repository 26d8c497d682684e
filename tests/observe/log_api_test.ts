import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { AdminApi, answerOf } from "../support/admin_api.ts";
import { Description } from "../support/description.ts";
import { mevent } from "../support/mevent.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { testToken } from "../support/tokens.ts";

const TALKER = `
import type { Plugin } from "mevent/plugin";
export default {
  name: "talker", biz: 60, description: "talks",
  commands: {
    1001: { name: "talk", run({ log, params, id }) {
      log.debug("a detail", { n: params.int("n"), operation_id: "its own" });
      log.info("it talks", { n: params.int("n") });
      log.warn("no fields at all", "a text");
      return { id };
    } },
  },
} satisfies Plugin;
`;

Deno.test("the log's last lines and its levels, by HTTP, control socket and command", async (t) => {
  await using server = await TestServer.start({
    control: true,
    server: { http: "127.0.0.1:0", log_level: "info" },
    plugins: [{ name: "echo", biz: 3 }, { name: "talker", source: TALKER, logLevel: "debug" }],
  });
  server.server.options.log.levels.configure("info");
  const api = new AdminApi(server.httpUrl);
  const description = await Description.of(server.httpUrl);
  const read = async (path: string, query = "") =>
    JSON.parse(await description.check(path, "GET", await api.get(path + query)));
  const setLevel = async (body: { plugin?: string | null; level: string | null; dry_run?: boolean }) =>
    JSON.parse(
      await description.check("/api/v1/log/levels", "POST", await api.post("/api/v1/log/levels", body)),
    );
  using connection = await server.connect();
  using control = await server.control();
  const talk = async (n: number): Promise<string> => {
    await connection.send(streamRequest({ id: n, plugin: "talker", params: { n } }));
    return String((valueOf(await connection.reply()) as JsonObject)["id"]);
  };
  const messages = async (query: string): Promise<string[]> =>
    (await read("/api/v1/log", query)).lines.map(({ message }: { message: string }) => message);
  /** The log's lines come over a port of their own. */
  const heard = (n: number) =>
    server.until(
      "its lines have come",
      (each) => each.log.filter((line) => line.includes("no fields")).length >= n,
    );
  const cli = async (...argv: string[]) => {
    const { code, stdout, stderr } = await mevent(["log", ...argv, "--control", server.controlPath]);
    assertEquals([code, stderr], [0, ""]);
    return stdout;
  };

  await t.step("a plugin's lines carry the operation's id, and its level is its own", async () => {
    const id = await talk(1);
    await heard(1);
    const { lines, last, missed, truncated } = await read("/api/v1/log", "?plugin=60");
    assertEquals([missed, truncated, lines.at(-1).seq <= last], [0, false, true]);
    const told = lines.slice(-3).map(({ level, message, fields }: never) => ({ level, message, fields }));
    const about = { plugin: "talker", worker: 0 };
    assertEquals(told, [
      { level: "debug", message: "a detail", fields: { ...about, operation_id: "its own", n: 1 } },
      { level: "info", message: "it talks", fields: { ...about, operation_id: id, n: 1 } },
      {
        level: "warn",
        message: "no fields at all",
        fields: { ...about, operation_id: id, fields: "a text" },
      },
    ]);
  });

  await t.step("lines are looked for by number, level and text", async () => {
    assertEquals(await messages("?plugin=talker&level=warn"), ["no fields at all"]);
    assertEquals(await messages("?text=IT%20TALKS&limit=1"), ["it talks"]);
    const { last } = await read("/api/v1/log");
    assertEquals(await messages(`?after=${last}`), []);
    for (const query of ["?level=loud", "?limit=0", "?after=x"]) {
      await answerOf(await api.get(`/api/v1/log${query}`), 400);
    }
  });

  await t.step("a level is set for a plugin, until the server ends; null takes that back", async () => {
    const dry = await setLevel({ plugin: "60", level: "error", dry_run: true });
    assertEquals([dry.plugin, dry.level, dry.before, dry.dry_run], ["talker", "error", "debug", true]);
    assertMatch(dry.note, /until the server ends/);
    assertEquals((await read("/api/v1/log/levels")).plugins, { echo: null, talker: "debug" });
    assertEquals((await setLevel({ plugin: "talker", level: "error" })).level, "error");
    await talk(2);
    await connection.send(streamRequest({ id: 9 }));
    await connection.reply();
    assertEquals((await setLevel({ plugin: "talker", level: null })).level, "debug");
    await talk(3);
    await heard(2);
    assertEquals((await messages("?text=it%20talks")).length, 2);
    const audit = await api.read("/api/v1/audit");
    assertStringIncludes(JSON.stringify(audit), '"action":"log-level"');
    await api.change("/api/v1/log/levels", { plugin: "nobody", level: "info" }, 404);
    await api.change("/api/v1/log/levels", { level: "loud" }, 400);
  });

  await t.step("a reload changes a plugin's level, and not what was said to the running server", async () => {
    await control.ask({ command: "log-level", level: "warn" });
    const { changed } = await server.reload({
      control: true,
      server: { http: "127.0.0.1:0", log_level: "info" },
      plugins: [{ name: "echo", biz: 3 }, { name: "talker", source: TALKER, logLevel: "error" }],
    });
    assertEquals(changed.filter((what) => what.includes("log_level")), [
      "plugin talker: log_level debug -> error",
    ]);
    assertEquals(await read("/api/v1/log/levels"), {
      server: "warn",
      plugins: { echo: null, talker: "error" },
    });
  });

  await t.step("mevent log shows lines and levels, and sets them", async () => {
    assertMatch(
      await cli("--text", "it talks", "--limit", "1"),
      /^[\d:.]+ info {2}it talks plugin=talker worker=0 /,
    );
    const { lines } = JSON.parse(await cli("--plugin", "talker", "--json"));
    assert(lines.length >= 6);
    assertEquals(await cli("level"), "the server: warn\n  echo    warn, the server's\n  talker  error\n");
    assertMatch(
      await cli("level", "talker", "info"),
      /^lines about plugin talker are written from info on; it holds until/,
    );
    assertMatch(await cli("level", "talker", "config"), /written from error on/);
    assertMatch(await cli("level", "debug"), /^lines are written from debug on/);
    const wrong = await mevent(["log", "level", "talker", "loud", "--control", server.controlPath]);
    assertEquals(wrong.code, 64);
  });
});

Deno.test("lines about a plugin are told to nobody who may not see its operations", async () => {
  const sees = testToken("sees", ["stats", "call:echo"]);
  const none = testToken("none", ["call:echo"]);
  await using server = await TestServer.start({
    server: { http: "127.0.0.1:0", udp: "", auth: "token", insecure: true },
    file: { token: [sees.table, none.table] },
    plugins: [{ name: "echo", biz: 3 }, { name: "skeleton", biz: 1 }],
  });
  const { log } = server.server.options;
  log.info("of echo", { plugin: "echo" });
  log.info("of skeleton", { plugin: "skeleton" });
  log.info("of nobody");
  const api = new AdminApi(server.httpUrl);
  const { lines } = await api.withToken(sees.token).read("/api/v1/log?text=of%20");
  const told = (lines as { message: string }[]).map(({ message }) => message);
  assertEquals([told.includes("of echo"), told.includes("of skeleton"), told.includes("of nobody")], [
    true,
    false,
    true,
  ]);
  const refused = await api.withToken(none.token).get("/api/v1/log");
  await refused.body?.cancel();
  assertEquals(refused.status, 403);
});

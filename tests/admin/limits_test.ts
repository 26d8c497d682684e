import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AdminApi, answerOf } from "../support/admin_api.ts";
import { streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

interface Report {
  readonly changed: readonly { key: string; before: unknown; after: unknown }[];
  readonly notes: readonly string[];
}
interface Shown {
  readonly key: string;
  readonly amount: number;
  readonly edited: boolean;
}
const LOST = "the config's file keeps its values: the next reload, or start, brings them back";
const REPLACED = "its workers are replaced: those of before finish what they run";

Deno.test("limits of a plugin change while it runs, after a look at what that does, and are the config's again at the next reload", async (t) => {
  const options = {
    control: true,
    server: { http: "127.0.0.1:0" },
    plugins: [{ name: "echo", biz: 3, concurrency: 1, dead: { maxOps: 10, maxBytes: 1 << 20 } }],
  };
  await using server = await TestServer.start(options);
  using connection = await server.connect();
  const api = new AdminApi(server.httpUrl);
  const limits = async (values: Record<string, string | number>, isDry = false) =>
    await api.change("/api/v1/plugins/echo/limits", {
      limits: values,
      ...isDry ? { dry_run: true } : {},
    }) as unknown as Report;
  const shown = async (key: string) => {
    const { limits } = await api.read("/api/v1/plugins/echo") as unknown as { limits: readonly Shown[] };
    return limits.find((each) => each.key === key);
  };
  const code = async () => {
    await connection.send(streamRequest({ id: 9, sync: false }));
    return (await connection.reply()).code;
  };

  await t.step("the bound of the queue counts at once, and what is there stays", async () => {
    await api.change("/api/v1/plugins/echo/pause");
    assertEquals([await code(), await code(), await code()], [1000, 1000, 1000]);
    const dry = await limits({ "queue.max_ops": 2 }, true);
    assertEquals(dry.changed, [{ key: "queue.max_ops", before: 1_000_000, after: 2 }]);
    assertEquals(dry.notes[0], LOST);
    assertStringIncludes(dry.notes[1] ?? "", "the queue holds 3 operations");
    assertEquals([await code(), (await shown("queue.max_ops"))?.edited], [1000, false]);
    assertEquals((await limits({ "queue.max_ops": 2 })).changed, dry.changed);
    assertEquals([await code(), server.plugin("echo").queued], [21, 4]);
    assertEquals(await shown("queue.max_ops").then((each) => [each?.amount, each?.edited]), [2, true]);
    await api.change("/api/v1/plugins/echo/resume");
    await server.until("all is done", () => server.plugin("echo").done === 4);
  });

  await t.step("what the workers see comes with new ones, and no operation is lost", async () => {
    const before = server.server.registry.named("echo")?.pool.workers[0];
    const dry = await limits({ concurrency: 4, timeout: 1500, workers: 2 }, true);
    assertEquals(dry.changed.map(({ key, after }) => [key, after]), [
      ["workers", 2],
      ["concurrency", 4],
      ["timeout", "1500ms"],
    ]);
    assert(dry.notes.includes(REPLACED));
    assertEquals(server.server.registry.named("echo")?.pool.workers[0], before);
    await connection.send(streamRequest({ id: 1, command: 1003, params: { ms: 200 } }));
    await server.until("it runs", () => server.plugin("echo").in_flight === 1);
    await limits({ concurrency: 4, timeout: 1500, workers: 2 });
    assertEquals((await connection.reply()).code, 1000);
    assertEquals(server.plugin("echo").workers, 2);
    assertEquals(server.server.registry.named("echo")?.pool.declaration?.concurrency, 4);
  });

  await t.step("units as in the config, and several at once or none", async () => {
    const { changed } = await limits({ "queue.max_bytes": "1 MiB", ttl: "2m", "retry.max_attempts": "3" });
    assertEquals(changed.map(({ key, after }) => [key, after]), [
      ["queue.max_bytes", "1 MiB"],
      ["ttl", "2m"],
      ["retry.max_attempts", 3],
    ]);
    assertEquals(server.plugin("echo").max_bytes, 1 << 20);
    const none = await limits({ ttl: 120_000 });
    assertEquals([none.changed, none.notes], [[], ["nothing differs from what counts now"]]);
    const cases: [limits: unknown, status: number, detail: string][] = [
      [{ "queue.max_opps": 1 }, 400, 'unknown limit "queue.max_opps"; did you mean queue.max_ops?'],
      [{ module: "builtin:kv" }, 400, 'unknown limit "module"'],
      [{ "permissions.run": "true" }, 400, "unknown limit"],
      [{ "queue.max_ops": 0 }, 400, "queue.max_ops: expected a whole number from 1"],
      [{ ttl: "soon", "retry.max_attempts": 1000 }, 400, "retry.max_attempts: expected a whole number"],
      [{ "journal.max_disk": "64 MiB" }, 400, "journal.max_disk bounds nothing of plugin echo"],
      [{ workers: 65 }, 400, "workers: expected a whole number from 1 to 64"],
      [{}, 400, "limits: expected up to 50 limits"],
      [{ ttl: null }, 400, "ttl: expected a number or a text"],
      [["ttl"], 400, "limits: expected up to 50 limits"],
    ];
    for (const [values, status, detail] of cases) {
      const response = await api.post("/api/v1/plugins/echo/limits", JSON.stringify({ limits: values }));
      assertStringIncludes(String((await answerOf(response, status))["detail"]), detail);
    }
    await answerOf(await api.post("/api/v1/plugins/nobody/limits", { limits: { ttl: "1s" } }), 404);
  });

  await t.step("the control socket does the same, and both are noted", async () => {
    using control = await server.control();
    const { ok, result } = await control.ask(
      { command: "limits", plugin: "3", limits: { ttl: "3m" } } as never,
    );
    assertEquals([ok, (result as unknown as Report).changed], [true, [{
      key: "ttl",
      before: "2m",
      after: "3m",
    }]]);
    const [last] = server.server.audit.after(0, 1);
    assertEquals([last?.action, last?.plugin, last?.details], ["limits", "echo", { limits: { ttl: "3m" } }]);
  });

  await t.step("a reload brings back what the config says, and says so", async () => {
    const { changed } = await server.reload(options);
    assert(changed.includes("plugin echo: queue.max_ops 2 -> 1000000"), changed.join("\n"));
    assertEquals(await shown("ttl").then((each) => [each?.amount, each?.edited]), [0, false]);
    assertEquals([server.plugin("echo").workers, await code()], [1, 1000]);
  });
});

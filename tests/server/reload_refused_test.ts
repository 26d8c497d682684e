import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ConfigError } from "../../src/config/config_error.ts";
import { loadConfig } from "../../src/config/load.ts";
import { ReloadError } from "../../src/control/reload_report.ts";
import { Server } from "../../src/server/server.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { countingPlugin, SteadyLoad } from "../support/steady_load.ts";
import { TestServer, type TestServerOptions } from "../support/test_server.ts";
import { within } from "../support/until.ts";
import { testLog } from "../support/test_log.ts";

const P = { name: "p", source: countingPlugin("p"), biz: 7 };
const NEVER_READY = `export default { name: "slow", commands: {},
  start(context) { context.log.info("it begins"); return new Promise(() => {}); } };`;

Deno.test("a reload that fails changes nothing, under load, and says which plugin or address and why", async () => {
  await using server = await TestServer.start({ plugins: [P] });
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const free = freePort();
  const good = { ...P, workers: 2, config: { other: true }, queue: { maxOps: 5, maxBytes: 2 ** 20 } };
  const others = { log_level: "error", max_in_flight: 3, tcp: ["127.0.0.1:0", `127.0.0.1:${free}`] };
  const q = (source: string) => ({ name: "q", source });
  const cases: [TestServerOptions, string[]][] = [
    [{ plugins: [good, q("export default {")] }, ["plugin q does not load", "q.ts"]],
    [{ plugins: [good, q("export default { name: 'q' };")] }, ["plugin q does not load", "commands"]],
    [{ plugins: [good, q("throw new Error('at the top');")] }, ["plugin q does not load", "at the top"]],
    [{ plugins: [{ ...good, source: "export default 1;" }] }, ["plugin p does not load", "default export"]],
    [{ plugins: [good, { name: "q", module: "file:///nowhere/q.js" }] }, [
      "plugin q does not load",
      "nowhere",
    ]],
    [{ plugins: [good, { name: "echo", biz: 7 }] }, ["plugins p and echo", '"7"']],
    [{ plugins: [good, q("export default {"), { name: "r", source: "export nonsense;" }] }, [
      "plugin q",
      "plugin r",
    ]],
    [
      {
        plugins: [good],
        server: { ...others, udp: [], tcp: [`127.0.0.1:${free}`, `127.0.0.1:${taken.addr.port}`] },
      },
      [`tcp 127.0.0.1:${taken.addr.port}`, "in use"],
    ],
    [{ plugins: [good], server: { unix: `${server.directory}/p.ts` } }, ["p.ts", "no socket"]],
  ];
  const load = await SteadyLoad.start(server, "p");
  const before = { addresses: server.server.addresses, config: server.plugin("p").max_ops };
  for (const [options, parts] of cases) {
    const sent = load.sent;
    const error = await assertRejects(() => server.reload({ server: others, ...options }), ReloadError);
    for (const part of parts) assertStringIncludes(error.message, part);
    const [line] = server.log.filter((each) => each.includes("the reload has failed")).slice(-1);
    assertStringIncludes(JSON.parse(line ?? "{}").error, parts[0]!);
    assertEquals(server.server.addresses, before.addresses);
    assertEquals(server.stats().plugins.map(({ name }) => name), ["p"]);
    const { max_ops, workers, restarts, biz } = server.plugin("p");
    assertEquals([max_ops, workers, restarts, biz], [before.config, 1, 0, 7]);
    await assertRejects(() => Deno.connect({ hostname: "127.0.0.1", port: free }));
    await server.until("the load goes on", () => load.sent > sent + 20);
    // What a plan wrote over is what the next one finds.
    await Deno.writeTextFile(`${server.directory}/p.ts`, P.source);
  }
  await load.end(server);
  assertEquals((await server.reload({ plugins: [P] })).kept, []);
});

Deno.test("reloads come one at a time, each with the config of its turn", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "echo" }] });
  const reload = (workers: number) => server.reload({ plugins: [{ name: "echo", workers }] });
  const reports = await Promise.all([2, 3, 4].map(reload));
  assertEquals(reports.map(({ changed }) => changed), [
    ["plugin echo: workers 1 -> 2"],
    ["plugin echo: workers 2 -> 3"],
    ["plugin echo: workers 3 -> 4"],
  ]);
  assertEquals(server.plugin("echo").workers_running, 4);
});

Deno.test("a stop ends a reload that waits for a plugin, and a stopping server refuses one", async () => {
  await using server = await TestServer.start({ plugins: [P] });
  const waiting = assertRejects(
    () => server.reload({ plugins: [P, { name: "slow", source: NEVER_READY }] }),
    ReloadError,
    "told to stop",
  );
  await server.until("the plugin starts", () => server.log.some((line) => line.includes("it begins")));
  const stopped = server.server.stop();
  const refused = assertRejects(() => server.reload({ plugins: [] }), ReloadError, "the server is");
  await within("all of it", Promise.all([waiting, stopped, refused]), 3000);
});

Deno.test("without a config the server loads it again; one that is wrong is told with file and key", async () => {
  const directory = await Deno.makeTempDir({ prefix: "mevent-test-" });
  const file = `${directory}/mevent.toml`;
  const lines: string[] = [];
  const log = testLog("info", (line) => lines.push(line));
  const load = () => loadConfig({ file, env: {}, flags: { tcp: "127.0.0.1:0", udp: [] } });
  await Deno.writeTextFile(file, '[[plugin]]\nname = "echo"\nmodule = "builtin:echo"\n');
  const server = await Server.start({ config: load(), log, version: "test", loadConfig: load });
  try {
    await Deno.writeTextFile(file, '[[plugin]]\nname = "echo"\nmodule = "builtin:echo"\nworkers = 0\n');
    const error = await assertRejects(() => server.reload(), ReloadError);
    for (const part of [file, "plugin[0].workers", "got 0"]) assertStringIncludes(error.message, part);
    assert(error.cause instanceof ConfigError);
    await Deno.writeTextFile(file, '[[plugin]]\nname = "echo"\nmodule = "builtin:echo"\nworkers = 2\n');
    assertEquals((await server.reload()).changed, ['plugin echo: workers { max = 1, idle = "1m" } -> 2']);
  } finally {
    await server.stop();
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a worker that dies while it finishes before a change fails what it ran, and nothing else", async () => {
  const source = (answer: number) =>
    `export default { name: "p", concurrency: 2, commands: {
      1001: { name: "a", run: () => ${answer} },
      1002: { name: "leave", run: (c) => new Promise(() => c.signal.addEventListener("abort", () => self.close())) },
    } };`;
  const plugin = (answer: number) => ({ name: "p", source: source(answer), timeout: 150 });
  await using server = await TestServer.start({ plugins: [plugin(1)] });
  using connection = await server.connect();
  await connection.send(streamRequest({ id: 1, plugin: "p", command: 1002 }));
  await server.until("it runs", () => server.plugin("p").in_flight === 1);
  await server.reload({ plugins: [plugin(2)] });
  await connection.send(streamRequest({ id: 2, plugin: "p" }));
  const replies = new Map((await connection.replies(2)).map((reply) => [reply.id, reply]));
  assertEquals([replies.get(1)!.code, valueOf(replies.get(2)!)], [14, 2]);
  await server.until("nothing is held", () => server.plugin("p").in_flight === 0);
  assertEquals(server.plugin("p").workers_running, 1);
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type AuditEntry, AuditLog, MAX_KEPT } from "../../src/control/audit_log.ts";
import { SIGNAL } from "../../src/control/actor.ts";
import { AdminApi, answerOf } from "../support/admin_api.ts";
import { mevent, MeventProcess } from "../support/mevent.ts";
import { testLog } from "../support/test_log.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

const CHANGE = {
  action: "pause",
  plugin: "echo",
  details: {},
  outcome: "done",
  result: {},
  message: null,
} as const;

interface Line extends Pick<AuditEntry, "who" | "action" | "outcome" | "result"> {
  readonly at: string;
}

const linesOf = (path: string): Line[] =>
  Deno.readTextFileSync(path).trimEnd().split("\n").filter((line) => line !== "").map((line) =>
    JSON.parse(line)
  );

Deno.test("the newest entries are kept, their numbers go on, and what is long in them is cut", () => {
  const lines: string[] = [];
  const audit = new AuditLog(testLog("info", (line) => lines.push(line)), () => 7);
  for (let n = 0; n < MAX_KEPT + 5; n++) audit.note(SIGNAL, { ...CHANGE, details: { n } });
  assertEquals([audit.last, audit.after(0, 10_000).length, audit.after(0, 10_000)[0]?.seq], [
    MAX_KEPT + 5,
    MAX_KEPT,
    6,
  ]);
  assertEquals(audit.after(MAX_KEPT, 3).map(({ seq }) => seq), [MAX_KEPT + 3, MAX_KEPT + 4, MAX_KEPT + 5]);
  const changed = Array.from({ length: 150 }, (_, n) => `plugin ${n} added`);
  audit.note(SIGNAL, { ...CHANGE, result: { changed, text: "x".repeat(5000) } });
  const [{ result }] = audit.after(audit.last - 1, 1) as [AuditEntry];
  assertEquals((result["changed"] as string[]).slice(99), ["plugin 99 added", "… 50 more"]);
  assertEquals(String(result["text"]).length, 1001);
  assert(lines.some((line) => line.includes("control: pause")));
});

Deno.test("who changes what stands in the audit file, also after it was moved away; signals and reloads, too", async () => {
  const folder = await Deno.makeTempDir({ prefix: "mevent-audit-" });
  const [config, control, file] = [`${folder}/mevent.toml`, `${folder}/control`, `${folder}/audit.jsonl`];
  const text = (plugins: string) =>
    `[server]\ntcp = ""\nudp = ""\nhttp = "127.0.0.1:0"\naudit = "audit.jsonl"\ndata = "data"\n${plugins}`;
  const plugin = (name: string) =>
    `[[plugin]]\nname = "${name}"\nmodule = "builtin:echo"\nbiz = ${name.length}\n`;
  await Deno.writeTextFile(config, text(plugin("one")));
  const server = new MeventProcess("serve", "-c", config, "--set", `control=${control}`);
  const noted = (path: string, count: number) =>
    until(`${count} entries stand in ${path}`, () => {
      try {
        return linesOf(path).length >= count;
      } catch {
        return false;
      }
    });
  try {
    await server.until(/Next:/);
    const api = new AdminApi(/http (127\S+)/.exec(server.stdout)![1]!.replace(/^/, "http://"));
    assertEquals((Deno.statSync(file).mode ?? 0) & 0o777, 0o600);
    assertEquals((await mevent(["pause", "one", "--control", control])).code, 0);
    await api.change("/api/v1/plugins/one/resume");
    await noted(file, 2);
    const [paused, resumed] = linesOf(file);
    assertEquals([paused?.action, paused?.who.by, paused?.who.uid], ["pause", "control", Deno.uid()]);
    assertEquals([resumed?.action, resumed?.who.by, resumed?.who.address], ["resume", "http", "127.0.0.1"]);
    assert(Math.abs(Date.parse(paused?.at ?? "") - Date.now()) < 60_000);

    // What a reload would change is told, and nothing has changed; one that cannot be had is refused.
    await Deno.writeTextFile(config, text(`${plugin("one")}${plugin("second")}durability = "journal"\n`));
    const preview = await api.change("/api/v1/reload", { dry_run: true });
    assertEquals(preview, { changed: ["plugin second added"], kept: [], unchanged: false, dry_run: true });
    assertEquals(Object.keys((await api.read("/api/v1/me"))["plugins"] as object), ["one"]);
    assertEquals([...Deno.readDirSync(folder)].filter(({ name }) => name === "data"), []);
    assertEquals(
      (await mevent(["reload", "--dry-run", "--control", control])).stdout,
      "plugin second added (not done)\n",
    );
    await Deno.writeTextFile(config, text(plugin("one") + `[[plugin]]\nname = "x"\nmodule = "no/such.ts"\n`));
    const refused = await answerOf(await api.post("/api/v1/reload", { dry_run: true }), 409);
    assertStringIncludes(String(refused["detail"]), "plugin x does not load");

    await Deno.writeTextFile(config, text(plugin("one") + plugin("second")));
    await Deno.rename(file, `${file}.1`);
    server.child.kill("SIGHUP");
    await noted(file, 1);
    const [reloaded] = linesOf(file);
    assertEquals([reloaded?.action, reloaded?.who.by, reloaded?.outcome], ["reload", "signal", "done"]);
    assertEquals(reloaded?.result["changed"], ["plugin second added"]);
    assertEquals(linesOf(`${file}.1`).length, 2);

    // A file that cannot be opened leaves all as it was.
    await Deno.writeTextFile(config, text(plugin("one")).replace("audit.jsonl", "no/such/folder"));
    const denied = await answerOf(await api.post("/api/v1/reload"), 409);
    assertStringIncludes(String(denied["detail"]), "server: audit: cannot write");
    await noted(file, 2);
    assertEquals(linesOf(file).at(-1)?.outcome, "refused");
  } finally {
    server.child.kill("SIGTERM");
    const { code, stderr } = await server.end();
    assertEquals(code, 0, stderr);
  }
  assertEquals(linesOf(file).slice(-2).map(({ action, outcome, who }) => [action, outcome, who.by]), [
    ["drain", "begun", "signal"],
    ["drain", "done", "signal"],
  ]);
  const start = await mevent(["serve", "--set", "audit=/no/such/folder/file", "--set", `control=none`]);
  assertEquals(start.code, 78);
  assertStringIncludes(start.stderr, "server: audit: cannot write /no/such/folder/file");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what a plugin's files have changed by themselves is the server's own doing", async () => {
  const plugin = (n: number) => ({
    name: "p",
    watch: true,
    source: `export default { name: "p", commands: { 1001: { name: "a", run: () => ${n} } } };`,
  });
  await using server = await TestServer.start({ plugins: [plugin(1)] });
  await Deno.writeTextFile(`${server.directory}/p.ts`, plugin(2).source);
  await until("it is loaded anew", () => server.server.audit.last > 0);
  const [entry] = server.server.audit.after(0, 1);
  assertEquals([entry?.who.by, entry?.action, entry?.plugin, entry?.outcome], [
    "server",
    "reload",
    "p",
    "done",
  ]);
});

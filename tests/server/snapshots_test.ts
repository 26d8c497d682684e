import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { PLUGIN_DEFAULTS } from "../../src/config/defaults.ts";
import { loadConfig } from "../../src/config/load.ts";
import { type ModuleRequest, prepareModule } from "../../src/modules/prepare_module.ts";
import { ModuleStore } from "../../src/server/module_store.ts";
import { SnapshotFolder } from "../../src/server/snapshot_folder.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";
import { testLog } from "../support/test_log.ts";

const HELPER = `export const version: number = 1;
export function fail(): never {
  throw new Error("on purpose");
}
`;
const SOURCE = `import type { Plugin } from "mevent/plugin";
import { fail, version } from "./helper.ts";

export default {
  name: "p",
  commands: {
    1001: { name: "version", run: () => version },
    1002: { name: "fail", run: () => fail() },
    1003: { name: "end", run: () => new Promise(() => self.close()) },
    1004: { name: "log", run: (context) => { try { fail(); } catch (error) { context.log.warn("caught", { stack: (error as Error).stack ?? "" }); } } },
    1005: { name: "console", run: () => { try { fail(); } catch (error) { console.error(error); } } },
  },
} satisfies Plugin;
`;

interface Started extends AsyncDisposable {
  readonly server: TestServer;
  readonly folder: string;
  readonly snapshots: () => string[];
}

/** A server with the plugin above in a folder of its own, and a temporary folder of its own. */
async function start(overrides: Partial<PluginOverrides> = {}): Promise<Started> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "mevent-test-" }));
  const base = `${folder}/mevent-${Deno.uid() ?? "all"}`;
  try {
    await Deno.writeTextFile(`${folder}/p.ts`, SOURCE);
    await Deno.writeTextFile(`${folder}/helper.ts`, HELPER);
    const plugin = { name: "p", module: `file://${folder}/p.ts`, timeout: 300, ...overrides };
    const server = await TestServer.start({ plugins: [plugin], env: { TMPDIR: folder } });
    return {
      server,
      folder,
      snapshots: () => snapshotsIn(base),
      [Symbol.asyncDispose]: async () => {
        await server[Symbol.asyncDispose]();
        const left = entries(base);
        await Deno.remove(folder, { recursive: true });
        assertEquals(left, [], "a stopped server leaves nothing");
      },
    };
  } catch (error) {
    await Deno.remove(folder, { recursive: true });
    throw error;
  }
}

const entries = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name);
const snapshotsIn = (base: string) =>
  entries(base).filter((name) => !name.endsWith(".lock")).flatMap((name) => entries(`${base}/${name}`));

async function ask(server: TestServer, command: number) {
  using connection = await server.connect();
  await connection.send(streamRequest({ plugin: "p", command }));
  return await connection.reply();
}

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`as a ${isolation}, traces, log lines and what it prints name the original files, line and column`, async () => {
    await using started = await start({ isolation, exposeTrace: true, timeout: 5000 });
    const { server, folder, snapshots } = started;
    const place = `file://${folder}/helper.ts:3:9`;
    const failed = await ask(server, 1002);
    assertEquals(messageOf(failed), "on purpose");
    const { Output } = valueOf(failed) as { Output: { errtrace: string } };
    assertStringIncludes(Output.errtrace, `at fail (${place})`);
    assertStringIncludes(Output.errtrace, `(file://${folder}/p.ts:8:38)`);
    await ask(server, 1004);
    await server.until("it is logged", () => server.log.some((line) => line.includes('"caught"')));
    if (isolation === "process") {
      await ask(server, 1005);
      await server.until(
        "it is printed",
        () => server.log.filter((line) => line.includes(place)).length >= 3,
      );
    }
    const [name] = snapshots();
    assertEquals(server.log.filter((line) => line.includes(name!)), []);
  });
}

Deno.test("a worker that replaces one runs the code of the start, whatever has become of the files", async () => {
  await using started = await start({ workers: 2 });
  const { server, folder, snapshots } = started;
  await Deno.writeTextFile(`${folder}/helper.ts`, HELPER.replace("= 1", "= 2"));
  await Deno.remove(`${folder}/p.ts`);
  for (let died = 1; died <= 2; died++) {
    assertEquals((await ask(server, 1003)).code, 14);
    await server.until("it is replaced", () => server.plugin("p").restarts === died);
    await server.until("it runs", () => server.plugin("p").workers_running === 2);
  }
  for (let i = 0; i < 6; i++) assertEquals(valueOf(await ask(server, 1001)), 1);
  assertEquals(snapshots().length, 1);
});

Deno.test("a snapshot is there while a worker needs it, and for this user alone", async () => {
  await using started = await start();
  const { server, folder, snapshots } = started;
  const reload = (more: object = {}) =>
    server.reload({ plugins: [{ name: "p", module: `file://${folder}/p.ts`, timeout: 300, ...more }] });
  const base = `${folder}/mevent-${Deno.uid() ?? "all"}`;
  const [first] = snapshots();
  for (const name of entries(base)) {
    const { mode } = await Deno.stat(`${base}/${name}`);
    assertEquals((mode ?? 0) & 0o077, 0, name);
  }
  // Other settings, the same code: the workers change, the snapshot stays.
  assertEquals((await reload({ config: { a: 1 } })).changed, ["plugin p: config changed"]);
  assertEquals(snapshots(), [first]);
  await Deno.writeTextFile(`${folder}/helper.ts`, HELPER.replace("= 1", "= 2"));
  assertEquals((await reload({ config: { a: 1 } })).changed, ["plugin p: its module's files have changed"]);
  await server.until("the old one is gone", () => snapshots().length === 1);
  assert(snapshots()[0] !== first);
  assertEquals(valueOf(await ask(server, 1001)), 2);
  // What does not start leaves nothing behind.
  await Deno.writeTextFile(`${folder}/helper.ts`, HELPER + "throw new Error('not today');\n");
  const error = await assertRejects(() => reload());
  assertStringIncludes((error as Error).message, `Error: not today\n    at file://${folder}/helper.ts:5:7`);
  await server.until("what was prepared is gone", () => snapshots().length === 1);
  await Deno.writeTextFile(`${folder}/helper.ts`, HELPER.replace("version", "other"));
  const missing = await assertRejects(() => reload());
  assertStringIncludes((missing as Error).message, "p.ts:2:16; where it is a type, write `import type`");
  await server.until("what was prepared is gone", () => snapshots().length === 1);
  assertEquals(valueOf(await ask(server, 1001)), 2);
});

Deno.test("what a killed server has left is removed by the next one, and what a living one has is not", async () => {
  const folder = await Deno.makeTempDir({ prefix: "mevent-test-" });
  const log = testLog();
  try {
    const env = { XDG_RUNTIME_DIR: folder };
    const open = () => SnapshotFolder.open(env, log);
    const living = open();
    const dead = open();
    await Deno.writeTextFile(`${dead.path}/a.js`, "1");
    // As the system does when a process ends.
    for (const lock of dead.locks) lock.close();
    await Deno.mkdir(`${folder}/mevent/something`);
    const next = open();
    assertEquals(
      entries(`${folder}/mevent`).toSorted(),
      [living, next].flatMap(({ path }) => [path, `${path}.lock`])
        .map((path) => path.slice(`${folder}/mevent/`.length)).concat("something").toSorted(),
    );
    await living.close();
    await next.close();
    assertEquals(entries(`${folder}/mevent`), ["something"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a folder that others may enter is not used, and told", async () => {
  const folder = await Deno.makeTempDir({ prefix: "mevent-test-" });
  try {
    const base = `${folder}/mevent-${Deno.uid() ?? "all"}`;
    await Deno.mkdir(base);
    await Deno.chmod(base, 0o755);
    await Deno.writeTextFile(`${folder}/p.ts`, "export default {};");
    const error = await assertRejects(() =>
      TestServer.start({ plugins: [{ name: "p", module: `file://${folder}/p.ts` }], env: { TMPDIR: folder } })
    );
    assertStringIncludes(
      (error as Error).message,
      "plugin p does not load: there is no folder for its snapshot",
    );
    assertStringIncludes((error as Error).message, "others may enter it");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a plan that cannot be made keeps no snapshot", async () => {
  await using started = await start();
  const { server, folder, snapshots } = started;
  const [first] = snapshots();
  await Deno.writeTextFile(`${folder}/helper.ts`, HELPER.replace("= 1", "= 2"));
  const good = { name: "p", module: `file://${folder}/p.ts`, timeout: 300 };
  const added = { name: "q", module: `file://${folder}/p.ts` };
  // No config file says that: it stands for whatever else may go wrong.
  const broken = { name: "echo", permissions: undefined as never };
  await assertRejects(() => server.reload({ plugins: [good, added, broken] }), Error, "undefined");
  await server.until("what was prepared is gone", () => snapshots().length === 1);
  assertEquals(snapshots(), [first]);
  assertEquals(valueOf(await ask(server, 1001)), 1);
});

Deno.test("a store that is closed takes and leaves nothing, whatever still ends late", async () => {
  const folder = await Deno.makeTempDir({ prefix: "mevent-test-" });
  const lines: string[] = [];
  const log = testLog("warn", (line) => lines.push(line));
  const late = Promise.withResolvers<void>();
  const prepared = ({ folder }: ModuleRequest) => {
    const own = `${folder}/p`;
    Deno.mkdirSync(own);
    return { url: "", hash: "", files: [], texts: [], folder: own, root: "" };
  };
  try {
    const store = new ModuleStore(
      async (request) => {
        const module = prepared(request);
        if (request.module.endsWith("late.ts")) await late.promise;
        return module;
      },
      { XDG_RUNTIME_DIR: folder },
      log,
    );
    const { plugins: [config] } = loadConfig({ env: {}, flags: {} });
    const held = await store.take({ ...config!, module: "file:///p.ts" }, null);
    const release = held.hold();
    Deno.removeSync(held.prepared!.folder);
    const lateOne = store.take({ ...config!, module: "file:///late.ts" }, null);
    lateOne.catch(() => {});
    await store.close();
    release();
    late.resolve();
    await assertRejects(() => lateOne, Error, "the server has stopped");
    await assertRejects(
      () => store.take({ ...config!, module: "file:///p.ts" }, null),
      Error,
      "the server has stopped",
    );
    assertEquals(entries(`${folder}/mevent`), []);
    assertEquals(lines, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a folder of snapshots goes though something is still written there, and does not come again", async () => {
  const folder = await Deno.makeTempDir({ prefix: "mevent-test-" });
  const log = testLog();
  try {
    const own = SnapshotFolder.open({ XDG_RUNTIME_DIR: folder }, log);
    // Enough that the removal is under way for a while.
    for (let n = 0; n < 2000; n++) Deno.writeTextFileSync(`${own.path}/${n}.js`, "");
    const write = async () => {
      for (let n = 0; n < 200; n++) await Deno.writeTextFile(`${own.path}/late-${n}.js`, "").catch(() => {});
    };
    await Promise.all([own.close(), write(), write()]);
    assertEquals(entries(`${folder}/mevent`), []);
    await Deno.writeTextFile(`${folder}/p.ts`, "export default {};");
    const request = {
      module: `file://${folder}/p.ts`,
      grants: PLUGIN_DEFAULTS.permissions,
      folder: own.path,
    };
    await assertRejects(() => prepareModule(request), Deno.errors.NotFound);
    assertEquals(entries(`${folder}/mevent`), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("copies of modules that somebody removes or empties are written again before a worker starts, and at a reload", async () => {
  const runtime = await Deno.makeTempDir({ prefix: "mevent-test-" });
  const source = `import { answer } from "./shared.ts";
export default { name: "p", commands: { 1001: { name: "answer", run: () => answer } } };`;
  const shared = "export const answer: number = 42;";
  const base = `${runtime}/mevent`;
  const removals: (() => Promise<void>)[] = [
    () => Deno.remove(base, { recursive: true }),
    async () => {
      for await (const path of filesIn(base)) await Deno.remove(path);
    },
    // As a full disk leaves it, or whoever cleans by emptying; and something else in one's place.
    async () => {
      for await (const path of filesIn(base)) {
        await Deno.truncate(path);
        if (path.endsWith("shared.ts")) await Deno.remove(path).then(() => Deno.symlink("/dev/null", path));
      }
    },
  ];
  for (const isolation of ["worker", "process"] as const) {
    const plugins = [{ name: "p", source, isolation }];
    const directory = await Deno.makeTempDir({ prefix: "mevent-test-" });
    await Deno.writeTextFile(`${directory}/shared.ts`, shared);
    const options = {
      plugins: [{ name: "p", module: `file://${directory}/p.ts`, isolation }],
      env: { XDG_RUNTIME_DIR: runtime },
    };
    await Deno.writeTextFile(`${directory}/p.ts`, plugins[0]!.source);
    await using server = await TestServer.start(options);
    using connection = await server.connect();
    const answer = async () => {
      await connection.send(streamRequest({ plugin: "p" }));
      return valueOf(await connection.reply());
    };
    assertEquals(await answer(), 42);
    for (const [at, remove] of removals.entries()) {
      await remove();
      server.server.registry.named("p")!.pool.workers[0]!.fail("it was killed");
      assertEquals(await answer(), 42);
      const told = server.log.filter((line) => line.includes("it is written again"));
      assertEquals(told.length, at + 1);
    }
    await Deno.remove(base, { recursive: true });
    await server.reload(options);
    assertEquals([...entries(base)].length > 0, true);
    assertEquals(await answer(), 42);
    await server.server.stop();
    assertEquals(entries(base), []);
    await Deno.remove(directory, { recursive: true });
  }
  await Deno.remove(runtime, { recursive: true });
});

async function* filesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* filesIn(`${folder}/${name}`);
    else yield `${folder}/${name}`;
  }
}

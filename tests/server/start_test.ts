import { assert, assertEquals, assertLess, assertMatch, assertRejects } from "@std/assert";
import { SAME_MS, StopSignals } from "../../src/server/stop_signals.ts";
import { mevent, MeventProcess, TestServer as Busy } from "../support/mevent.ts";
import { streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { until, within } from "../support/until.ts";

/** Notes in the file of its config that it starts and stops; what it does in its start is said there, too. */
const STARTS = `
const note = (config, line) => Deno.writeTextFileSync(config.file, line + "\\n", { append: true });
export default {
  name: "starts",
  async start({ config }) {
    note(config, "start");
    if (config.does === "hangs") await new Promise((resolve) => setTimeout(resolve, 1e9));
    if (config.does === "fails") throw new Error("no luck");
    if (config.does === "closes") { self.close(); await new Promise((resolve) => setTimeout(resolve, 1e9)); }
    if (config.does === "exits") Deno.exit(3);
    if (config.does === "spins") for (;;);
  },
  stop: ({ config }) => note(config, "stop"),
  commands: { 1001: { name: "echo", run: ({ params }) => params } },
};`;

const grants = (directory: string) => `permissions = { write = ["${directory}"] }`;

function config(directory: string, ...plugins: readonly string[]): string {
  return plugins.map((does) =>
    `[[plugin]]
name = "${does}"
module = "./starts.ts"
${grants(directory)}
[plugin.config]
file = "${directory}/notes"
does = "${does}"
`
  ).join("");
}

/** A folder with the plugin above and a config with one of it for each thing that it is to do in its start. */
async function folderOf(...plugins: readonly string[]): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "mevent-test-" });
  await Deno.writeTextFile(`${directory}/starts.ts`, STARTS);
  await Deno.writeTextFile(`${directory}/mevent.toml`, config(directory, ...plugins));
  return directory;
}

async function notesOf(directory: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${directory}/notes`).catch(() => "");
  return text.split("\n").slice(0, -1);
}

const serve = (directory: string, ...argv: readonly string[]) => [
  "serve",
  ...(argv.includes("--listen") ? [] : ["--no-tcp"]),
  ..."--no-udp --log-format json --config".split(" "),
  `${directory}/mevent.toml`,
  "--set",
  `control=${directory}/control`,
  ...argv,
];

Deno.test("a second signal within half a second of the first is the same one, a later one ends the server at once", () => {
  let time = 1000;
  using signals = new StopSignals(() => time);
  signals.tell();
  assertEquals([signals.stop.aborted, signals.stopNow.aborted], [true, false]);
  for (const later of [0, 3, SAME_MS - 1]) {
    time = 1000 + later;
    signals.tell();
    assertEquals(signals.stopNow.aborted, false, `${later} ms later`);
  }
  time = 1000 + SAME_MS;
  signals.tell();
  assertEquals(signals.stopNow.aborted, true);
});

Deno.test("a HUP that comes before anybody can reload is remembered once, later ones are heard as they come", () => {
  using signals = new StopSignals(() => 0);
  let reloads = 0;
  signals.hangUp();
  signals.hangUp();
  signals.onHangUp(() => reloads++);
  assertEquals(reloads, 1);
  signals.hangUp();
  assertEquals(reloads, 2);
});

Deno.test("two INT of one Ctrl-C let the server work off what it has accepted", async () => {
  const directory = await folderOf();
  await Deno.writeTextFile(`${directory}/mevent.toml`, '[[plugin]]\nname="echo"\nmodule="builtin:echo"\n');
  const server = new MeventProcess(...serve(directory, "--unix", `${directory}/socket`));
  try {
    await server.until(/Next:/);
    await mevent([
      "send",
      "--unix",
      `${directory}/socket`,
      ..."--biz echo --cmd 1003 ms:=700 --async".split(" "),
    ]);
    server.child.kill("SIGINT");
    server.child.kill("SIGINT");
    await until("it stops", () => server.stderr.includes('"stopping"'));
    server.child.kill("SIGINT");
    const { code, stderr } = await server.end();
    assertEquals(code, 0, stderr);
    assertMatch(stderr, /"operations_done":1,"operations_abandoned":0/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a signal during the start ends it in order: what has started is stopped, nothing is left, exit 0", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const directory = await folderOf("starts", "hangs");
    const server = new MeventProcess(...serve(directory, "--unix", `${directory}/socket`));
    await until("both have begun", async () => (await notesOf(directory)).length === 2);
    server.child.kill(signal);
    const { code, stdout, stderr } = await server.end();
    assertEquals([code, stdout], [0, ""], stderr);
    assert(!stderr.includes("did not stop in time"), stderr);
    assertEquals((await notesOf(directory)).filter((line) => line === "stop"), ["stop"]);
    for (const path of ["socket", "control"]) {
      await assertRejects(() => Deno.lstat(`${directory}/${path}`), Deno.errors.NotFound);
    }
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a start that is ended leaves nothing in the temporary folder, with child processes too", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const directory = await folderOf("starts", "hangs");
    const file = `${directory}/mevent.toml`;
    const text = await Deno.readTextFile(file);
    await Deno.writeTextFile(file, text.replaceAll("module =", 'isolation = "process"\nmodule ='));
    const temporary = `${directory}/tmp`;
    await Deno.mkdir(temporary);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "main.ts", ...serve(directory, "--unix", `${directory}/socket`)],
      env: { TMPDIR: temporary, XDG_RUNTIME_DIR: "" },
      stderr: "null",
    }).spawn();
    // At once when the first process is about to be started, or when both plugins have begun.
    await until(
      "it is about to start",
      async () =>
        signal === "SIGTERM"
          ? (await notesOf(directory)).length === 2
          : [...Deno.readDirSync(temporary)].some(({ name }) => /^mevent-[0-9a-f]{8,}/.test(name)),
    );
    child.kill(signal);
    assertEquals((await child.status).code, 0);
    const own = `mevent-${Deno.uid()}`;
    assertEquals([...Deno.readDirSync(temporary)].map(({ name }) => name), [own]);
    assertEquals([...Deno.readDirSync(`${temporary}/${own}`)].length, 0);
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a HUP during the start is remembered: the config of then is taken over when the server runs", async () => {
  const directory = await folderOf("starts");
  const file = `${directory}/mevent.toml`;
  const slow = STARTS.replace(
    'if (config.does === "hangs")',
    'await new Promise((resolve) => setTimeout(resolve, 500));\n    if (config.does === "hangs")',
  );
  await Deno.writeTextFile(`${directory}/starts.ts`, slow);
  const server = new MeventProcess(...serve(directory, "--unix", `${directory}/socket`));
  await until("it starts", async () => (await notesOf(directory)).length === 1);
  await Deno.writeTextFile(
    file,
    `${config(directory, "starts")}[[plugin]]\nname = "echo"\nmodule = "builtin:echo"\n`,
  );
  server.child.kill("SIGHUP");
  await until("it is reloaded", () => server.stderr.includes("plugin echo added"));
  server.child.kill("SIGTERM");
  const { code, stderr } = await server.end();
  assertEquals(code, 0, stderr);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("where an address or the control socket is taken no plugin is started, and who holds it is said where it can be known", async () => {
  const directory = await folderOf("starts");
  await using busy = await Busy.start();
  using stranger = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const strangers = new Set<Deno.Conn>();
  const accepting = stranger.accept().then((conn) => void strangers.add(conn), () => {});
  const held = new RegExp(`an mevent \\(pid ${Deno.pid}\\) is running there: mevent stop`);
  const { port } = stranger.addr as Deno.NetAddr;
  for (
    const [flags, said] of [
      [["--listen", `127.0.0.1:${busy.tcpPort}`], held],
      [["--unix", busy.unixPath], held],
      [
        ["--unix", `${directory}/a`, "--listen", `127.0.0.1:${port}`],
        /something else listens there: .*ss -lnpt/,
      ],
      [["--unix", `${directory}/a`, "--set", `control=${busy.controlPath}`], /another server listens there/],
    ] as const
  ) {
    const { code, stdout, stderr } = await mevent(serve(directory, ...flags));
    assertEquals([code, stdout], [69, ""], stderr);
    assertMatch(stderr, said);
    assert(!stderr.includes("did not stop in time"), stderr);
    assertEquals(await notesOf(directory), []);
    await assertRejects(() => Deno.lstat(`${directory}/a`), Deno.errors.NotFound);
  }
  for (const conn of strangers) conn.close();
  stranger.close();
  await accepting;
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a start that ends its worker or spins is noticed in seconds, and the others are stopped in order", async () => {
  const bad = ["closes", "exits", "spins"];
  const directory = await folderOf("starts", ...bad);
  const began = performance.now();
  const server = new MeventProcess(...serve(directory, "--unix", `${directory}/socket`));
  const { code, stderr } = await server.end();
  assertEquals(code, 78, stderr);
  for (const does of bad) {
    assertMatch(stderr, new RegExp(`/mevent.toml:\\d+:\\d+: plugin ${does} .*no sign of life for 5 s`));
  }
  assertLess(performance.now() - began, 20_000);
  assertEquals((await notesOf(directory)).filter((line) => line === "stop"), ["stop"]);
  assert(!stderr.includes("did not stop in time"), stderr);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a stop does not wait out the drain for a worker whose start hangs", async () => {
  const source = `
let starts = 0;
export default {
  name: "again",
  async start({ first }) { if (!first) await new Promise((resolve) => setTimeout(resolve, 1e9)); },
  commands: { 1001: { name: "nothing", run: () => {} } },
};`;
  await using server = await TestServer.start({
    server: { drain_timeout: "60s" },
    plugins: [{ name: "again", source }],
  });
  const plugin = server.server.registry.named("again")!;
  plugin.pool.workers[0]!.fail("it was killed");
  await server.until("another starts", () => plugin.pool.workers[0]!.state === "starting");
  using connection = await server.connect();
  await connection.send(streamRequest({ id: 1, plugin: "again", command: 1001 }));
  await server.until("it waits", () => server.plugin("again").queued === 1);
  const report = await within("the stop", server.server.drain(), 20_000);
  assertEquals(report.abandoned, 1);
});

Deno.test("denow becomes Deno itself, also where npm brings it: a signal to its process is one to the server", async () => {
  const directory = await Deno.makeTempDir({ prefix: "mevent-test-" });
  // Stands for npm's npx, which runs what it has fetched.
  await Deno.writeTextFile(`${directory}/npx`, '#!/bin/sh\nshift 2\nexec "$MEVENT_DENO" "$@"\n', {
    mode: 0o755,
  });
  for (
    const env of [
      {},
      {
        PATH: `${directory}:/usr/bin:/bin`,
        HOME: directory,
        npm_config_cache: directory,
        MEVENT_DENO: Deno.execPath(),
      },
    ]
  ) {
    const child = new Deno.Command("./denow", {
      args: ["eval", "console.log(Deno.pid, Deno.version.deno)"],
      env,
      stdout: "piped",
    }).spawn();
    const { stdout, code } = await child.output();
    assertEquals([code, new TextDecoder().decode(stdout)], [0, `${child.pid} ${Deno.version.deno}\n`]);
  }
  await Deno.remove(directory, { recursive: true });
});

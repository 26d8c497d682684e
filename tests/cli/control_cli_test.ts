import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { aligned } from "../../src/cli/aligned.ts";
import { controlAddress } from "../../src/cli/control/address.ts";
import { deadTable, operationTable } from "../../src/cli/control/peek_table.ts";
import { parseCommand } from "../../src/cli/parse.ts";
import { pauseCommand } from "../../src/cli/control/pause.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { controlName } from "../../src/control/control_path.ts";
import { assertThrows } from "@std/assert";
import { mevent, MeventProcess, TestServer, TWO_PLUGINS } from "../support/mevent.ts";
import { until } from "../support/until.ts";

/** Queues so many operations of the plugin echo. */
async function enqueue(server: TestServer, count: number): Promise<void> {
  const to = ["--unix", server.unixPath];
  const { code } = await mevent([
    ..."send --biz echo --cmd 1001 --async a:=1 --count".split(" "),
    String(count),
    ...to,
  ]);
  assertEquals(code, 0);
}

Deno.test("pause, peek, cancel, purge and resume do what they say, for people and as JSON", async () => {
  await using server = await TestServer.start();
  const control = (...argv: string[]) => mevent([...argv, "--control", server.controlPath]);
  const said = async (...argv: string[]) => {
    const { code, stdout, stderr } = await control(...argv);
    assertEquals([code, stderr], [0, ""]);
    return stdout;
  };
  assertEquals(await said("pause", "echo"), "plugin echo is paused, with 0 operations in its queue\n");
  assertEquals(await said("pause", "3"), "plugin echo was paused before, with 0 operations in its queue\n");
  await enqueue(server, 3);
  assertMatch(
    await said("peek", "echo", "--limit", "2"),
    /^plugin echo has 3 operations; the first 2:\n\nid +state .*params\n1 +queued +1001 .*\{"a":1\}\n2 +queued .*\n$/,
  );
  const peeked = JSON.parse(await said("peek", "echo", "--json"));
  assertEquals([peeked.total, peeked.operations.length, peeked.operations[0].params], [3, 3, { a: 1 }]);
  assertEquals(await said("cancel", "echo", "1"), "operation 1 of plugin echo is cancelled\n");
  assertEquals(await said("purge", "echo", "--dry-run"), "plugin echo: dropped 2 operations (not done)\n");
  assertEquals(await said("purge", "echo", "--yes"), "plugin echo: dropped 2 operations\n");
  assertEquals(await said("resume", "echo"), "plugin echo goes on, with 0 operations in its queue\n");
  const undone = await control("undo", "purge-2026-01-31T12-00-00-000Z-0123abcd.ndjson");
  assertEquals(undone.code, 1);
  assertStringIncludes(undone.stderr, "there is no folder for undo files: name one with data of [server]");
  assertEquals((await control("undo")).code, 64);
  assertEquals(JSON.parse(await said("resume", "echo", "--json")), {
    plugin: "echo",
    paused: false,
    before: false,
    queued: 0,
  });
  await said("pause", "echo");
  await mevent([
    "send",
    "--biz",
    "3",
    "--cmd",
    "1001",
    "--async",
    "--port",
    String(server.tcpPort),
    "id:=1234567890123456789",
    "n:=1e400",
  ]);
  assertMatch(await said("peek", "echo"), /\{"id":1234567890123456789,"n":1e400\}\n$/);
  assertMatch(await said("peek", "echo", "--json"), /"params":\{"id":1234567890123456789,"n":1e400\}/);
  await said("purge", "echo", "--yes");
  await said("resume", "echo");
  assertEquals(await said("peek", "echo", "--dead"), "plugin echo has 0 dead letters\n");
  const lost = "the config's file keeps its values: the next reload, or start, brings them back\n";
  assertEquals(
    await said("limits", "echo", "queue.max_ops=5_000", "retry.backoff=2s", "--dry-run"),
    `plugin echo: queue.max_ops 1000000 -> 5000 (not done)\nplugin echo: retry.backoff 1s -> 2s (not done)\n${lost}`,
  );
  assertEquals(await said("limits", "echo", "ttl=1h"), `plugin echo: ttl 0ms -> 1h\n${lost}`);
  assertEquals(await said("limits", "echo", "ttl=1h"), "nothing differs from what counts now\n");
  assertEquals(await said("retry-dead", "echo"), "plugin echo: 0 dead letters back in the queue, 0 left\n");
  const sleep = "send --biz echo --cmd 1003 --async ms=soon".split(" ");
  for (let sent = 0; sent < 2; sent++) await mevent([...sleep, "--unix", server.unixPath]);
  const dead = async (): Promise<{ id: number }[]> =>
    JSON.parse(await said("peek", "echo", "--dead", "--json")).dead;
  await until("both have failed", async () => (await dead()).length === 2);
  const [first, second] = await dead();
  assertEquals(
    await said("purge", "echo", String(first!.id), "--dead", "--yes"),
    "plugin echo: dropped 1 dead letter\n",
  );
  await said("pause", "echo");
  assertEquals(
    await said("retry-dead", "echo", String(second!.id)),
    "plugin echo: 1 dead letter back in the queue, 0 left\n",
  );
  const gone = await control("retry-dead", "echo", String(first!.id));
  assertEquals([gone.code, gone.stdout], [1, ""]);
  assertStringIncludes(gone.stderr, `plugin echo has no dead letter ${first!.id}`);
  assertMatch(await said("stats"), /^mevent .*, running for/);
  assertEquals(JSON.parse(await said("stats", "--json")).state, "running");
});

Deno.test("a control command exits with 1 where it is refused, 69 where nobody is there, 64 where it is written wrongly", async () => {
  await using server = await TestServer.start(TWO_PLUGINS);
  const to = ["--control", server.controlPath];
  assertEquals(await mevent(["pause", "nobody", ...to]), {
    code: 1,
    stdout: "",
    stderr: 'mevent pause: there is no plugin "nobody"; there is skeleton, echo\n',
  });
  assertEquals((await mevent(["cancel", "echo", "9", ...to])).code, 1);
  const absent = await mevent(["drain", "--control", "/nonexistent/control"]);
  assertEquals([absent.code, absent.stdout], [69, ""]);
  assertStringIncludes(absent.stderr, "cannot reach the control socket at unix /nonexistent/control: ");
  for (
    const argv of [
      ["pause"],
      ["pause", "a", "b"],
      ["cancel", "echo", "x"],
      ["peek", "echo", "--limit", "0"],
      ["purge", "echo", "4", "--yes"],
      ["limits", "echo"],
      ["limits", "echo", "ttl"],
      ["limits", "echo", "ttl=1s", "ttl=2s"],
      ["retry-dead", "echo", "x"],
      ["retry-dead", "echo", "4", "--limit", "1"],
      [
        "pause",
        "echo",
        "--port",
        "1",
        ...to,
      ],
      ["stats", "--host", "a", ...to],
    ]
  ) assertEquals((await mevent(argv)).code, 64, argv.join(" "));
  const other = await mevent([
    "pause",
    "echo",
    "--control",
    `127.0.0.1:${server.tcpPort}`,
    "--timeout",
    "300ms",
  ]);
  assertEquals(other.code, 69, other.stderr);
});

Deno.test("a command that finds no server tells how those that run are reached", async () => {
  const folder = await Deno.makeTempDir();
  const env = { XDG_RUNTIME_DIR: folder };
  const named = ["mevent-4711.sock", "mevent-unix-0123abcd.sock", "mevent-4712.sock", "other.sock"];
  const sockets = named.map((name) => Deno.listen({ transport: "unix", path: `${folder}/${name}` }));
  // One that a killed server has left, and one that has gone.
  sockets.splice(2, 1)[0]!.close();
  await Deno.writeTextFile(`${folder}/mevent-4713.sock`, "");
  const reached = (command: string) =>
    `What runs is reached by:\n  mevent ${command} --port 4711\n  mevent ${command} --control ${folder}/mevent-unix-0123abcd.sock\n`;
  for (
    const argv of [["stop"], ["reload", "--port", "5"], ["pause", "my own", "--unix", "/nonexistent/socket"]]
  ) {
    const { code, stderr } = await mevent(argv, { env });
    assertEquals(code, 69);
    const line = argv[0] === "pause" ? "pause 'my own'" : argv[0]!;
    assertMatch(stderr, /: there is no such socket: does the server run, and listen there\?\n/);
    assert(stderr.endsWith(reached(line)), stderr);
  }
  const { stderr } = await mevent(["stats", "--port", "1"], { env });
  assertEquals(
    stderr,
    `mevent stats: cannot reach tcp 127.0.0.1:1: nothing listens there\n${
      reached("stats").replace("--port 4711", `--control ${folder}/mevent-4711.sock`)
    }`,
  );
  // Who names the socket itself, or another machine, is not sent elsewhere.
  const chosen = await mevent(["stop", "--control", `${folder}/none`], { env });
  assertEquals(chosen.stderr.includes("What runs"), false, chosen.stderr);
  for (const socket of sockets) socket.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("purge asks on a terminal, and needs --yes where there is none", async () => {
  await using server = await TestServer.start();
  const to = ["--control", server.controlPath];
  await mevent(["pause", "echo", ...to]);
  await enqueue(server, 2);
  assertStringIncludes(
    (await mevent(["purge", "echo", ...to])).stderr,
    "nobody can be asked here: give --yes",
  );
  for (const stdin of ["n\n", "", "yesterday\n"]) {
    const { code, stderr } = await mevent(["purge", "echo", ...to], { stdin, isTerminal: true });
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /^Drop all operations of plugin echo that have not begun\? \[y\/N\] .*nothing was dropped\n$/,
    );
  }
  const { code, stdout } = await mevent(["purge", "echo", ...to], { stdin: "y\n", isTerminal: true });
  assertEquals([code, stdout], [0, "plugin echo: dropped 2 operations\n"]);
});

Deno.test("the control socket is found by flag, then by MEVENT_CONTROL, then by the usual port", async () => {
  const folder = await Deno.makeTempDir();
  const env = { XDG_RUNTIME_DIR: folder };
  const address = (env: Record<string, string>, ...flags: string[]) =>
    controlAddress(parseCommand(pauseCommand, ["echo", ...flags]), { env });
  const unix = (path: string) => ({ transport: "unix", path }) as const;
  assertEquals(address(env), unix(`${folder}/mevent-26000.sock`));
  assertEquals(address(env, "--port", "7"), unix(`${folder}/mevent-7.sock`));
  assertEquals(address(env, "--unix", "/a"), unix(`${folder}/${controlName({ path: "/a" })}`));
  assertEquals(address({ ...env, MEVENT_CONTROL: "/b" }), unix("/b"));
  assertEquals(address({ ...env, MEVENT_CONTROL: "auto" }), unix(`${folder}/mevent-26000.sock`));
  assertEquals(address({ ...env, MEVENT_CONTROL: "/b" }, "--control", "c"), unix("c"));
  assertEquals(address(env, "--control", "[::1]:8"), { transport: "tcp", hostname: "::1", port: 8 });
  assertThrows(() => address({ MEVENT_CONTROL: "none" }), UsageError, 'MEVENT_CONTROL is "none"');
  assertThrows(() => address(env, "--port", "1", "--unix", "a"), UsageError, "--unix and --port contradict");
  await Deno.symlink(folder, `${folder}/mevent-${Deno.uid()}`);
  const { code, stderr } = await mevent(["pause", "echo"], { env: { TMPDIR: folder } });
  assertEquals(code, 69);
  assertStringIncludes(stderr, "it is a symbolic link");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("drain waits for the process to work off its queue and says how it went; the process exits with 0", async () => {
  const folder = await Deno.makeTempDir();
  const control = `${folder}/control`;
  const flags = [
    "--listen",
    "127.0.0.1:0",
    "--no-udp",
    "--unix",
    `${folder}/socket`,
    "--set",
    `control=${control}`,
  ];
  const server = new MeventProcess("serve", ...flags);
  await server.until(/mevent stats/);
  const send = await mevent([
    ..."send --biz echo --cmd 1003 ms:=1200 --async --unix".split(" "),
    `${folder}/socket`,
  ]);
  assertEquals(send.code, 0);
  const drain = await mevent(["drain", "--control", control]);
  assertEquals([drain.code, drain.stdout], [0, "the server has stopped: 1 operation done, 0 given up\n"]);
  assertMatch(drain.stderr, /^mevent drain: 1 operation left\n/);
  assertEquals((await server.end()).code, 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("stop returns at once; stop --now after it gives up the rest, and both it and the process exit with 1", async () => {
  const folder = await Deno.makeTempDir();
  const control = `${folder}/control`;
  const flags = ["--no-tcp", "--no-udp", "--unix", `${folder}/socket`, "--set", `control=${control}`];
  const server = new MeventProcess("serve", ...flags);
  await server.until(/mevent stats/);
  await mevent([
    ..."send --biz echo --cmd 1003 ms:=20000 --async --count 4 --unix".split(" "),
    `${folder}/socket`,
  ]);
  assertEquals(await mevent(["stop", "--control", control]), {
    code: 0,
    stdout: "the server stops: 4 operations left, for up to 30 s\n",
    stderr: "",
  });
  assertStringIncludes((await mevent(["stats", "--control", control])).stdout, ", draining for ");
  const now = await mevent(["stop", "--now", "--json", "--control", control]);
  assertEquals([now.code, JSON.parse(now.stdout)], [1, {
    pending: 4,
    done: 0,
    abandoned: 4,
    kept: 0,
    unstopped: [],
  }]);
  assertEquals((await server.end()).code, 1);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a first TERM joins a drain that is under way, a second one ends it at once", async () => {
  const folder = await Deno.makeTempDir();
  const control = `${folder}/control`;
  const server = new MeventProcess(
    "serve",
    ..."--no-tcp --no-udp --log-format json --unix".split(" "),
    `${folder}/socket`,
    "--set",
    `control=${control}`,
  );
  await server.until(/mevent stats/);
  await mevent([..."send --biz echo --cmd 1003 ms:=20000 --async --unix".split(" "), `${folder}/socket`]);
  const draining = mevent(["drain", "--control", control]);
  while (!(await mevent(["stats", "--control", control])).stdout.includes("draining"));
  server.child.kill("SIGTERM");
  const stats = await mevent(["stats", "--control", control]);
  assertStringIncludes(stats.stdout, "draining");
  let hasEnded = false;
  draining.finally(() => hasEnded = true);
  await until("one that comes half a second after the first has ended it", () => {
    if (!hasEnded) server.child.kill("SIGTERM");
    return hasEnded;
  });
  const { code, stdout } = await draining;
  assertEquals([code, stdout], [1, "the server has stopped: 0 operations done, 1 given up\n"]);
  // One more may have come when all was done, and nobody heard signals any more.
  assert([1, 143].includes((await server.end()).code));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the tables of peek keep what callers sent on one line, cut, and without control characters", () => {
  const operation = {
    id: 7,
    state: "delayed",
    command: 1001,
    sync: false,
    attempts: 2,
    age_ms: 1500,
    due_in_ms: 90_000,
    bytes: 2048,
    params: { text: `\x1b[31m${"x".repeat(99)}` },
  };
  const table = operationTable({ plugin: "odd\n", total: 1, operations: [operation] });
  assertMatch(table, /^plugin odd\? has 1 operation\n\nid +state/);
  assertMatch(table, /\n7 +delayed +1001 +async +2 +1.5 s +90 s +2 KiB +\{"text":"\\u001b\[31mx+…\n$/);
  const letter = { ...operation, failed_at: "2026-01-02T03:04:05.000Z", error: "first\nsecond" };
  const dead = deadTable({ plugin: "a", total: 2, dead: [letter] });
  assertMatch(dead, /^plugin a has 2 dead letters; the first 1:\n/);
  assertMatch(dead, / 2026-01-02T03:04:05.000Z +2 KiB .* first\?second\n$/);
  assertThrows(
    () => operationTable({ plugin: "a", total: 1 }),
    Error,
    "use --json, or mevent of its version",
  );
  assertEquals(aligned([["a", "b"], ["long", "7"]], [0]), ["a     b", "long  7"]);
  assert(!table.includes("\x1b"));
});

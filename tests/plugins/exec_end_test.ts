import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Guard } from "../../plugins/exec/guard.ts";
import { Speech } from "../../plugins/exec/speech.ts";
import type { JsonObject } from "../../src/plugin.ts";
import {
  aliveIn,
  ask,
  DEFAULTS,
  isAlive,
  logged,
  type Name,
  NO_PERMISSIONS,
  overrides,
  pidOf,
  request,
  sessionOf,
  start,
  test,
  WORKER,
} from "../support/exec_python.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { valueOf } from "../support/requests.ts";
import { PYTHON } from "../support/python.ts";
import { until } from "../support/until.ts";

test("a child that does not start keeps the server from starting, and says why", async () => {
  const never = { command: [PYTHON, WORKER, "--never-ready"], start_timeout: "300ms" };
  await assertRejects(() => start(never), Error, 'it did not say {"ready": true} within 300 ms');
  await assertRejects(
    () => start({ command: [PYTHON, WORKER, "--broken"] }),
    Error,
    `${PYTHON} did not start: it ended with exit code 5; the last that it wrote to stderr: there is no such database`,
  );
  await assertRejects(() => start({}, { permissions: NO_PERMISSIONS }), Error, PYTHON);
  // What the plugin itself needs is granted to no command.
  for (const shell of ["/bin/sh", "sh"]) {
    await assertRejects(() => start({ command: [shell, "-c", "true"] }), Error, `may not run "${shell}"`);
  }
  const missing = { ...NO_PERMISSIONS, run: true };
  await assertRejects(
    () => start({ command: ["no-such-program"] }, { permissions: missing }),
    Error,
    "no-such-program",
  );
});

test("while no child can be started async operations go on waiting, and a caller is told when its time is over", async () => {
  const file = await Deno.makeTempFile();
  await Deno.remove(file);
  await using server = await start(
    { command: [PYTHON, WORKER, "--broken-where", file] },
    { timeout: 500, concurrency: 2 },
  );
  using connection = await server.connect();
  await Deno.writeTextFile(file, "");
  assertEquals((await ask(connection, "die")).code, 14);
  await connection.send(...[1, 2, 3, 4].map((id) => request("echo", {}, id, false)), request("echo", {}, 5));
  const replies = await connection.replies(5);
  assertEquals(replies.find(({ id }) => id === 5)!.code, 14);
  await server.until("all wait", () => server.plugin("py").retrying === 4);
  await Deno.remove(file);
  await server.until("all are done", () => server.plugin("py").done === 4);
  assertEquals(server.plugin("py").retries, 0);
});

test("a stopping server closes the child's stdin, then says TERM, then KILL", async () => {
  for (const args of [[], ["--stays"]]) {
    const server = await start({ command: [PYTHON, WORKER, ...args], stop_timeout: "200ms" }, {
      workers: 2,
    });
    let pids: Set<number>;
    try {
      using connection = await server.connect();
      pids = new Set();
      // Two at once, until both workers have answered.
      while (pids.size < 2) {
        await connection.send(
          request("slow", { ms: 50 }, 1),
          request("about", {}, 2),
          request("about", {}, 3),
        );
        for (const reply of await connection.replies(3)) {
          const value = valueOf(reply) as JsonObject;
          if (value["pid"] !== undefined) pids.add(Number(value["pid"]));
        }
      }
    } finally {
      await server[Symbol.asyncDispose]();
    }
    assertEquals([...pids].filter(isAlive), []);
    assertEquals(logged(server, "is told by TERM").length, args.length * 2);
    assertEquals(logged(server, "is killed").length, args.length * 2);
  }
});

test("a reload runs new code in new children; the old finish what they have and end", async () => {
  await using server = await start({ env: { VERSION: "1" } });
  using connection = await server.connect();
  const pid = await pidOf(connection);
  await connection.send(request("slow", { ms: 300 }, 1));
  await server.until("it runs", () => server.plugin("py").in_flight === 1);
  await server.reload({ plugins: [overrides({ env: { VERSION: "2" } }, {})] });
  assertEquals(valueOf(await connection.reply()), { ms: 300 });
  const { env } = (await ask(connection, "about")).value as { env: JsonObject };
  assertEquals(env["VERSION"], "2");
  await until("the old one has ended", () => !isAlive(pid));
  await assertRejects(
    () => server.reload({ plugins: [overrides({ command: [PYTHON, WORKER, "--broken"] }, {})] }),
    Error,
    "there is no such database",
  );
  assertEquals((await ask(connection, "echo", { still: "here" })).value, { still: "here" });
});

test("it runs in a child process of the server, too", async () => {
  await using server = await start({}, { isolation: "process" });
  using connection = await server.connect();
  assertEquals((await ask(connection, "echo", { a: 1 })).value, { a: 1 });
  assertEquals((await ask(connection, "die")).code, 14);
  assertEquals((await ask(connection, "echo", { a: 2 })).value, { a: 2 });
});

test("no child stays behind a worker that is ended by force, even one that spins", async () => {
  await using server = await start({ cancel_grace: "60s", concurrency: 2 }, { timeout: 1000, grace: 100 });
  using connection = await server.connect();
  for (const [restarts, name] of (["hang", "spin"] as const).entries()) {
    const pid = await pidOf(connection);
    await connection.send(request(name));
    assertEquals((await connection.reply()).code, 14);
    await server.until("the worker is replaced", () => server.plugin("py").restarts === restarts + 1);
    await until("its child has ended", () => !isAlive(pid));
    await server.until("the next one runs", () => server.plugin("py").workers_running === 1);
  }
});

test("no child stays behind a server that is killed, nor what it has started: not where it ignores TERM, nor in a group of its own", async () => {
  const cases = [
    [DEFAULTS.command, "echo", "worker"],
    [DEFAULTS.command, "spin", "worker"],
    [["sh", "-c", `timeout 1000 ${PYTHON} ${WORKER}; true`], "spin", "worker"],
    [["sh", "-c", `${PYTHON} ${WORKER}; true`], "hang", "process"],
  ] as const;
  await Promise.all(cases.map(([command, name, isolation]) => killServer([...command], name, isolation)));
});

/** Kills a server amid an operation of this name, and waits until the child and what it has started have gone. */
async function killServer(command: string[], name: Name, isolation: string): Promise<void> {
  const script = fileURLToPath(new URL("../support/exec_server.ts", import.meta.url));
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, JSON.stringify({ ...DEFAULTS, command }), isolation],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let session = 0;
  try {
    const reader = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const path = (await reader.read()).value!.trim();
    using connection = new RawConnection(await Deno.connect({ transport: "unix", path }));
    const pid = await pidOf(connection);
    session = sessionOf(pid)!;
    assertNotEquals(session, sessionOf(Deno.pid));
    const before = cpuTicks(pid);
    await connection.send(request(name, {}, 1, false));
    await connection.reply();
    if (name === "spin") await until("it spins", () => cpuTicks(pid) > before + 2);
    await Deno.remove(path.replace(/\/[^/]*$/, ""), { recursive: true });
    await reader.cancel();
  } finally {
    server.kill("SIGKILL");
    await server.status;
  }
  await until(`all of ${command} that does ${name} has ended`, () => aliveIn(session).length === 0);
}

test("what a child has started is killed with it, whatever stands between", async () => {
  const wrappers = [
    ["sh", "-c", `${PYTHON} ${WORKER}; true`],
    ["timeout", "1000", PYTHON, WORKER],
    ["sh", "-c", `timeout 1000 ${PYTHON} ${WORKER}; true`],
    ["sh", "-c", `exec 3<&0; sleep 1000 & ${PYTHON} ${WORKER} <&3 & wait`],
    // As with `su -c`.
    ["sh", "-c", `setsid --wait ${PYTHON} ${WORKER}; true`],
  ];
  await Promise.all(wrappers.map(async (command) => {
    const session = await killsWhatHangs(command);
    assertEquals(aliveIn(session), [], `${command}`);
  }));
});

/** Starts a server whose child ignores TERM and is over its time; the session of the next one, after the server's stop. */
async function killsWhatHangs(command: string[]): Promise<number> {
  const permissions = { ...NO_PERMISSIONS, run: ["sh", "timeout"] };
  const plugin = { permissions, timeout: 1000, grace: 20_000 };
  await using server = await start({ command, cancel_grace: "100ms" }, plugin);
  using connection = await server.connect();
  const first = sessionOf(await pidOf(connection))!;
  await connection.send(request("spin", {}, 7));
  assertEquals((await connection.reply()).code, 14);
  await server.until("it is replaced", () => logged(server, "has ended and is replaced").length === 1);
  await until("all of it has ended", () => aliveIn(first).length === 0);
  const next = sessionOf(await pidOf(connection))!;
  assertNotEquals(next, first);
  assert(aliveIn(next).length > 0);
  return next;
}

test("a child that ends leaves nothing of its session behind", async () => {
  const command = ["sh", "-c", `exec 3<&0; sleep 1000 & exec ${PYTHON} ${WORKER} <&3`];
  await using server = await start({ command }, { permissions: { ...NO_PERMISSIONS, run: ["sh"] } });
  using connection = await server.connect();
  const session = await pidOf(connection);
  await until("both are there", () => aliveIn(session).length === 2);
  assertEquals((await ask(connection, "die")).code, 14);
  await until("both have ended", () => aliveIn(session).length === 0);
});

test("a guard that somebody kills is missed in the log, and there is another one for the next child", async () => {
  // The parent of child and guard is then a process of this test alone; as workers all tests' guards have one.
  await using server = await start({}, { isolation: "process" });
  using connection = await server.connect();
  const guardOf = (session: number) =>
    [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).find((pid) =>
      pid > 0 && isAlive(pid) && commandLine(pid).includes("/bin/sh\0-c\0\ntrap") &&
      parentOf(pid) === parentOf(session) && sessionOf(pid) !== session
    );
  const guard = guardOf(await pidOf(connection))!;
  Deno.kill(guard, "SIGKILL");
  await server.until("it is told", () => logged(server, "the child's guard has ended").length === 1);
  assertEquals((await ask(connection, "echo", { still: 1 })).value, { still: 1 });
  assertEquals((await ask(connection, "die")).code, 14);
  const next = await pidOf(connection);
  assertNotEquals(guardOf(next), undefined);
});

Deno.test("exec: where there is no shell, that is told once, and children are ended alone", async () => {
  const told: string[] = [];
  const say = (message: string) => void told.push(message);
  const log = { debug: say, info: say, warn: say, error: say };
  const guard = new Guard(new Speech(log, () => 0), () => 0, "/no/such/shell");
  for (let i = 0; i < 3; i++) {
    guard.prepare();
    guard.own(1);
    guard.signal("KILL", 1);
    guard.end(1);
  }
  await guard.close();
  assertEquals(told, ["what a child starts cannot be ended with it"]);
});

function commandLine(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`);
  } catch {
    return "";
  }
}

function parentOf(pid: number): number {
  return Number(Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ")[1]);
}

/** What a process has computed so far, in ticks of 10 ms. */
function cpuTicks(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

import { assertEquals, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "../src/plugin.ts";
import {
  ask,
  DEFAULTS,
  isAlive,
  logged,
  NO_PERMISSIONS,
  overrides,
  pidOf,
  request,
  start,
  test,
  WORKER,
} from "./support/exec_python.ts";
import { RawConnection } from "./support/raw_connection.ts";
import { valueOf } from "./support/requests.ts";
import { until } from "./support/until.ts";

test("a child that does not start keeps the server from starting, and says why", async () => {
  const never = { command: ["python3", WORKER, "--never-ready"], start_timeout: "300ms" };
  await assertRejects(() => start(never), Error, 'it did not say {"ready": true} within 300 ms');
  await assertRejects(
    () => start({ command: ["python3", WORKER, "--broken"] }),
    Error,
    "python3 did not start: it ended with exit code 5; the last that it wrote to stderr: there is no such database",
  );
  await assertRejects(() => start({}, { permissions: NO_PERMISSIONS }), Error, "python3");
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
    { command: ["python3", WORKER, "--broken-where", file] },
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
    const server = await start({ command: ["python3", WORKER, ...args], stop_timeout: "200ms" }, {
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
    () => server.reload({ plugins: [overrides({ command: ["python3", WORKER, "--broken"] }, {})] }),
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

test("no child stays behind a server that is killed: it reads the end of its stdin, or the system kills it", async () => {
  const wrapped = ["setpriv", "--pdeathsig", "KILL", "python3", WORKER];
  const cases = await hasSetpriv() ? [[DEFAULTS.command, "echo"], [wrapped, "spin"]] as const : [
    [DEFAULTS.command, "echo"],
  ] as const;
  for (const [command, name] of cases) {
    const script = fileURLToPath(new URL("./support/exec_server.ts", import.meta.url));
    const server = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", script, JSON.stringify({ ...DEFAULTS, command })],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let pid = 0;
    try {
      const reader = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
      const path = (await reader.read()).value!.trim();
      using connection = new RawConnection(await Deno.connect({ transport: "unix", path }));
      pid = await pidOf(connection);
      await connection.send(request(name, {}, 1, false));
      await connection.reply();
      if (name === "spin") await until("it spins", () => cpuTicks(pid) > 20);
      server.kill("SIGKILL");
      await reader.cancel();
      await Deno.remove(path.replace(/\/[^/]*$/, ""), { recursive: true });
    } finally {
      await server.status;
    }
    await until(`the child that does ${name} has ended`, () => !isAlive(pid));
  }
});

async function hasSetpriv(): Promise<boolean> {
  try {
    return (await new Deno.Command("setpriv", { args: ["--version"], stdout: "null", stderr: "null" })
      .output())
      .success;
  } catch {
    return false;
  }
}

/** What a process has computed so far, in ticks of 10 ms. */
function cpuTicks(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { asServerStats } from "../../src/cli/stats/report.ts";
import { DescriptorReserve } from "../../src/net/descriptor_reserve.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { DEADLINE_MS, until } from "../support/until.ts";

/** 1001 echoes, 1002 takes all descriptors there are, 1003 gives them back. */
const HOG = `const held = [];
export default { name: "hog", commands: {
  1001: { name: "echo", run: (context) => context.params },
  1002: { name: "take", run: () => { try { for (;;) held.push(Deno.openSync("/dev/null")); } catch { return { held: held.length }; } } },
  1003: { name: "give", run: () => { for (const file of held.splice(0)) file.close(); } },
} };`;
/** 1001 echoes, 1002 never ends and does not burn a core. */
const STUCK = `export default { name: "stuck", commands: {
  1001: { name: "echo", run: (context) => context.params },
  1002: { name: "hang", run: () => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); } },
} };`;

/** Descriptors that the server's process may have. */
const DESCRIPTORS = 80;
/** Enough for Deno itself, and not for what comes next: sockets, the modules, the workers. */
const TOO_FEW_DESCRIPTORS = [32, 40, 44, 48, 52, 56];
/** Ticks of /proc/PID/stat in a second. */
const TICKS_PER_SECOND = 100;

Deno.test("the reserve lends descriptors, is short until it has them back, and makes room for what follows", () => {
  const reserve = new DescriptorReserve(3);
  try {
    assertEquals([reserve.isShort, reserve.release(4), reserve.isShort], [false, false, false]);
    assertEquals([reserve.release(2), reserve.isShort, reserve.release(2)], [true, true, false]);
    reserve.refill();
    assertEquals(reserve.isShort, false);
    // There are others: what is kept stays kept.
    assertEquals([reserve.makeRoom(5), reserve.isShort], [true, false]);
    reserve.keepAlso(2);
    assertEquals([reserve.isShort, reserve.release(5)], [true, false]);
    reserve.refill();
    assertEquals([reserve.isShort, reserve.release(5)], [false, true]);
    reserve.refill();
    reserve.keepAlso(0);
    assertEquals([reserve.isShort, reserve.release(4), reserve.release(3)], [false, false, true]);
  } finally {
    reserve.close();
  }
});

Deno.test("while a worker starts, connections get no descriptor that it needs", () => {
  let free = 30;
  const reserve = new DescriptorReserve(3, () => free);
  try {
    assertEquals(reserve.makeRoom(20), true);
    reserve.isAwaited = true;
    let taken = 0;
    for (; !reserve.isShort; taken++) reserve.taken();
    assert(taken > 0 && free - taken >= 20, `${taken} were taken`);
    reserve.isAwaited = false;
    assertEquals(reserve.isShort, false);
    // One is lent of the three that are kept; four are not there to be lent.
    free = 19;
    assertEquals([reserve.makeRoom(20), reserve.isShort], [true, true]);
    reserve.refill();
    free = 16;
    assertEquals([reserve.makeRoom(20), reserve.isShort], [false, false]);
  } finally {
    reserve.close();
  }
});

for (
  const [sockets, serve] of [["epoll", ["main.ts", "serve", "--config"]], ["Deno", [
    "tests/support/portable_serve.ts",
  ]]] as const
) {
  Deno.test({
    name:
      `a server without a descriptor left refuses, serves on, replaces a worker, and accepts again (sockets of ${sockets})`,
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      const directory = await Deno.makeTempDir({ prefix: "mevent_descriptors_" });
      const server = await startServer(directory, serve);
      try {
        await runOut(server, `${directory}/socket`, sockets === "epoll");
      } finally {
        server.process.kill("SIGTERM");
        const { code } = await server.process.status;
        await server.ended;
        await Deno.remove(directory, { recursive: true });
        assertEquals(code, 0, server.log());
      }
      assert(!server.log().includes("panicked"), server.log());
      if (sockets === "Deno") return;
      assertStringIncludes(server.log(), "max_connections is lowered");
      assertStringIncludes(server.log(), `"descriptors":${DESCRIPTORS}`);
    },
  });
}

Deno.test({
  name:
    "a server that finds too few descriptors says so, whatever it is that it lacks them for, and does not start",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const directory = await Deno.makeTempDir({ prefix: "mevent_descriptors_" });
    try {
      const config = await writeConfig(directory);
      const serve = ["main.ts", "serve", "--config", config];
      for (const descriptors of TOO_FEW_DESCRIPTORS) {
        const { code, stderr } = await limited(descriptors, serve).output();
        const text = new TextDecoder().decode(stderr);
        assert(
          code === 78 || (code === 69 && text.includes("cannot listen")),
          `${descriptors}: ${code} ${text}`,
        );
        assertMatch(text, /file descriptors?.*raise ulimit -n|as many files and sockets open as it may/);
        assert(!text.includes("panicked"), text);
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

/** @param knowsBound the server has lowered max_connections to what its descriptors allow */
async function runOut(server: LimitedServer, path: string, knowsBound: boolean): Promise<void> {
  const connect = async () => new RawConnection(await Deno.connect({ transport: "unix", path }));
  using good = await connect();
  const call = async (plugin: string, command: number) => {
    await good.send(streamRequest({ plugin, command, params: { a: 1 } }));
    return await good.reply();
  };
  const reached = async () => {
    await good.send(streamRequest({ plugin: "Reserve.Stats" }));
    const { limits } = asServerStats(valueOf(await good.reply())!);
    return { connections: limits["max_connections"]!, descriptors: limits["descriptors"]! };
  };
  const isRefused = async () => {
    using connection = await connect();
    await connection.send(streamRequest({ plugin: "hog" })).catch(() => {});
    return await connection.frame() === null;
  };
  assertEquals(await isRefused(), false);

  const many = await Promise.all(Array.from({ length: DESCRIPTORS }, connect));
  const served = await Promise.all(many.map(async (connection) => {
    await connection.send(streamRequest({ plugin: "hog" })).catch(() => {});
    return await connection.frame() !== null;
  }));
  const refused = served.filter((isServed) => !isServed).length;
  assert(refused > 0 && refused < served.length, `${refused} were refused`);
  assertEquals(await reached(), {
    connections: knowsBound ? refused : 0,
    descriptors: knowsBound ? 0 : refused,
  });
  for (const connection of many) connection.close();
  await untilAccepted(isRefused);

  // The one that has read the modules gives back what it had open when it ends.
  await until("the thread that read the modules has ended", () => webWorkers(server.process.pid) === 3);
  const before = (await reached()).descriptors;
  assertEquals((await call("hog", 1002)).code, 1000);
  const cpu = cpuTicks(server.process.pid);
  const begun = performance.now();
  let tries = 0;
  while (performance.now() - begun < 1000) {
    assertEquals(await isRefused(), true);
    tries++;
    assertEquals(valueOf(await call("hog", 1001)), { a: 1 });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const seconds = (performance.now() - begun) / 1000;
  const used = (cpuTicks(server.process.pid) - cpu) / TICKS_PER_SECOND / seconds;
  assert(used < 0.5, `it used ${Math.round(used * 100)}% of a CPU`);
  assertEquals((await reached()).descriptors - before, tries);

  assertEquals((await call("stuck", 1002)).code, 14);
  await until("its worker is replaced", () => server.log().includes("worker died and is replaced"));
  // A caller whose time-out ends before the new worker is there is answered 14.
  await until("the new worker answers", async () => (await call("stuck", 1001)).code === 1000);
  assertEquals(await isRefused(), true);

  assertEquals((await call("hog", 1003)).code, 1000);
  await untilAccepted(isRefused);
  assertEquals(valueOf(await call("hog", 1001)), { a: 1 });
}

/** How many threads of Web Workers a process has: the nursery's and one for each plugin, when it has started. */
function webWorkers(pid: number): number {
  const folder = `/proc/${pid}/task`;
  const isWorker = ({ name }: Deno.DirEntry) => {
    try {
      return Deno.readTextFileSync(`${folder}/${name}/comm`).startsWith("worker-");
    } catch {
      // It has ended meanwhile.
      return false;
    }
  };
  return [...Deno.readDirSync(folder)].filter(isWorker).length;
}

async function untilAccepted(isRefused: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (await isRefused()) assert(performance.now() < deadline, "it never accepts again");
}

interface LimitedServer {
  readonly process: Deno.ChildProcess;
  /** What it has logged so far. */
  log(): string;
  /** Resolves when it has closed its log. */
  readonly ended: Promise<void>;
}

async function startServer(directory: string, serve: readonly string[]): Promise<LimitedServer> {
  const process = limited(DESCRIPTORS, [...serve, await writeConfig(directory)]).spawn();
  let log = "";
  const ended = (async () => {
    for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) log += text;
  })();
  const banner = process.stdout.getReader();
  const { done } = await banner.read();
  await banner.cancel();
  assert(!done, "the server did not start");
  return { process, log: () => log, ended };
}

/** Writes the plugins and a config for them; gives the config's path. */
async function writeConfig(directory: string): Promise<string> {
  await Deno.writeTextFile(`${directory}/hog.js`, HOG);
  await Deno.writeTextFile(`${directory}/stuck.js`, STUCK);
  const config = `${directory}/config.toml`;
  await Deno.writeTextFile(
    config,
    `[server]
tcp = ""
udp = ""
unix = "${directory}/socket"
control = "none"
[[plugin]]
name = "hog"
module = "${directory}/hog.js"
workers = 1
permissions = { read = true, write = true }
[[plugin]]
name = "stuck"
module = "${directory}/stuck.js"
workers = 1
timeout = "300ms"
`,
  );
  return config;
}

/** Deno with that script in a process that may have so many descriptors. */
function limited(descriptors: number, script: readonly string[]): Deno.Command {
  return new Deno.Command("sh", {
    args: ["-c", `ulimit -n ${descriptors} && exec "$0" run -A --no-check "$@"`, Deno.execPath(), ...script],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** CPU time that the process has used, in ticks. */
function cpuTicks(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DescriptorReserve } from "../src/net/reserve.ts";
import { RawConnection } from "./support/raw_connection.ts";
import { streamRequest, valueOf } from "./support/requests.ts";
import { until } from "./support/until.ts";

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
const DESCRIPTORS = 64;
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
  } finally {
    reserve.close();
  }
});

Deno.test({
  name:
    "a server without a descriptor left refuses, serves those it has, replaces a worker, and accepts again",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const directory = await Deno.makeTempDir({ prefix: "mevent_descriptors_" });
    const server = await startServer(directory);
    try {
      const connect = async () =>
        new RawConnection(await Deno.connect({ transport: "unix", path: `${directory}/socket` }));
      using good = await connect();
      const call = async (plugin: string, command: number) => {
        await good.send(streamRequest({ plugin, command, params: { a: 1 } }));
        return await good.reply();
      };
      const limits = async () => {
        await good.send(streamRequest({ plugin: "Reserve.Stats" }));
        return JSON.parse(JSON.stringify(valueOf(await good.reply()))).limits;
      };
      const isRefused = async () => {
        using connection = await connect();
        await connection.send(streamRequest({ plugin: "hog" })).catch(() => {});
        return await connection.frame() === null;
      };
      assertEquals(await isRefused(), false);

      // More connections than fit: the bound was lowered to what does.
      const many = await Promise.all(Array.from({ length: DESCRIPTORS }, connect));
      const served = await Promise.all(many.map(async (connection) => {
        await connection.send(streamRequest({ plugin: "hog" })).catch(() => {});
        return await connection.frame() !== null;
      }));
      assert(served.includes(true) && served.includes(false));
      const reached = await limits();
      assertEquals([reached.max_connections, reached.descriptors], [served.filter((is) => !is).length, 0]);
      for (const connection of many) connection.close();

      assertEquals((await call("hog", 1002)).code, 1000);

      const cpu = cpuTicks(server.process.pid);
      const begun = performance.now();
      while (performance.now() - begun < 1000) {
        assertEquals(await isRefused(), true);
        assertEquals(valueOf(await call("hog", 1001)), { a: 1 });
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const used = (cpuTicks(server.process.pid) - cpu) / TICKS_PER_SECOND /
        ((performance.now() - begun) / 1000);
      assert(used < 0.5, `it used ${Math.round(used * 100)}% of a CPU`);
      assert((await limits()).descriptors > 10);

      assertEquals((await call("stuck", 1002)).code, 14);
      await until("its worker is replaced", () => server.log().includes("worker died and is replaced"));
      assertEquals(valueOf(await call("stuck", 1001)), { a: 1 });
      assertEquals(await isRefused(), true);

      assertEquals((await call("hog", 1003)).code, 1000);
      const deadline = performance.now() + 5000;
      while (await isRefused()) assert(performance.now() < deadline, "it never accepts again");
      assertEquals(valueOf(await call("hog", 1001)), { a: 1 });
    } finally {
      server.process.kill("SIGTERM");
      const { code } = await server.process.status;
      await server.ended;
      await Deno.remove(directory, { recursive: true });
      assertEquals(code, 0, server.log());
    }
    assertStringIncludes(server.log(), "max_connections is lowered");
    assertStringIncludes(server.log(), `"descriptors":${DESCRIPTORS}`);
    assert(!server.log().includes("panicked"), server.log());
  },
});

interface LimitedServer {
  readonly process: Deno.ChildProcess;
  /** What it has logged so far. */
  log(): string;
  /** Resolves when it has closed its log. */
  readonly ended: Promise<void>;
}

/** mevent in a process that may have few descriptors. */
async function startServer(directory: string): Promise<LimitedServer> {
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
permissions = { read = true, write = true }
[[plugin]]
name = "stuck"
module = "${directory}/stuck.js"
timeout = "300ms"
`,
  );
  const process = new Deno.Command("sh", {
    args: [
      "-c",
      `ulimit -n ${DESCRIPTORS} && exec "$0" run -A --no-check main.ts serve --config "$1"`,
      Deno.execPath(),
      config,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
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

/** CPU time that the process has used, in ticks. */
function cpuTicks(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

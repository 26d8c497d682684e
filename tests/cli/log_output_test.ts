import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LogOutput } from "../../src/cli/log_output.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { RawConnection } from "../support/raw_connection.ts";

/** A plugin that logs n lines of 2 KiB, each a different one; the cache answers after the main thread has had them all. */
const LOGS = `export default { name: "p", commands: {
  1001: { name: "good", run: (context) => context.params },
  1002: { name: "log", run: async ({ cache, log, params }) => {
    for (let i = 0; i < params.int("n"); i++) log.warn("line " + i, { fill: "x".repeat(2048) });
    await cache.get("all of them");
  } },
} };`;

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

Deno.test("what a sink takes piecewise arrives whole and in order", async () => {
  let written = "";
  const output = new LogOutput((bytes) => {
    written += text(bytes.subarray(0, 3));
    return Promise.resolve(Math.min(3, bytes.length));
  }, () => {});
  for (let i = 0; i < 10; i++) output.write(`line ${i}\n`);
  await output.flush(1000);
  assertEquals(written, Array.from({ length: 10 }, (_, i) => `line ${i}\n`).join(""));
});

Deno.test("lines that a broken sink does not take are counted, and the count is told when it works again", async () => {
  const written: string[] = [];
  let isBroken = true;
  const output: LogOutput = new LogOutput(
    (bytes) => {
      if (isBroken) return Promise.reject(new Deno.errors.BrokenPipe());
      written.push(text(bytes));
      return Promise.resolve(bytes.length);
    },
    (lines) => output.write(`dropped ${lines}\n`),
  );
  for (let i = 0; i < 7; i++) {
    output.write("lost\n");
    await output.flush(1000);
  }
  isBroken = false;
  output.write("kept\n");
  await output.flush(1000);
  output.write("kept too\n");
  await output.flush(1000);
  assertEquals(written, ["kept\n", "dropped 7\n", "kept too\n"]);
});

Deno.test("lines for a sink that blocks wait up to their bound, and a flush ends", async () => {
  const gate = Promise.withResolvers<void>();
  let written = "";
  const output: LogOutput = new LogOutput(async (bytes) => {
    await gate.promise;
    written += text(bytes);
    return bytes.length;
  }, (lines) => output.write(`dropped ${lines}\n`));
  const line = "x".repeat(1023) + "\n";
  for (let i = 0; i < 1034; i++) output.write(line);
  await output.flush(10);
  assertEquals(written, "");
  gate.resolve();
  await output.flush(1000);
  assertEquals(written, line.repeat(1024) + "dropped 10\n");
});

/** The server in a process of its own, with the plugin that logs; what it writes is left unread. */
async function withProcess(
  act: (child: Deno.ChildProcess, connection: RawConnection) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "mevent-test-" });
  const config = `${directory}/config.toml`;
  const socket = `${directory}/socket`;
  await Deno.writeTextFile(`${directory}/p.js`, LOGS);
  await Deno.writeTextFile(
    config,
    `[server]\ntcp = []\nudp = []\nmax_log_lines = 0\nunix = "${socket}"\n[[plugin]]\nname = "p"\nmodule = "${directory}/p.js"\n`,
  );
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "main.ts", "serve", "--config", config],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  try {
    const banner = child.stdout.getReader();
    assertStringIncludes(text((await banner.read()).value!), "mevent");
    await banner.cancel();
    using connection = new RawConnection(await Deno.connect({ transport: "unix", path: socket }));
    await act(child, connection);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function assertServes(connection: RawConnection): Promise<void> {
  await connection.send(streamRequest({ plugin: "p", params: { a: 1 } }));
  assertEquals(valueOf(await connection.reply()), { a: 1 });
}

Deno.test("a server whose output has lost its reader serves on, and stops when it is told to", async () => {
  await withProcess(async (child, connection) => {
    await child.stderr.cancel();
    await connection.send(streamRequest({ plugin: "p", command: 1002, params: { n: 10 } }));
    assertEquals((await connection.reply()).code, 1000);
    await assertServes(connection);
    child.kill("SIGTERM");
    assertEquals((await child.status).code, 0);
  });
});

Deno.test("a server whose log is not read serves on; what waited is there when it is read, the rest is counted", async () => {
  await withProcess(async (child, connection) => {
    await connection.send(streamRequest({ plugin: "p", command: 1002, params: { n: 1000 } }));
    assertEquals((await connection.reply()).code, 1000);
    await assertServes(connection);
    const log = new Response(child.stderr).text();
    await connection.send(streamRequest({ plugin: "p", command: 1002, params: { n: 1 } }));
    await connection.reply();
    child.kill("SIGTERM");
    const lines = (await log).trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals((await child.status).code, 0);
    const dropped = lines.findLast(({ message }) => message.includes("were dropped"));
    assert(dropped.lines_since_start > 0);
    const kept = lines.filter(({ message }) => message.startsWith("line ")).length;
    assertEquals(kept + dropped.lines_since_start, 1001);
  });
});

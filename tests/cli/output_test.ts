import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type ByteSink, dataOutput, talkOutput } from "../../src/cli/process_io.ts";
import { run } from "../../src/cli/run.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { isGroup } from "../../src/cli/command.ts";
import { systemFiles } from "../../src/journal/system_files.ts";
import { Desk, TestClock } from "../journal/desk.ts";
import { mevent, TestServer } from "../support/mevent.ts";

const FULL = { write: true } as const;

/** Runs a command whose stdout is that sink; what it says on stderr is returned. */
async function runInto(stdout: ByteSink, argv: readonly string[]): Promise<{ code: number; stderr: string }> {
  let stderr = "";
  const io = {
    stdout: dataOutput(stdout),
    stderr: {
      isTerminal: false,
      write: (text: string | Uint8Array) => Promise.resolve(void (stderr += text)),
    },
    stdin: ReadableStream.from([new Uint8Array()]),
    isStdinTerminal: false,
    noColor: true,
    env: {},
  };
  return { code: await run(argv, io), stderr };
}

function refusing(error: Error): ByteSink {
  return { isTerminal: () => false, write: () => Promise.reject(error) };
}

Deno.test("a command whose output cannot be written says so in a sentence and exits with 74", async (t) => {
  await using server = await TestServer.start(
    '[[plugin]]\nname = "echo"\nbiz = 3\nmodule = "builtin:echo"\nresults = { keep = "1h" }\n' +
      '[[receiver]]\nname = "true"\ncommand = ["/bin/true"]\n',
  );
  const port = ["--port", String(server.tcpPort)];
  const control = ["--control", server.controlPath];
  const sent = await mevent(["send", "--biz", "echo", "--cmd", "1001", "--async", ...port]);
  const id = sent.stderr.trim().split(" ").at(-1)!;
  const file = `${server.directory}/p.ts`;
  await Deno.writeTextFile(
    file,
    `export default { name: "p", commands: { 1001: { name: "c", run: () => {} } } };`,
  );
  const data = `${server.directory}/journals`;
  await Deno.mkdir(`${data}/echo`, { recursive: true });
  const desk = new Desk(systemFiles, new TestClock(), { folder: `${data}/echo` });
  assertEquals(desk.close(), null);
  const lines: readonly (readonly string[])[] = [
    ["--help"],
    ["--version"],
    ["version"],
    ["help", "send"],
    ["help", "protocol"],
    ["check", "--config", "none", "--listen", "127.0.0.1:0", "--no-udp"],
    ["config", "--config", "none"],
    ["config", "--example"],
    ["send", "--help"],
    ["plugin", "--help"],
    ["send", "--biz", "echo", "--cmd", "1001", "a=b", ...port],
    ["send", "--biz", "echo", "--cmd", "1001", "--count", "3", ...port],
    ["result", id, "--wait", "10s", ...port],
    ["ping", ...port],
    ["completions", "bash"],
    ["man"],
    ["top", "--once", "--interval", "1ms", ...port],
    ["doctor", "--config", "none", "--listen", "127.0.0.1:0", "--no-udp"],
    ["install", "--systemd"],
    ["stats", ...port],
    ["stats", "--json", ...control],
    ["stats", "--prometheus", ...port],
    ["stats", "--watch", "--interval", "10ms", ...port],
    ["bench", "--count", "10", "--conns", "1", "--depth", "1", ...port],
    ["log", "level", ...control],
    ["alert", "list", ...control],
    ["alert", "test", ...control],
    ["peek", "echo", ...control],
    ["pause", "echo", ...control],
    ["resume", "echo", "--json", ...control],
    ["retry-dead", "echo", ...control],
    ["limits", "echo", "ttl=1s", ...control],
    ["purge", "echo", "--yes", ...control],
    ["journal", "check", "--data", data],
    ["journal", "dump", "echo", "--data", data],
    ["journal", "repair", "echo", "--data", data],
    ["plugin", "list", "--config", `${server.directory}/config.toml`],
    ["plugin", "types"],
    ["token", "new", "--name", "a", "--right", "*"],
    ["plugin", "check", file],
    ["plugin", "new", "made", "--dir", server.directory],
    ["plugin", "run", file, "--cmd", "1000"],
  ];
  for (const argv of lines) {
    await t.step(argv.slice(0, 2).join(" "), async () => {
      using full = await Deno.open("/dev/full", FULL);
      const { code, stderr } = await runInto(full, argv);
      assertEquals(code, 74, stderr);
      assertMatch(stderr, /^mevent.*: cannot write to stdout: no space is left on the device$/m);
      assertEquals(/report it|\n\s+at /.test(stderr), false, stderr);
      // A reader that has gone, as with `| head -1`, has had enough: that is no error, and there is nothing to say.
      const gone = await runInto(
        refusing(new Deno.errors.BrokenPipe("Broken pipe (os error 32)")),
        again(argv),
      );
      assertEquals(gone.code, 0, gone.stderr);
      assertEquals(gone.stderr.includes("cannot write"), false, gone.stderr);
    });
  }
  const tried = new Set(lines.flatMap(([first = "", second = ""]) => [first, `${first} ${second}`]));
  const all = COMMANDS.flatMap((each) => isGroup(each) ? each.commands : [each]).map(({ name }) => name);
  // What ends the server, and what was nothing to list for a test of its own.
  const elsewhere = ["serve", "proxy", "import", "cancel", "undo", "reload", "drain", "stop", "plugin test"];
  assertEquals(all.filter((name) => !tried.has(name) && !elsewhere.includes(name)), []);
});

/** The same command once more, where it writes files that are there by now. */
function again(argv: readonly string[]): string[] {
  return argv.map((arg) => arg === "made" ? "again" : arg);
}

Deno.test("what a terminal or a disk that fails says is a sentence, too", async () => {
  const failing: readonly (readonly [Error & { code?: string }, string])[] = [
    [
      Object.assign(new Error("Input/output error (os error 5)"), { code: "EIO" }),
      "an error of input or output",
    ],
    [Object.assign(new Error("Bad file descriptor (os error 9)"), { code: "EBADF" }), "it is closed"],
    [Object.assign(new Error("Disk quota exceeded (os error 122)"), { code: "EDQUOT" }), "share of the disk"],
  ];
  for (const [error, words] of failing) {
    const { code, stderr } = await runInto(refusing(error), ["version"]);
    assertEquals(code, 74);
    assertStringIncludes(stderr, words);
  }
});

Deno.test("an output that takes nothing at the moment gets the rest later", async () => {
  let written = "";
  let times = 0;
  const slow: ByteSink = {
    isTerminal: () => false,
    write(bytes) {
      if (times++ % 2 === 0) return Promise.reject(new Deno.errors.WouldBlock("(os error 11)"));
      written += new TextDecoder().decode(bytes.subarray(0, 3));
      return Promise.resolve(Math.min(3, bytes.length));
    },
  };
  await dataOutput(slow).write("0123456789");
  assertEquals(written, "0123456789");
});

Deno.test("a stderr that is full or gone hides no reply", async () => {
  await talkOutput(refusing(new Error("No space left on device (os error 28)"))).write("talk");
  await talkOutput(refusing(new Deno.errors.BrokenPipe())).write("talk");
});

Deno.test("as a process: full outputs, closed ones, and a reader that goes", async () => {
  await using server = await TestServer.start();
  const send = `m send --biz echo --cmd 1001 a=b --port ${server.tcpPort}`;
  const script = [
    `m() { "${Deno.execPath()}" run -A --no-check main.ts "$@"; }`,
    `${send} > /dev/full; echo "full $?"`,
    `${send} 2> /dev/full; echo "talk full $?"`,
    `${send} 2>&-; echo "talk closed $?"`,
    `{ m help; echo "head $?" >&2; } | head -1`,
  ].join("\n");
  const { stdout, stderr } = await new Deno.Command("sh", { args: ["-c", script], stdin: "null" }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
  assertMatch(out, /^full 74\n\{"a":"b"\}\ntalk full 0\n\{"a":"b"\}\ntalk closed 0\nmevent .*\n$/);
  assertStringIncludes(err, "mevent send: cannot write to stdout: no space is left on the device\n");
  assert(err.endsWith("head 0\n"), err);
});

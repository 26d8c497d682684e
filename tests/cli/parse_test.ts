import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import { checkCommand } from "../../src/cli/config/check.ts";
import { type Command, isGroup } from "../../src/cli/command.ts";
import { allCommands, COMMANDS, findCommand } from "../../src/cli/commands.ts";
import { configCommand } from "../../src/cli/config/config.ts";
import { ExitCode } from "../../src/cli/exit_codes.ts";
import { topics } from "../../src/cli/documents.ts";
import { commandHelp, overviewHelp } from "../../src/cli/help.ts";
import { type Io, OutputClosed } from "../../src/cli/io.ts";
import { parseCommand } from "../../src/cli/parse.ts";
import { run } from "../../src/cli/run.ts";
import { sendCommand } from "../../src/cli/send/send.ts";
import { serveCommand } from "../../src/cli/serve.ts";
import { serverOverrides } from "../../src/cli/serve_flags.ts";
import { statsCommand } from "../../src/cli/stats/stats.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { VERSION } from "../../src/cli/version.ts";
import { loadConfig } from "../../src/config/load.ts";

function send(...args: string[]) {
  return parseCommand(sendCommand, args);
}

/** Runs mevent in this process and collects what it writes. */
async function mevent(
  argv: string[],
  terminal: Partial<Pick<Io, "noColor">> & { isTerminal?: boolean } = {},
) {
  const { isTerminal = false, noColor = false } = terminal;
  let stdout = "";
  let stderr = "";
  const io: Io = {
    stdout: { isTerminal, write: (text) => Promise.resolve(void (stdout += text)) },
    stderr: { isTerminal, write: (text) => Promise.resolve(void (stderr += text)) },
    stdin: new ReadableStream(),
    isStdinTerminal: false,
    noColor,
    env: {},
  };
  return { code: await run(argv, io), stdout, stderr };
}

Deno.test("flags take their value behind a space or an equals sign, by long and by short name", () => {
  assertEquals(send("--host", "a", "--port=7").text("host"), "a");
  assertEquals(send("--host", "a", "--port=7").text("port"), "7");
  for (const args of [["-c", "f"], ["-c=f"], ["--config", "f"], ["--config=f"]]) {
    assertEquals(parseCommand(serveCommand, args).text("config"), "f");
  }
  assertEquals(send("--json=a=b=").text("json"), "a=b=");
  assertEquals(send("--json=").text("json"), "");
  assertEquals(send("--json", "").text("json"), "");
});

Deno.test("positionals and values that look like numbers, booleans or flags stay as they were typed", () => {
  const args = [
    "a=1",
    "007",
    "--json",
    "-5",
    "true",
    "1e3",
    "--async",
    "true",
    "key=-",
    "-",
    "0x10",
    "a.b=c",
  ];
  const parsed = send(...args);
  assertEquals(parsed.positionals, ["a=1", "007", "true", "1e3", "true", "key=-", "-", "0x10", "a.b=c"]);
  assertEquals([parsed.text("json"), parsed.isOn("async")], ["-5", true]);
  assertEquals(send("--json", "-").text("json"), "-");
  assertEquals(send("--biz", "007", "--cmd=1_001").text("biz"), "007");
});

Deno.test("any value of a flag, and anything behind --, comes through unchanged", () => {
  fc.assert(fc.property(fc.string(), fc.array(fc.string()), (value, rest) => {
    const parsed = send(`--json=${value}`, "--", ...rest);
    assertEquals(parsed.text("json"), value);
    assertEquals(parsed.positionals, rest);
  }));
});

Deno.test("behind -- nothing is a flag", () => {
  const parsed = send("--async", "--", "--json", "-x", "--");
  assertEquals(parsed.positionals, ["--json", "-x", "--"]);
  assertEquals([parsed.isOn("async"), parsed.text("json")], [true, undefined]);
});

Deno.test("the last value counts, a repeatable flag keeps them all, and a flag not given has its default", () => {
  assertEquals(send("--port", "1", "--port", "2").text("port"), "2");
  assertEquals(parseCommand(serveCommand, ["--listen", ":1", "--listen=:2"]).texts("listen"), [":1", ":2"]);
  assertEquals([send().text("port"), send().text("json"), send().isOn("async")], [
    "26000",
    undefined,
    undefined,
  ]);
});

Deno.test("a negatable flag knows on, off and not given; others have no --no- form", () => {
  const asyncReply = (...args: string[]) => parseCommand(serveCommand, args).isOn("async-reply");
  assertEquals([asyncReply(), asyncReply("--async-reply"), asyncReply("--no-async-reply")], [
    undefined,
    true,
    false,
  ]);
  assertThrows(
    () => send("--no-async"),
    UsageError,
    "unknown flag --no-async; did you mean --async?",
  );
});

Deno.test("wrong flags are usage errors that say what to write", () => {
  const wrong: [string[], string][] = [
    [["--jsn", "{}"], "unknown flag --jsn; did you mean --json?"],
    [["--jsn={}"], "unknown flag --jsn; did you mean --json?"],
    [["-json"], "unknown flag -json; did you mean --json?"],
    [["--json"], "--json needs a value: --json=TEXT|@FILE|-"],
    [["--host", "--port", "1"], "--host needs a value: --host=HOST"],
    [["--host", "--"], "--host needs a value"],
    [["--async=yes"], '--async takes no value, got "yes"'],
    [["--async="], '--async takes no value, got ""'],
  ];
  for (const [args, message] of wrong) assertThrows(() => send(...args), UsageError, message);
  const meant: [string, string][] = [
    ["--tcp", "unknown flag --tcp; did you mean --listen HOST:PORT?"],
    ["--port=1", "unknown flag --port; did you mean --listen HOST:PORT?"],
    ["--drain-timeout", "unknown flag --drain-timeout; did you mean --set drain_timeout=VALUE?"],
    ["--max_frame", "unknown flag --max_frame; did you mean --max-frame?"],
    ["--workers", "unknown flag --workers; did you mean workers in a [[plugin]] table of the config?"],
    ["m.toml", 'unexpected argument "m.toml"; did you mean --config m.toml?'],
  ];
  for (const command of [serveCommand, checkCommand, configCommand]) {
    for (const [arg, message] of meant) {
      assertEquals(assertThrows(() => parseCommand(command, [arg]), UsageError).message, message);
    }
    for (const far of ["--toString", "--constructor", "x"]) {
      assertMatch(assertThrows(() => parseCommand(command, [far]), UsageError).message, /^un[^;]+$/);
    }
  }
  // What is like none that there is has no nearest one.
  for (const far of ["-5", "---", "--constructor", "--qq", "-x"]) {
    assertEquals(assertThrows(() => send(far), UsageError).message, `unknown flag ${far}`);
  }
  assertThrows(() => parseCommand(statsCommand, ["x"]), UsageError, 'unexpected argument "x"');
});

Deno.test("numbers and durations are read from flags within their bounds", () => {
  assertEquals(send("--port", "007").int("port", 0, 65_535), 7);
  assertEquals(send("--timeout", "500ms").duration("timeout"), 500);
  assertThrows(
    () => send("--port=65536").int("port", 0, 65_535),
    UsageError,
    "--port: expected a whole number from 0",
  );
  assertThrows(() => send("--port=1e3").int("port", 0, 65_535), UsageError, 'got "1e3"');
  assertThrows(() => send("--port=").int("port", 0, 65_535), UsageError, 'got ""');
  assertThrows(
    () => send("--timeout=5").duration("timeout"),
    UsageError,
    "--timeout: expected a duration with its unit",
  );
  assertThrows(() => send().required("cmd"), UsageError, "--cmd is missing");
});

Deno.test("the flags of serve become keys of [server] that the config takes", () => {
  const args = [
    "--listen=127.0.0.1:1",
    "--listen=127.0.0.1:2",
    "--no-udp",
    "--unix",
    "/s",
    "--no-async-reply",
    "--max-frame",
    "4 KiB",
  ];
  const more = [
    "--log-level=debug",
    "--log-format=json",
    "--set",
    "drain_timeout=5s",
    "--set=max_in_flight=9",
  ];
  const overrides = serverOverrides(parseCommand(serveCommand, [...args, ...more]));
  assertEquals(overrides, {
    drain_timeout: "5s",
    max_in_flight: "9",
    tcp: ["127.0.0.1:1", "127.0.0.1:2"],
    unix: ["/s"],
    udp: [],
    max_frame: "4 KiB",
    log_level: "debug",
    log_format: "json",
    async_reply: false,
  });
  const { server, listeners } = loadConfig({ env: {}, flags: overrides });
  assertEquals([server.drainTimeout, server.maxInFlight, server.maxFrame, listeners.length], [
    5000,
    9,
    4096,
    3,
  ]);
  assertEquals(serverOverrides(parseCommand(serveCommand, [])), {});
});

Deno.test("flags of serve that contradict each other or set nothing are usage errors", () => {
  const overrides = (...args: string[]) => serverOverrides(parseCommand(serveCommand, args));
  assertThrows(
    () => overrides("--udp=:1", "--no-udp"),
    UsageError,
    "--no-udp and --udp contradict each other",
  );
  assertThrows(() => overrides("--no-tcp", "--listen", ":1"), UsageError, "--no-tcp and --listen contradict");
  assertThrows(() => overrides("--set", "drain_timeout"), UsageError, "--set: expected KEY=VALUE");
});

const ALL_COMMANDS = await allCommands();
/** Those of the groups, too. */
const EVERY_COMMAND = ALL_COMMANDS.flatMap((command) => isGroup(command) ? command.commands : [command]);

Deno.test("every command is listed by its own name", () => {
  const listed = COMMANDS.flatMap((each) => isGroup(each) ? each.commands : [each]);
  assertEquals(listed.map(({ name }) => name), EVERY_COMMAND.map(({ name }) => name));
});

Deno.test("every command and flag has its help, and every example parses", () => {
  for (const command of EVERY_COMMAND) {
    assert(command.summary.endsWith("."));
    const names = command.flags.flatMap(({ name, short }) => short === undefined ? [name] : [name, short]);
    assertEquals(new Set(names).size, names.length);
    for (const { name, help } of command.flags) assert(help.endsWith("."), `${command.name} --${name}`);
    assert(command.examples.length > 0);
    for (const example of command.examples) assertExampleParses(command, example);
  }
});

function assertExampleParses(command: Command, example: string) {
  const [, line = ""] = /(?:^|\| )mevent (.*)$/.exec(example) ?? [];
  const words = [...line.replace(/ > [\w.]+$/, "").matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) =>
    quoted ?? plain ?? ""
  );
  const name = command.name.split(" ");
  assertEquals(words.slice(0, name.length), name);
  parseCommand(command, words.slice(name.length));
}

const TOPICS = await topics();

Deno.test("help fits 100 columns, is aligned, and lists every command, topic and flag", () => {
  for (const command of EVERY_COMMAND) {
    const text = commandHelp(command, false);
    for (const line of text.split("\n")) assertLessOrEqual(line.length, 100, line);
    for (const flag of command.flags) assertStringIncludes(text, flag.negatable ? "[no-]" : `--${flag.name}`);
  }
  const overview = overviewHelp(ALL_COMMANDS, TOPICS, false);
  for (const line of overview.split("\n")) assertLessOrEqual(line.length, 100, line);
  const listed = [
    ...ALL_COMMANDS.map(({ name, summary }) => [name, summary] as const),
    ...TOPICS.map(({ name, title }) => [name, title] as const),
  ];
  const columns = listed.map(([name, text]) => {
    // A longer text goes on in the next line.
    const words = text.slice(0, 30);
    const lines = overview.split("\n").filter((each) => each.startsWith(`  ${name} `));
    return lines.map((line) => line.indexOf(words)).find((at) => at >= 0) ?? -1;
  });
  assertEquals(new Set(columns), new Set([32]));
});

Deno.test("mevent --help, help send and send --help print to stdout and exit 0", async () => {
  assertEquals(await mevent(["--help"]), {
    code: 0,
    stdout: overviewHelp(ALL_COMMANDS, TOPICS, false),
    stderr: "",
  });
  assertEquals(await mevent(["help"]), await mevent(["-h"]));
  const help = { code: 0, stdout: commandHelp(sendCommand, false), stderr: "" };
  assertEquals(await mevent(["help", "send"]), help);
  assertEquals(await mevent(["send", "--cmd", "1", "--help"]), help);
});

Deno.test("headings are bold on a terminal, unless NO_COLOR says otherwise", async () => {
  assertStringIncludes((await mevent(["help"], { isTerminal: true })).stdout, "\x1b[1mCommands\x1b[0m\n");
  assert(!(await mevent(["help"], { isTerminal: true, noColor: true })).stdout.includes("\x1b"));
  assert(!(await mevent(["help"])).stdout.includes("\x1b"));
});

Deno.test("mevent alone prints its help to stderr and exits 64", async () => {
  assertEquals(await mevent([]), {
    code: ExitCode.Usage,
    stdout: "",
    stderr: overviewHelp(ALL_COMMANDS, TOPICS, false),
  });
});

Deno.test("mevent --version and mevent version print the version and what it runs on", async () => {
  const { code, stdout, stderr } = await mevent(["--version"]);
  assertEquals([code, stderr], [0, ""]);
  assert(stdout.startsWith(`mevent ${VERSION} (deno ${Deno.version.deno}, `) && stdout.endsWith(")\n"));
  assertEquals((await mevent(["version"])).stdout, stdout);
});

Deno.test("a wrong command line is told on stderr with the help to read, and exits 64", async () => {
  assertEquals(await mevent(["sned"]), {
    code: 64,
    stdout: "",
    stderr: 'mevent: unknown command "sned"; did you mean send?\nTry: mevent --help\n',
  });
  assertEquals(await mevent(["stats", "--jsn"]), {
    code: 64,
    stdout: "",
    stderr: "mevent stats: unknown flag --jsn; did you mean --json?\nTry: mevent help stats\n",
  });
  assertEquals((await mevent(["--hsot"])).code, 64);
  assertEquals((await mevent(["help", "a", "b"])).code, 64);
  await assertRejects(() => findCommand([""]), UsageError, 'unknown command ""');
});

Deno.test("a reader that has gone ends a command quietly with 0", async () => {
  const talk: string[] = [];
  const io: Io = {
    stdout: { isTerminal: false, write: () => Promise.reject(new OutputClosed()) },
    stderr: { isTerminal: false, write: (text) => Promise.resolve(void talk.push(String(text))) },
    stdin: new ReadableStream(),
    isStdinTerminal: false,
    noColor: false,
    env: {},
  };
  assertEquals([await run(["help"], io), talk], [0, []]);
});

Deno.test("the program itself ends quietly with 0 when nobody reads its output, and with 64 on a wrong flag", async () => {
  const program = (...args: string[]) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "main.ts", ...args],
      env: { NO_COLOR: "1" },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  const unread = program("help");
  await unread.stdout.cancel();
  const talk = await new Response(unread.stderr).text();
  assertEquals([(await unread.status).code, talk], [0, ""]);

  const wrong = await program("stats", "--jsn").output();
  assertEquals([wrong.code, wrong.stdout.length], [64, 0]);
});

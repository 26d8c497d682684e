import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { isGroup } from "../../src/cli/command.ts";
import { allCommands } from "../../src/cli/commands.ts";
import { SCRIPTS, type Shell, SHELLS } from "../../src/cli/completions/scripts.ts";
import { mevent, TestServer } from "../support/mevent.ts";
import { installedNote, isInstalled } from "../support/installed.ts";
import { typeAt } from "../support/terminal.ts";

/** What may stand in place of the last word; the first line says whether that is a file, too. */
async function completed(...words: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await mevent(["completions", "words", "--", ...words]);
  assertEquals([code, stderr], [0, ""]);
  return stdout.trimEnd().split("\n").map((line) => line.split("\t", 1)[0]!);
}

Deno.test("each command and each of its flags is completed", async () => {
  const all = await allCommands();
  const first = await completed("");
  assertEquals(first, ["none", ...all.map(({ name }) => name), "--help", "--version"]);
  for (const command of all.flatMap((each) => isGroup(each) ? each.commands : [each])) {
    const known = command.flags.flatMap(({ name, negatable }) =>
      negatable ? [`--${name}`, `--no-${name}`] : [`--${name}`]
    );
    if (command.name === "help") continue;
    assertEquals(await completed(...command.name.split(" "), "-"), ["none", ...known, "--help"]);
  }
});

Deno.test("words are completed by what stands before them", async (t) => {
  const cases: readonly (readonly [words: string[], completed: string[]])[] = [
    [["plugin", "t"], ["none", "test", "types"]],
    [["retry"], ["none", "retry-dead"]],
    [["nothing", ""], ["none"]],
    [["help", "plug"], ["none", "plugin", "plugins"]],
    [["help", "journal", "d"], ["none", "dump"]],
    [["serve", "--log-level", ""], ["none", "debug", "info", "warn", "error"]],
    [["serve", "--log-level=w"], ["none", "--log-level=warn"]],
    // As bash takes it apart.
    [["serve", "--log-level", "=", "w"], ["none", "warn"]],
    [["serve", "--log-level", "="], ["none", "debug", "info", "warn", "error"]],
    [["serve", "--log-format=text", "--log-f"], ["none"]],
    [["serve", "--set", "a=1", "--se"], ["none", "--set"]],
    [["serve", "--no-a"], ["none", "--no-async-reply"]],
    [["bench", "--mode", "a"], ["none", "async"]],
    [["serve", "--config", ""], ["files"]],
    [["serve", "-c", ""], ["files"]],
    [["import", ""], ["files"]],
    [["plugin", "test", "a.ts", ""], ["files"]],
    [["plugin", "new", "mine", "--dir", ""], ["folders"]],
    [["completions", "z"], ["none", "zsh"]],
    [["version", ""], ["none", "--help"]],
    [["send", "--", "--b"], ["none"]],
  ];
  for (const [words, expected] of cases) {
    await t.step(JSON.stringify(words), async () => assertEquals(await completed(...words), expected));
  }
});

Deno.test("names of plugins come from the server that the command line is for, else there are none", async () => {
  await using server = await TestServer.start(
    '[[plugin]]\nname = "echo"\nbiz = 3\nmodule = "builtin:echo"\n[[plugin]]\nname = "orders"\nbiz = 9\nmodule = "builtin:echo"\n',
  );
  const port = String(server.tcpPort);
  assertEquals(await completed("send", "--port", port, "--biz", ""), ["none", "echo", "orders"]);
  assertEquals(await completed("send", `--port=${port}`, "--biz=o"), ["none", "--biz=orders"]);
  assertEquals(await completed("ping", "--unix", server.unixPath, "--plugin", "e"), ["none", "echo"]);
  assertEquals(await completed("peek", "--control", server.controlPath, "or"), ["none", "orders"]);
  assertEquals(await completed("journal", "dump", "or"), ["none"]);
  assertEquals(await completed("peek", "--control", `${server.controlPath}x`, "or"), ["none"]);
  assertEquals(await completed("send", "--port", "nonsense", "--biz", ""), ["none"]);
});

Deno.test("completions takes a shell that it knows", async () => {
  for (const shell of SHELLS) {
    const { code, stdout } = await mevent(["completions", shell]);
    assertEquals([code, stdout], [0, SCRIPTS[shell]]);
  }
  for (const wrong of [[], ["tcsh"], ["bash", "zsh"]]) {
    const { code, stderr } = await mevent(["completions", ...wrong]);
    assertEquals(code, 64);
    assertStringIncludes(stderr, "bash, zsh, fish");
  }
});

/** A terminal is python3's. */
const NEEDED: Readonly<Record<Shell, readonly string[]>> = {
  bash: ["bash", "python3"],
  zsh: ["zsh", "python3"],
  fish: ["fish"],
};

for (const shell of SHELLS) {
  Deno.test({
    name: `${shell} completes what is typed in it${installedNote(...NEEDED[shell])}`,
    ignore: !isInstalled(...NEEDED[shell]),
    fn: () => typedIn(shell),
  });
}

/** What is typed, and the arguments that mevent gets once Tab and Enter are pressed. */
const typedLines = ({ controlPath }: TestServer): readonly (readonly [typed: string, got: string])[] => [
  ["mevent retr", "[retry-dead]"],
  ["mevent journal du", "[journal][dump]"],
  ["mevent send --concu", "[send][--concurrency]"],
  ["mevent serve --log-level de", "[serve][--log-level][debug]"],
  ["mevent serve --log-level=de", "[serve][--log-level=debug]"],
  [`mevent peek --control ${controlPath} ec`, `[peek][--control][${controlPath}][echo]`],
  ["mevent import some", "[import][some file.hdf]"],
  ["mevent serve --config oth", "[serve][--config][other.toml]"],
];

async function typedIn(shell: Shell): Promise<void> {
  await using server = await TestServer.start();
  const folder = `${server.directory}/shell`;
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/some file.hdf`, "");
  await Deno.writeTextFile(`${folder}/other.toml`, "");
  await Deno.writeTextFile(`${folder}/script`, SCRIPTS[shell]);
  const main = new URL("../../main.ts", import.meta.url).pathname;
  // Answers completions as mevent does, and says what else it was given.
  await Deno.writeTextFile(
    `${folder}/mevent`,
    `#!/bin/sh\n[ "$1" = completions ] && exec '${Deno.execPath()}' run -A --no-check '${main}' "$@"\nprintf 'GOT:'; printf '[%s]' "$@"; echo\n`,
    { mode: 0o755 },
  );
  const env = { PATH: `${folder}:${Deno.env.get("PATH")}`, TERM: "xterm", HOME: folder, LC_ALL: "C.UTF-8" };
  const lines = typedLines(server);
  if (shell === "fish") {
    for (const [typed, got] of lines) {
      const line = JSON.stringify(typed);
      const { stdout, stderr } = await new Deno.Command("fish", {
        args: ["--no-config", "-c", `source script; complete -C ${line}`],
        cwd: folder,
        env,
      }).output();
      const words = new TextDecoder().decode(stdout).trimEnd().split("\n").map((each) =>
        each.split("\t", 1)[0]
      );
      const last = /\[([^[\]]*)\]$/.exec(got)![1]!;
      assertEquals(words, [last], `${typed}: ${new TextDecoder().decode(stderr)}`);
    }
    return;
  }
  const program = shell === "bash" ? ["bash", "--norc", "--noprofile", "-i"] : ["zsh", "-f", "-i"];
  const begin = shell === "bash" ? ". ./script" : "autoload -U compinit; compinit -u -D; . ./script";
  const shown = await typeAt(program, [
    ["[$%#] ", `PS1='REA''DY> '; ${begin}\n`],
    ["READY> ", ""],
    ...lines.flatMap(([typed, got], index) => [
      ["", `${typed}\t\n`] as const,
      [`GOT:${got.replace(/[[\]./-]/g, "\\$&")}\r`, index < lines.length - 1 ? "" : "exit\n"] as const,
      ["READY> ", ""] as const,
    ]).slice(0, -1),
  ], { cwd: folder, env });
  assert(!/command not found|parse error|syntax error|bad /.test(shown), shown);
}

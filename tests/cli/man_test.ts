import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { isGroup } from "../../src/cli/command.ts";
import { allCommands } from "../../src/cli/commands.ts";
import { mevent } from "../support/mevent.ts";
import { installedNote, isInstalled } from "../support/installed.ts";

const { stdout: PAGE } = await mevent(["man"], { env: { SOURCE_DATE_EPOCH: "1700000000" } });

Deno.test("the manual page tells each command and flag, and has the date that it is given", async () => {
  assertStringIncludes(PAGE, '.TH MEVENT 1 "2023-11-14" "mevent ');
  for (const command of (await allCommands()).flatMap((each) => isGroup(each) ? each.commands : [each])) {
    const from = PAGE.indexOf(`.SS "mevent ${command.name.replaceAll("-", "\\-")}`);
    assertEquals(from > 0, true, command.name);
    const section = PAGE.slice(from, PAGE.indexOf(".SS", from + 1));
    for (const { name } of command.flags) assertStringIncludes(section, name.replaceAll("-", "\\-"));
  }
});

const READERS = [
  ["man", "--warnings", "-E", "UTF-8", "-l", "-"],
  ["groff", "-man", "-Tutf8", "-K", "utf8", "-ww", "-z", "-"],
  ["mandoc", "-T", "lint", "-W", "warning"],
] as const;

for (const [program, ...args] of READERS) {
  Deno.test({
    name: `${program} reads the manual page without a warning${installedNote(program)}`,
    ignore: !isInstalled(program),
    fn: async () => {
      const child = new Deno.Command(program, {
        args: [...args],
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
        env: { MANPAGER: "cat", MANWIDTH: "100", LC_ALL: "C.UTF-8" },
      }).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(PAGE));
      await writer.close();
      const { code, stdout, stderr } = await child.output();
      assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
      const shown = new TextDecoder().decode(stdout);
      if (program === "man") assertMatch(shown, /mevent retry-dead PLUGIN \[ID\] \[flags\]/);
      else assertEquals(shown, "");
    },
  });
}

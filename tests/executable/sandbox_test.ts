import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ANSWERS, ASKING, ASKING_GRANTS, asks } from "../support/asking_plugin.ts";
import { EXECUTABLE, executableTest, Workplace } from "./executable.ts";

const CONFIG = `[[plugin]]
name = "asking"
module = "./plugins/asking.ts"
permissions = ${JSON.stringify(ASKING_GRANTS).replaceAll(":[", " = [").replaceAll(/"(\w+)" =/g, "$1 =")}
`;

for (const isolation of ["worker", "process"]) {
  executableTest(`as a ${isolation}, what is not granted is refused, with the missing grant`, async () => {
    await using place = await Workplace.make({ "mevent.toml": `${CONFIG}isolation = "${isolation}"\n` });
    await Deno.mkdir(`${place.path}/plugins`);
    await place.write("plugins/asking.ts", ASKING);
    await place.write("plugins/beside.txt", "beside");
    await place.write("secret.json", "{}");
    await using server = await place.serve();
    await using client = await server.connect();
    const path = `${place.path}/mevent-${Deno.uid() ?? "all"}`;
    for (const { command, sentence, line } of asks(path)) {
      const { code, value } = await client.request("asking", command, { path });
      const { Output } = value as { Output: { errmsg: string } };
      assertEquals(code, 14, `${command}`);
      assertStringIncludes(Output.errmsg, sentence);
      assertStringIncludes(Output.errmsg, line);
    }
    for (const [command, answer] of ANSWERS) {
      assertEquals((await client.request("asking", command, {})).value, answer, `${command}`);
    }
  });
}

executableTest("on a terminal nobody is asked for a permission", async () => {
  const source =
    'export default { name: "asking", start() { Deno.readTextFileSync("/etc/passwd"); }, commands: {} };';
  await using place = await Workplace.make({
    "mevent.toml": CONFIG.replace("plugins/asking.ts", "asking.js"),
    "asking.js": source,
  });
  const terminal = "import pty, sys, os; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
  const { code, stdout } = await new Deno.Command("python3", {
    args: ["-c", terminal, EXECUTABLE, "serve", "--config", "mevent.toml", ...place.listen],
    cwd: place.path,
    stdin: "null",
    stderr: "inherit",
    signal: AbortSignal.timeout(30_000),
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 78, text);
  assertStringIncludes(text, 'plugin asking may not read "/etc/passwd"');
  assert(!text.includes("Allow?"), text);
});

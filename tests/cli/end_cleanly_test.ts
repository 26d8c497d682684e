import { assertEquals } from "@std/assert";
import { until } from "../support/until.ts";

const HANGS =
  `export default { name: "p", commands: { 1001: { name: "hang", run: () => new Promise(() => {}) } } };`;
const NEVER_LOADS = `await new Promise((done) => setTimeout(done, 600_000));\n${HANGS}`;
const SPINS = `import { test } from "mevent/testing";\ntest("spins", () => { for (;;); });`;

/** What is run, on what file, and what it leaves where it is killed. */
const COMMANDS:
  readonly (readonly [signal: Deno.Signal, code: number, text: string, file: string, argv: string[]])[] = [
    ["SIGINT", 130, NEVER_LOADS, "check.ts", ["plugin", "check"]],
    ["SIGTERM", 143, HANGS, "run.ts", ["plugin", "run", "--cmd", "1001"]],
    ["SIGHUP", 129, SPINS, "spins_test.ts", ["plugin", "test"]],
  ];

Deno.test("a signal that ends plugin check, run or test leaves no temporary files behind", async () => {
  const folder = await Deno.makeTempDir({ prefix: "mevent-ends-" });
  await Promise.all(COMMANDS.map(async ([signal, code, text, file, argv]) => {
    const own = `${folder}/${file}.tmp`;
    await Deno.mkdir(own);
    await Deno.writeTextFile(`${folder}/${file}`, text);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "main.ts", ...argv, `${folder}/${file}`],
      env: { TMPDIR: own, XDG_RUNTIME_DIR: own },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const wanted = argv[1] === "run" ? /mevent-plugin-.*\/mevent\.sock$/ : /mevent-module-.*\/.*\.ts$/;
    await until(
      `${argv.join(" ")} has its files`,
      () => filesIn(own).some((path) => wanted.test(path)),
      30_000,
    );
    child.kill(signal);
    assertEquals((await child.status).code, code);
    // The folder of snapshots is the user's, and stays.
    assertEquals(filesIn(own).filter((path) => path !== `${own}/mevent`), []);
  }));
  await Deno.remove(folder, { recursive: true });
});

/** All that is in a folder, folders included; what goes while it is looked at is not in it. */
function filesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
      const path = `${folder}/${name}`;
      return isDirectory ? [path, ...filesIn(path)] : [path];
    });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

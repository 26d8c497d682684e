import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

/** What the tests of these texts bring, run as the test command runs them. */
async function runOf(texts: readonly string[], flags: readonly string[] = []) {
  const folder = await Deno.makeTempDir({ prefix: "mevent-run-" });
  try {
    const files = texts.map((_, index) => `${folder}/${index}_test.ts`);
    for (const [index, text] of texts.entries()) await Deno.writeTextFile(files[index]!, text);
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", new URL("run.ts", import.meta.url).pathname, ...files, ...flags],
      cwd: folder,
      // One process after the other: several have several files each.
      env: { NO_COLOR: "1", DENO_JOBS: "1" },
    }).output();
    const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
    return { code, said: lines.join("\n"), summary: lines.at(-1)! };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const GOOD = 'Deno.test("is good", async (t) => { await t.step("in part", () => {}); });';
const BAD = 'Deno.test("is bad", () => { throw new Error("as it was to be"); });';
const LEFT = 'Deno.test({ name: "is left out", ignore: true, fn() {} });';

Deno.test("the test command adds up what the tests of all files have brought", async () => {
  const { code, summary } = await runOf([GOOD, LEFT, GOOD, GOOD, GOOD, GOOD]);
  assertEquals(code, 0);
  assertMatch(summary, /^ok \| 5 passed \(5 steps\) \| 0 failed \| 1 ignored \(\d+m\d+s\)$/);
});

Deno.test("one test that fails fails the test command, which names it at its end", async () => {
  const { code, said, summary } = await runOf([GOOD, GOOD, GOOD, BAD, GOOD]);
  assertEquals(code, 1);
  assertMatch(summary, /^FAILED \| 4 passed \(4 steps\) \| 1 failed \(/);
  assertStringIncludes(said, "as it was to be");
  assertMatch(
    said.split("5_test")[0]!.slice(-400) + said.slice(-400),
    /is bad => [^]*3_test\.ts[^]*Not all is well/,
  );
});

Deno.test("a file that cannot be run, and a process that dies, fail the test command", async () => {
  const dies = 'Deno.test("dies", () => { Deno.kill(Deno.pid, "SIGKILL"); });';
  for (const text of [dies, "Deno.test(", 'import "./nowhere.ts";']) {
    const { code, summary } = await runOf([text]);
    assertEquals(code, 1);
    assertMatch(summary, /^FAILED \| 0 passed \| 1 failed \(/);
  }
});

Deno.test("files that share a process are all run, whatever becomes of one of them, and each of its wrongs is told", async () => {
  const texts = Array.from({ length: 6 }, (_, index) => index % 4 === 0 ? 'import "./nowhere.ts";' : GOOD);
  const { code, said, summary } = await runOf(texts);
  assertEquals(code, 1);
  assertMatch(summary, /^FAILED \| 4 passed \(4 steps\) \| 2 failed \(/);
  assertMatch(said, /\/0_test\.ts is loaded => [^]*nowhere\.ts/);
});

Deno.test("what begins with a dash is handed to every process", async () => {
  const { code, summary } = await runOf([GOOD, BAD], ["--filter", "good"]);
  assertEquals(code, 0);
  assertMatch(summary, /^ok \| 1 passed \(1 step\) \| 0 failed \| 1 filtered out \(/);
});

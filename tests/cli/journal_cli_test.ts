import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../../src/cli/run.ts";
import { systemFiles } from "../../src/journal/system_files.ts";
import { Desk, EPOCH, TestClock } from "../journal/desk.ts";

/** Runs a command with nothing of the environment. */
async function mevent(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const said = { stdout: "", stderr: "" };
  const output = (name: keyof typeof said) => ({
    isTerminal: false,
    write: (data: string | Uint8Array) => Promise.resolve(void (said[name] += data)),
  });
  const code = await run(argv, {
    stdout: output("stdout"),
    stderr: output("stderr"),
    stdin: ReadableStream.from([new Uint8Array()]),
    isStdinTerminal: false,
    noColor: true,
    env: {},
  });
  return { code, ...said };
}

Deno.test("mevent journal checks, dumps and repairs a plugin's journal on disk", async (t) => {
  const data = await Deno.makeTempDir({ prefix: "mevent-journal-" });
  const folder = `${data}/or%2Fders`;
  await Deno.mkdir(folder);
  const clock = new TestClock();
  const before = new Desk(systemFiles, clock, { folder, segmentBytes: 400 });
  const first = before.recovered.nextId;
  for (let id = first; id < first + 20; id++) {
    before.accept(id, `{"number":${id}}`);
    before.turn();
  }
  before.attempt(first, 2, EPOCH + 60_000);
  before.bury(first + 1);
  before.remember(first + 2, EPOCH + 1e12);
  before.end({ first: first + 3, count: 2 });
  before.settle();
  assertEquals(before.close(), null);
  const where = ["--data", data];

  await t.step("check tells what is in it", async () => {
    const { code, stdout } = await mevent("journal", "check", ...where);
    assertEquals(code, 0);
    assertStringIncludes(stdout, "plugin or/ders: operations 16, dead letters 1, remembered replies 1");
    assertStringIncludes(stdout, "no damage");
    const { journals: [report] } = JSON.parse(
      (await mevent("journal", "check", "or/ders", "--json", ...where)).stdout,
    );
    assertEquals([report.operations, report.dead, report.damage, report.tail], [16, 1, [], null]);
    assert(report.files.length > 1);
  });

  await t.step("dump prints its records and says what it leaves out", async () => {
    const { code, stdout, stderr } = await mevent("journal", "dump", "or/ders", "--limit", "3", ...where);
    const records = stdout.trim().split("\n").map((line) => JSON.parse(line));
    assertEquals(code, 0);
    assertEquals(records.map(({ kind }) => kind), ["reserved", "accepted", "accepted"]);
    assertEquals(records[1].params, { number: first });
    assertStringIncludes(stderr, "records were left out");
    const all = JSON.parse(
      (await mevent("journal", "dump", "or/ders", "--json", "--limit", "1000", ...where)).stdout,
    );
    assertEquals(all.left_out, 0);
    const kinds = new Set(all.records.map((each: { kind: string }) => each.kind));
    for (const kind of ["attempt", "buried", "remembered", "ended", "closed"]) assert(kinds.has(kind), kind);
  });

  const files = () =>
    [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => /^\d+\.journal$/.test(name))
      .sort();
  assert(files().length >= 4, `${files()}`);
  const path = `${folder}/${files()[0]}`;
  await t.step("damage is told with file and offset, by dump, too", async () => {
    const bytes = await Deno.readFile(path);
    bytes[200]! ^= 4;
    await Deno.writeFile(path, bytes);
    const { code, stdout } = await mevent("journal", "check", "--json", ...where);
    assertEquals(code, 65);
    const [{ damage }] = JSON.parse(stdout).journals;
    assertEquals([damage.length, damage[0].path], [1, path]);
    assert(damage[0].offset > 64 && damage[0].offset <= 200);
    assertEquals((await mevent("journal", "dump", "or/ders", ...where)).code, 65);
  });

  await t.step("repair changes nothing without --yes, and nothing while a server has it open", async () => {
    const text = await mevent("journal", "repair", "or/ders", ...where);
    assertEquals(text.code, 65);
    assertStringIncludes(text.stdout, "nothing was changed");
    using _lock = systemFiles.lock(`${folder}/lock`)!;
    const { code, stderr } = await mevent("journal", "repair", "or/ders", "--yes", ...where);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "is open in another server");
  });

  await t.step(
    "repair keeps what can be read, and the damaged file beside it; a missing file is passed over",
    async () => {
      await Deno.remove(`${folder}/${files().at(-2)}`);
      const { code, stdout } = await mevent("journal", "repair", "or/ders", "--yes", "--json", ...where);
      assertEquals(code, 0, stdout);
      const { damage, kept } = JSON.parse(stdout);
      assertEquals([damage.length, kept], [2, [`${path}.damaged`]]);
      assertEquals((await mevent("journal", "check", ...where)).code, 0);
      const after = new Desk(systemFiles, clock, { folder });
      after.settle();
      assert(after.given.size > 9 && after.given.size < 18, String(after.given.size));
      assertEquals(after.close(), null);
    },
  );

  await t.step("a header that is damaged is made good from the file's first record", async () => {
    const file = files().at(-1);
    const bytes = await Deno.readFile(`${folder}/${file}`);
    const { operations } =
      JSON.parse((await mevent("journal", "check", "--json", ...where)).stdout).journals[0];
    bytes[57]! ^= 1;
    await Deno.writeFile(`${folder}/${file}`, bytes);
    assertEquals((await mevent("journal", "check", ...where)).code, 65);
    assertEquals((await mevent("journal", "repair", "or/ders", "--yes", ...where)).code, 0);
    const again = JSON.parse((await mevent("journal", "check", "--json", ...where)).stdout).journals[0];
    assertEquals([again.operations, again.damage], [operations, []]);
  });

  await t.step("a journal that is not there is a sentence", async () => {
    const { code, stderr } = await mevent("journal", "check", "nobody", ...where);
    assertEquals(code, 64);
    assertStringIncludes(stderr, "plugin nobody has no journal there");
  });
  await Deno.remove(data, { recursive: true });
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startJournalThread } from "../../src/durable/journal_port.ts";
import type { FromJournal } from "../../src/journal/messages.ts";
import { createRing } from "../../src/ring/ring.ts";
import { until } from "../support/until.ts";

/** Has the journals' thread for `data` open a journal in each of the folders; returns what it says of each. */
async function opened(data: string, folders: readonly string[]): Promise<FromJournal[]> {
  const said: FromJournal[] = [];
  const failures: string[] = [];
  const port = startJournalThread((message) => said.push(message), (problem) => failures.push(problem), data);
  try {
    port.post({ kind: "start", bell: createRing(4096) });
    for (const [index, folder] of folders.entries()) {
      port.post({
        kind: "open",
        plugin: `p${index}`,
        folder,
        intake: createRing(2 ** 18),
        news: createRing(2 ** 18),
        limits: { syncMs: 0, maxDisk: 2 ** 30 },
        maxContentBytes: 1000,
        fillBytes: 1000,
      });
    }
    await until("all are answered", () => said.length === folders.length, 30_000);
    assertEquals(failures, []);
    return said;
  } finally {
    port.terminate();
  }
}

Deno.test("the journals' thread writes and reads below their folder and nowhere else; that folder is made before, with those above it", async () => {
  const root = await Deno.makeTempDir({ prefix: "mevent-journals-" });
  try {
    await Deno.mkdir(`${root}/other`);
    await Deno.mkdir(`${root}/real`);
    await Deno.symlink(`${root}/real`, `${root}/link`);
    const data = `${root}/a/b`;
    const [inside, outside, above] = await opened(data, [`${data}/p`, `${root}/other`, `${data}/../p`]);
    assertEquals([inside!.kind, inside!.kind === "opened" && inside!.problem], ["opened", null]);
    for (const refused of [outside!, above!]) {
      assert(refused.kind === "unopened" && refused.reason === "system");
      assertStringIncludes(refused.problem, "access");
    }
    assertEquals([...Deno.readDirSync(`${root}/other`)], []);
    assertEquals(Deno.statSync(data).mode! & 0o777, 0o700);
    assertEquals((await opened(`${root}/link`, [`${root}/link/p`]))[0]!.kind, "opened");
    assert([...Deno.readDirSync(`${root}/real/p`)].some(({ name }) => name.endsWith(".journal")));

    await Deno.writeTextFile(`${root}/file`, "");
    const [below] = await opened(`${root}/file/data`, [`${root}/file/data/p`]);
    assert(below!.kind === "unopened");
    assertEquals(
      below!.problem,
      `the journals in ${root}/file/data cannot be opened: a part of the path is no folder`,
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

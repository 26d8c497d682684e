import { assertEquals } from "@std/assert";
import { PowerCut, SYNCED_ALONE } from "../../bench/crash/power_cut.ts";
import { CC_NOTE, HAS_CC } from "./has_cc.ts";

/** Runs a program below the library that notes, and cuts the power when it has ended; returns what is left, by name. */
async function left(program: string, before: Record<string, string> = {}, survives = SYNCED_ALONE) {
  const side = await Deno.makeTempDir({ prefix: "mevent_cut_" });
  try {
    const root = `${side}/root`;
    await Deno.mkdir(root);
    for (const [name, text] of Object.entries(before)) await Deno.writeTextFile(`${root}/${name}`, text);
    const cut = await PowerCut.prepare(root, side);
    cut.begin();
    const code = `const root = ${JSON.stringify(root)};
      const create = (name) => Deno.openSync(root + "/" + name, { createNew: true, read: true, write: true });
      const open = (name, append = false) => Deno.openSync(root + "/" + name, { read: true, write: !append, append });
      const put = (file, text) => file.writeSync(new TextEncoder().encode(text));
      const syncFolder = (name = "") => { const file = Deno.openSync(root + "/" + name); file.syncSync(); file.close(); };
      ${program}`;
    const { success, stderr } = await new Deno.Command("env", {
      args: [
        ...Object.entries(cut.env).map(([name, value]) => `${name}=${value}`),
        Deno.execPath(),
        "eval",
        code,
      ],
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    cut.forget(survives);
    return read(root);
  } finally {
    await Deno.remove(side, { recursive: true });
  }
}

function read(folder: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (
    const { name, isDirectory } of [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1)
  ) {
    found[name] = isDirectory ? read(`${folder}/${name}`) : Deno.readTextFileSync(`${folder}/${name}`);
  }
  return found;
}

Deno.test({
  name:
    `after a power cut a file has what was synced, and is there where its folder was synced, too${CC_NOTE}`,
  ignore: !HAS_CC,
  fn: async (t) => {
    await t.step(
      "what was written after the last fdatasync is gone, and a file whose name was not synced",
      async () => {
        const program = `
        const [kept, gone, never] = [create("kept"), create("gone"), create("never")];
        put(kept, "first"); put(gone, "first"); put(never, "first");
        kept.syncDataSync(); syncFolder(); put(kept, "second");
        create("late").syncSync();`;
        assertEquals(await left(program), { gone: "", kept: "first", never: "" });
      },
    );
    await t.step("bytes that were overwritten or cut off are those of before", async () => {
      const program = `
        const file = open("file");
        put(file, "AB"); file.syncSync(); put(file, "CD");
        open("other").truncateSync(2);
        put(open("log", true), "more");`;
      const before = { file: "0123456", other: "0123", log: "some" };
      assertEquals(await left(program, before), { file: "AB23456", log: "some", other: "0123" });
    });
    await t.step(
      "what was renamed, renamed over, or removed is as the folder's last sync had it",
      async () => {
        const program = `
        Deno.renameSync(root + "/new", root + "/old"); Deno.removeSync(root + "/removed");
        Deno.removeSync(root + "/synced");
        Deno.mkdirSync(root + "/folder");`;
        const before = { new: "new", old: "old", removed: "removed", synced: "synced" };
        assertEquals(await left(program, before), before);
        assertEquals(await left(`${program} syncFolder();`, before), { folder: {}, old: "new" });
        const inside = `create("folder/inside"); syncFolder("folder");`;
        assertEquals(await left(`${program} ${inside}`, before), before);
        assertEquals(await left(`${program} ${inside} syncFolder();`, before), {
          folder: { inside: "" },
          old: "new",
        });
      },
    );
    await t.step(
      "the folder of the journals is there as soon as it was made, with those above it",
      async () => {
        const module = new URL("../../src/durable/make_data_folder.ts", import.meta.url).href;
        const program =
          `const { makeDataFolder } = await import("${module}"); await makeDataFolder(root + "/a/b/c");`;
        assertEquals(await left(program), { a: { b: { c: {} } } });
        assertEquals(await left(`Deno.mkdirSync(root + "/a"); ${program}`), { a: { b: { c: {} } } });
      },
    );
    await t.step("any sectors of what was not synced may be there", async () => {
      const program = `const file = open("log", true); put(file, "a"); file.syncSync();
        put(file, "b".repeat(511) + "c".repeat(512) + "d");`;
      let sector = 0;
      const { log } = await left(program, { log: "" }, () => sector++ === 1);
      assertEquals(log, `a${"\0".repeat(511)}${"c".repeat(512)}`);
    });
  },
});

import { assertEquals, assertStringIncludes } from "@std/assert";
import { PLUGIN_DEFAULTS } from "../../src/config/defaults.ts";
import type { JsonObject } from "../../src/plugin.ts";
import { ask, GET, inFolder, namesIn, SET, SNAPSHOT, startIn } from "../support/kv_server.ts";
import type { PluginOverrides, TestServer } from "../support/test_server.ts";

const KEPT = "a snapshot was there that was not read: it is kept";

/** kv's own table with a snapshot of that name in the folder, or with none. */
function kv(folder: string, name: string | null, more: Partial<PluginOverrides> = {}): PluginOverrides {
  const config: JsonObject = name === null ? {} : { snapshot: `${folder}/${name}`, interval: "1h" };
  return {
    name: "kv",
    config,
    permissions: { ...PLUGIN_DEFAULTS.permissions, read: [folder], write: [folder] },
    ...more,
  };
}

function kept(server: TestServer): JsonObject[] {
  return server.log.map((line): JsonObject => JSON.parse(line)).filter(({ message }) => message === KEPT);
}

/** Leaves a snapshot of that name in which `key` is `value`. */
async function leave(folder: string, name: string, value: string): Promise<string> {
  {
    await using server = await startIn(folder, kv(folder, name));
    using connection = await server.connect();
    await ask(connection, SET, { key: "key", value });
  }
  return await Deno.readTextFile(`${folder}/${name}`);
}

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`a snapshot that a reload switches on is kept aside, and can be read at the next start (${isolation})`, async () => {
    await inFolder(async (folder) => {
      const old = await leave(folder, "kv.snapshot", "old");
      {
        await using server = await startIn(folder, kv(folder, null, { isolation }));
        using connection = await server.connect();
        await ask(connection, SET, { key: "key", value: "new" });
        await server.reload({ plugins: [kv(folder, "kv.snapshot", { isolation })] });
        assertEquals(await ask(connection, GET, { key: "key" }), [1000, { value: "new" }]);
        assertEquals(await Deno.readTextFile(`${folder}/kv.snapshot`), old);
        assertEquals(await ask(connection, SNAPSHOT), [1000, { entries: 1 }]);
        const [line] = kept(server);
        assertEquals(line!["level"], "warn");
        assertEquals(await Deno.readTextFile(String(line!["kept"])), old);
        // Once: what it has written itself it writes over, also with another worker or after a reload off and on.
        await server.reload({ plugins: [kv(folder, null, { isolation })] });
        await server.reload({ plugins: [kv(folder, "kv.snapshot", { isolation, timeout: 20_000 })] });
        assertEquals(await ask(connection, SNAPSHOT), [1000, { entries: 1 }]);
        assertEquals(kept(server).length, 1);
      }
      const [written, aside] = namesIn(folder);
      assertEquals([written, namesIn(folder).length], ["kv.snapshot", 2]);
      await Deno.rename(`${folder}/${aside}`, `${folder}/kv.snapshot`);
      await using server = await startIn(folder);
      using connection = await server.connect();
      assertEquals(await ask(connection, GET, { key: "key" }), [1000, { value: "old" }]);
    });
  });
}

Deno.test("where a reload names another snapshot, the one that is there is kept aside", async () => {
  await inFolder(async (folder) => {
    const other = await leave(folder, "b", "other");
    await leave(folder, "a", "first");
    await using server = await startIn(folder, kv(folder, "a"));
    using connection = await server.connect();
    await server.reload({ plugins: [kv(folder, "b")] });
    assertEquals(await ask(connection, SNAPSHOT), [1000, { entries: 1 }]);
    assertEquals(await Deno.readTextFile(String(kept(server)[0]!["kept"])), other);
    assertEquals(await ask(connection, GET, { key: "key" }), [1000, { value: "first" }]);
  });
});

Deno.test("what was read at the start is written over by every worker, and nothing is kept aside", async () => {
  await inFolder(async (folder) => {
    const old = await leave(folder, "kv.snapshot", "old");
    // As kv of before has written it, without a run.
    await Deno.writeTextFile(`${folder}/kv.snapshot`, withoutRun(old));
    {
      await using server = await startIn(folder, { workers: 3 });
      using connection = await server.connect();
      for (let n = 0; n < 20; n++) assertEquals(await ask(connection, SNAPSHOT), [1000, { entries: 1 }]);
      assertEquals(kept(server), []);
    }
    assertEquals(namesIn(folder), ["kv.snapshot"]);
  });
});

Deno.test("a snapshot that somebody else puts there while kv writes its own stays, and is told", async () => {
  await inFolder(async (folder) => {
    const others = await leave(folder, "kv.snapshot", "others");
    await using server = await startIn(folder);
    using connection = await server.connect();
    assertEquals((await ask(connection, SNAPSHOT))[0], 1000);
    await Deno.writeTextFile(`${folder}/kv.snapshot`, others.replace(/"run":"\w+"/, '"run":"others"'));
    const [code, message] = await ask(connection, SNAPSHOT);
    assertEquals(code, 14);
    assertStringIncludes(String(message), "was put there by somebody else meanwhile");
    assertEquals(namesIn(folder), ["kv.snapshot"]);
    await Deno.remove(`${folder}/kv.snapshot`);
    assertEquals((await ask(connection, SNAPSHOT))[0], 1000);
  });
});

/** With its check made anew: FNV-1a. */
function withoutRun(text: string): string {
  const lines = text.replace(/,"run":"\w+"/, "").trimEnd().split("\n");
  const end = JSON.parse(lines.pop()!);
  let check = 0x811c9dc5;
  const before = `${lines.join("\n")}\n`;
  for (const byte of new TextEncoder().encode(before)) check = Math.imul(check ^ byte, 0x01000193);
  return `${before}${JSON.stringify({ ...end, check: check >>> 0 })}\n`;
}

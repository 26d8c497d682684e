import fc from "fast-check";
import { assert, assertEquals, assertLess, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { MAX_CONFIG_BYTES, type ReadFile, reloadText, startText } from "../../src/config/config_file.ts";
import { configText } from "../../src/cli/config/report.ts";
import { ConfigError } from "../../src/config/config_error.ts";
import { configEntries } from "../../src/config/entries.ts";
import { loadConfig } from "../../src/config/load.ts";
import { readRegular } from "../../src/modules/read_regular.ts";
import { usableConfig } from "../../src/config/usable.ts";
import { Server } from "../../src/server/server.ts";
import { testLog } from "../support/test_log.ts";

const TIMES = { look: 400, quiet: 20, settle: 200 };
/** As the server does it on another thread. */
const read: ReadFile = (path, maxBytes) => Promise.resolve(readRegular(path, maxBytes));
const GOOD = '[[plugin]]\nname = "echo"\nmodule = "builtin:echo"\n';

/** A folder of its own, and the path of a config in it. */
async function place(): Promise<{ folder: string; file: string }> {
  const folder = await Deno.makeTempDir({ prefix: "mevent-test-" });
  return { folder, file: `${folder}/mevent.toml` };
}

async function pipe(file: string): Promise<void> {
  assertEquals((await new Deno.Command("mkfifo", { args: [file] }).output()).code, 0);
}

Deno.test("a reload reads regular files alone, within bounds and a time, and refuses what says nothing", async () => {
  const { folder, file } = await place();
  const refused = async (path: string, sentence: RegExp) => {
    const began = performance.now();
    const error = await assertRejects(() => reloadText(path, read, path, TIMES), ConfigError);
    assertMatch(error.message, sentence);
    assert(error.message.startsWith(path), error.message);
    assertLess(performance.now() - began, 5000);
  };
  await pipe(`${folder}/pipe`);
  for (const path of [`${folder}/pipe`, "/dev/zero", "/dev/null", "/dev/tty"]) {
    await refused(path, /no regular file|no such|nothing is behind/);
  }
  await refused(folder, /it is a folder/);
  await refused(`${folder}/none`, /cannot be read: there is no such file/);
  for (
    const nothing of [
      "",
      "\n\n",
      "# a = 1\n",
      "  # [server]\r\n\t\n#",
      " ",
      "[server]\n",
      "#\n [a.b]#\r\n[[plugin]]",
    ]
  ) {
    await Deno.writeTextFile(file, nothing);
    await refused(file, /is empty/);
  }
  await Deno.writeTextFile(file, "#".padEnd(MAX_CONFIG_BYTES + 1));
  await refused(file, /more than the 4194304 bytes/);
  await Deno.writeFile(file, new Uint8Array([0x61, 0xff, 0x0a]));
  await refused(file, /UTF-8/);
  // Rules and frames of comments, as people draw them, are looked at once.
  const drawn = `${"#".repeat(120)}\n# a #\n${"# ".repeat(60)}\n${GOOD}`;
  await Deno.writeTextFile(file, drawn);
  assertEquals(await reloadText(file, read, file, TIMES), drawn);
  await Deno.writeTextFile(file, `${GOOD}# é\n`);
  assertEquals(await reloadText(file, read, file, TIMES), `${GOOD}# é\n`);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a config that is being written is read when it is whole, and refused while that does not end", async () => {
  const { folder, file } = await place();
  await Deno.writeTextFile(file, GOOD.slice(0, 12));
  // Goes on changing for as long as it is looked at.
  let count = 0;
  const writing = setInterval(() => Deno.writeTextFileSync(file, `a = ${count++}\n`), 2);
  const error = await assertRejects(() => reloadText(file, read, file, TIMES), ConfigError);
  clearInterval(writing);
  assertMatch(error.message, /gone on changing/);
  // Written in pieces that come within the pause, the last of them ends it.
  await Deno.writeTextFile(file, "");
  const lines = GOOD.split("\n");
  let written = 0;
  const pieces = setInterval(() => {
    Deno.writeTextFileSync(file, lines[written++] + "\n", { append: true });
    if (written === lines.length) clearInterval(pieces);
  }, 5);
  const text = await reloadText(file, read, file, { look: 5000, quiet: 150, settle: 5000 });
  assertEquals(text.trim(), GOOD.trim());
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a start reads pipes too, and no device without an end", async () => {
  const { folder } = await place();
  const fifo = `${folder}/pipe`;
  await pipe(fifo);
  const writer = new Deno.Command("sh", { args: ["-c", `printf '%s' "$1" > ${fifo}`, "sh", GOOD] }).spawn();
  assertEquals(startText(fifo), GOOD);
  assertEquals((await writer.status).code, 0);
  assertEquals(startText("/dev/null"), "");
  assertMatch(assertThrows(() => startText("/dev/zero"), ConfigError).message, /more than the 4194304 bytes/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a reload that is refused for its file keeps what runs, and the server goes on meanwhile", async () => {
  const { folder, file } = await place();
  const log = testLog();
  const flags = { tcp: "127.0.0.1:0", udp: [], control: "none" };
  const load = async (read: ReadFile) =>
    loadConfig({ file, text: await reloadText(file, read, file, TIMES), env: {}, flags });
  await Deno.writeTextFile(file, GOOD);
  const server = await Server.start({ config: await load(read), log, version: "test", loadConfig: load });
  const kept = () => [server.addresses.length, server.stats().plugins.map(({ name }) => name)];
  const before = kept();
  for (const change of [() => Deno.writeTextFile(file, ""), () => Deno.remove(file), () => pipe(file)]) {
    await change();
    await assertRejects(() => server.reload());
    assertEquals(kept(), before);
  }
  await Deno.remove(file);
  await Deno.writeTextFile(file, GOOD.replace("[[", "# a\n[["));
  assertEquals((await server.reload()).unchanged, true);
  await server.stop();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("of a config whose plugins and listeners have problems it is not said that it has none", () => {
  const text = '[server]\ntcp = ""\nudp = ""\n[[plugin]]\nname = "a"\n[[listener]]\ntcp = "x"\n';
  const { problems, warnings } = usableConfig({ file: "m.toml", text, env: {}, flags: {} });
  assertEquals([problems.length, warnings], [2, []]);
  const empty = { file: "m.toml", text: 'plugin = []\nserver = { tcp = "", udp = "" }', env: {}, flags: {} };
  assertEquals(usableConfig(empty).warnings.length, 2);
});

Deno.test("what config prints of a plugin's own config means the same, whatever characters and values stand there", () => {
  const leaf = fc.oneof(
    fc.string({
      unit: fc.constantFrom(
        ...Array.from("a\"\\'#\t\n\r\0\x7f\x85\u00ad\u200d\u2028\ufeff\ue000🐿"),
        "👨‍👩‍👧",
        "\u{e0001}",
      ),
    }),
    fc.double({ min: -1e15, max: 1e15, noNaN: true }),
    fc.boolean(),
  );
  const { config } = fc.letrec((tie) => ({
    config: fc.dictionary(fc.string({ unit: "binary-ascii" }), tie("value"), { maxKeys: 4 }),
    value: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie("value"), { maxLength: 3 }), tie("config")),
  }));
  fc.assert(
    fc.property(config, (config) => {
      const document = { plugin: [{ name: "a", module: "builtin:echo", config }] };
      const given = loadConfig({ file: "m.toml", document, env: {}, flags: {} });
      const text = configText(configEntries(given.layers));
      assert(!/[^\P{C}\n]/u.test(text));
      const read = loadConfig({ file: "m.toml", text, env: {}, flags: {} });
      assertEquals(read.plugins, given.plugins);
    }),
    { examples: [[{ valueOf: {} }], [{ a: { constructor: {}, toString: { hasOwnProperty: [] } } }]] },
  );
});

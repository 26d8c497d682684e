import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type HdfConfig, HdfConfigError, readHdfConfig } from "../../src/hdf/read_config.ts";
import { hdfToJson } from "../../src/hdf/json.ts";
import { ClearSilver, CLEARSILVER_NOTE, HAS_CLEARSILVER, linesOf } from "../support/clearsilver.ts";

/** Reads "main" of these files. */
function read(files: Readonly<Record<string, string>>): HdfConfig {
  return readHdfConfig("main", (path) => files[path]);
}

function json(files: Readonly<Record<string, string>>): unknown {
  return JSON.parse(JSON.stringify(hdfToJson(read(files).root)));
}

function refused(files: Readonly<Record<string, string>>): string {
  return assertThrows(() => read(files), HdfConfigError).message;
}

Deno.test("what is set below a link goes where it points to, and links that point to nothing have no value", () => {
  const main =
    "DB.main.host = a\nP.db : DB.main\nP.db.port = 5\nP.db {\n  user = u\n}\nP.none : Nobody.knows\nP.late : Q\nQ = 1\n";
  assertEquals(json({ main }), {
    DB: { main: { host: "a", port: "5", user: "u" } },
    P: { db: { host: "a", port: "5", user: "u" }, none: {}, late: "1" },
    Q: "1",
  });
});

Deno.test("included files are read in their place, from hdf.loadpaths first, and say their own name and line", () => {
  const files = {
    main: 'hdf.loadpaths.0 = /etc/mevent\nPlugin {\n#include "plugin.hdf"\n  z = 3\n}\n',
    "/etc/mevent/plugin.hdf": "x = 1\n#include deeper.hdf\n",
    "plugin.hdf": "x = wrong\n",
    "deeper.hdf": "\ny [type=int, require=true] = 2\n",
  };
  const config = read(files);
  const plugin = config.root.get("Plugin")!;
  assertEquals([...plugin.children()].map(({ name, value }) => [name, value]), [["x", "1"], ["y", "2"], [
    "z",
    "3",
  ]]);
  assertEquals(config.placeOf(plugin.get("y")!), { file: "deeper.hdf", line: 2 });
  assertEquals(config.placeOf(plugin.get("z")!), { file: "main", line: 4 });
  assertEquals(config.attributeOf(plugin.get("y")!, "require"), "true");
  assertEquals(config.attributeOf(plugin.get("z")!, "require"), undefined);
  assertStringIncludes(
    refused({ main: "a = 1\n#include b\n", b: "x = 1\n?\n" }),
    "b: HDF line 2: no name before",
  );
  assertStringIncludes(refused({ main: "\n#include b\n" }), 'main: HDF line 2: there is no file "b"');
});

Deno.test("files that include themselves, links that go round and files that are not there are told with a sentence", () => {
  assertStringIncludes(refused({ main: "#include main\n" }), "does it include itself?");
  assertStringIncludes(refused({ main: "a : b\nb : a\nb.c = 1\n" }), "comes after 32 links");
  assertStringIncludes(refused({ main: "a : a\n" }), "leads back to itself");
  assertEquals(refused({}), "main: there is no such file");
});

const name = fc.constantFrom("a", "b", "a.x", "b.x", "c.d", "c.d.e", "l", "m");
const line = fc.oneof(
  fc.tuple(name, fc.constantFrom(" = 1", " = 2", " [type=102] = 3")).map(([key, rest]) => key + rest),
  fc.tuple(fc.constantFrom("l", "m", "c.l"), name).map(([key, target]) => `${key} : ${target}`),
  fc.tuple(fc.constantFrom("l.x", "m.y", "l.x.z", "c.l.q"), fc.constantFrom("4", "5")).map((pair) =>
    pair.join(" = ")
  ),
  fc.tuple(fc.constantFrom("l", "m", "c", "b"), fc.constantFrom("k = 6", "x = 7")).map(([key, inner]) =>
    `${key} {\n${inner}\n}`
  ),
  fc.tuple(fc.constantFrom("k", "l"), name).map(([key, source]) => `${key} := ${source}`),
);
const text = fc.array(line, { maxLength: 8 }).map((lines) => `${lines.join("\n")}\n`);

Deno.test({
  name: `a config is what ClearSilver reads, links included${CLEARSILVER_NOTE}`,
  ignore: !HAS_CLEARSILVER,
  fn: async () => {
    await using reader = await ClearSilver.build();
    const texts: string[] = [];
    const ours: string[][] = [];
    for (const main of fc.sample(text, { numRuns: 4_000, seed: 5 })) {
      try {
        ours.push(linesOf(read({ main }).root));
        texts.push(main);
      } catch (error) {
        // What goes round, or is both a link and a parent, is refused.
        if (!(error instanceof HdfConfigError)) throw error;
      }
    }
    assert(texts.length > 2_000, `only ${texts.length} texts were read`);
    const theirs = await reader.read(texts);
    // A link has the type of what it takes from; a config's types are not looked at.
    const untyped = (lines: readonly string[]) =>
      lines.map((each) => each.replace(/ (?:-|=\w*) (?=\S*$)/, " "));
    for (const [at, main] of texts.entries()) {
      assertEquals(untyped(ours[at]!), untyped(theirs[at]!.lines), main);
    }
  },
});

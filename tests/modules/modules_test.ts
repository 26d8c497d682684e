import { assert, assertEquals, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { grantLine } from "../../src/modules/grants.ts";
import { ModuleError } from "../../src/modules/module_error.ts";
import { originalNames } from "../../src/modules/original_names.ts";
import { stripTypes } from "../../src/modules/strip_types.ts";
import { PLUGIN_DEFAULTS } from "../../src/config/defaults.ts";
import { ModuleFolder } from "../support/module_folder.ts";
import { REFUSED_MODULES, type RefusedModule } from "../support/refused_modules.ts";

Deno.test("a module's graph is copied without types, with its names, folders and positions", async () => {
  await using folder = await ModuleFolder.make({
    "orders.ts": `import type { Plugin } from "mevent/plugin";
import { price } from "./lib/price.mts";
import tax from "./tax.json" with { type: "json" };
import { join } from "node:path";
const late = () => import("./late.js");
export default { total: (n: number): number => price(n) + tax.rate, late, join } satisfies object;
`,
    "lib/price.mts":
      `import { factor } from "../plain.mjs"; export function price<T extends number>(n: T) { return n * factor; }`,
    "plain.mjs": `import "./orders.ts"; export const factor = 2;`,
    "late.js": "export const late = true;",
    "tax.json": `{"rate": 5}`,
  });
  const { url, files, folder: snapshot, root } = await folder.prepare("orders.ts");
  assertEquals(root, `${folder.path}/`);
  assertEquals(
    files.map((file) => file.slice(root.length)).toSorted(),
    ["late.js", "lib/price.mts", "orders.ts", "plain.mjs", "tax.json"],
  );
  const text = await Deno.readTextFile(`${snapshot}orders.ts`);
  const source = await Deno.readTextFile(`${folder.path}/orders.ts`);
  for (const word of ["export default", "tax.rate", "join }"]) {
    assertEquals(text.indexOf(word), source.indexOf(word), word);
  }
  assert(!text.includes(": number"));
  // What is written under the originals' names changes nothing any more.
  await folder.write("plain.mjs", "export const factor = 100;");
  const { default: plugin } = await import(url);
  assertEquals(plugin.total(7), 19);
  assertEquals((await plugin.late()).late, true);
});

Deno.test("import.meta tells of the original file, and import() of what is computed finds what was copied", async () => {
  await using folder = await ModuleFolder.make({
    "a b/meta.ts": `export const of = () => import.meta;
      export const load = (name: string) => import("./" + name);
      export const also = import("./part.ts");
      export const text = "import.meta.url and import('./nothing.ts') stay in a text";`,
    "a b/part.ts": "export const part: number = 1;",
  });
  const { url } = await folder.prepare("a%20b/meta.ts");
  const { of, load, text } = await import(url);
  await folder.write("a b/part.ts", "export const part = 2;");
  const meta = of();
  assertEquals([meta.url, meta.filename, meta.dirname, meta.resolve("../x.ts"), meta.resolve("node:fs")], [
    folder.url("a%20b/meta.ts"),
    `${folder.path}/a b/meta.ts`,
    `${folder.path}/a b`,
    folder.url("x.ts"),
    "node:fs",
  ]);
  assertEquals((await load("part.ts")).part, 1);
  assertEquals((await load("../a b/part.ts")).part, 1);
  await assertRejects(() => load("none.js"));
  assertEquals(text, "import.meta.url and import('./nothing.ts') stay in a text");
});

const REFUSED: readonly (RefusedModule | readonly [string, Uint8Array, ...string[]])[] = [
  ...REFUSED_MODULES,
  ["a.ts", "namespace N { export const a = 1; }", "a.ts:1:1: ", "namespace"],
  ["a.ts", "function d() {}\nclass A {\n  @d x = 1;\n}", "a.ts:3:3: ", "decorator", "@d x = 1;"],
  ["a.ts", "const d: unknown = 1;\nexport default @d class {}", "a.ts:2:16: ", "decorator"],
  ["a.ts", 'import fs = require("fs");', "a.ts:1:1: ", "import equals"],
  ["a.ts", "export const x = <div>no</div>;", "a.ts:1:", "syntax error"],
  ["a.cjs", "module.exports = 1;", "a.cjs: CommonJS is not loaded"],
  ["a.txt", "text", "a.txt: a plugin's modules are"],
  ["a.ts", new Uint8Array([0xff, 0xfe, 0x41]), "a.ts: it is no text in UTF-8"],
  ["a.ts", 'import "./other";', "a.ts:1:9: ", 'there is "./other.ts"'],
  ["a.ts", 'import "./other.js";', "a.ts:1:9: ", 'there is "./other.ts"'],
  ["a.ts", 'import "./folder";', "a.ts:1:9: ", "it is no file"],
  ["a.ts", 'import "./folder/a.tsx";', "a.ts:1:9: ", "JSX is not loaded"],
  ["a.ts", 'import x from "./bad.json" with { type: "json" };', "bad.json: is not JSON"],
  ["a.ts", 'import "./bad.ts";', "bad.ts:1:12: ", "syntax error"],
  ["a.js", 'import pad from "left-pad";', 'provides "left-pad"', "--outfile=a.bundle.js"],
  ["a.ts", 'import "/etc/a.js";', "a.ts:1:9: ", "relative path"],
  ["a.ts", 'import "file:///etc/a.js";', "a.ts:1:9: ", "relative path"],
  ["a.ts", 'import "FILE:///etc/a.js";', "a.ts:1:9: ", "relative path"],
  ["a.ts", 'import " file:///etc/a.js";', "a.ts:1:9: ", "relative path"],
  [
    "a.ts",
    'import "../outside.ts";',
    "a.ts:1:9: ",
    "outside of the plugin's folder",
    "permissions = { read = [",
  ],
  ["a.ts", 'import "./link.ts";', "a.ts:1:9: ", "outside.ts, which is outside of the plugin's folder"],
  [
    "a.ts",
    'import x from "./linked/secret.json" with { type: "json" };',
    "a.ts:1:16: ",
    "outside of the plugin's folder",
  ],
];

for (const [name, text, ...parts] of REFUSED) {
  const shown = typeof text === "string" ? JSON.stringify(text) : "bytes";
  Deno.test(`${name} with ${shown} is refused, with the place and a sentence`, async () => {
    await using folder = await ModuleFolder.make({
      "other.ts": "",
      "folder/a.tsx": "",
      "bad.json": "{",
      "bad.ts": "let a = 1 +;",
      "../outside.ts": "export {};",
      "../elsewhere/secret.json": "{}",
    });
    await Deno.symlink(`${folder.path}/../outside.ts`, `${folder.path}/link.ts`);
    await Deno.symlink(`${folder.path}/../elsewhere`, `${folder.path}/linked`);
    await folder.write(name, text);
    const error = await assertRejects(() => folder.prepare(name), ModuleError);
    for (const part of parts) assertStringIncludes(error.message, part);
    assert(error.message.startsWith(`${folder.path}/`), error.message);
    assert(error.files.includes(`${folder.path}/${name}`));
    assertEquals([...Deno.readDirSync(folder.snapshots)], []);
  });
}

Deno.test("a module that is not there, a folder, a pipe and a file that may not be read are told", async () => {
  await using folder = await ModuleFolder.make({ "folder.ts/x": "", "secret.ts": "" });
  await new Deno.Command("mkfifo", { args: [`${folder.path}/pipe.ts`] }).output();
  await Deno.chmod(`${folder.path}/secret.ts`, 0);
  const cases: [string, string][] = [
    ["none.ts", "there is no such file"],
    ["folder.ts", "it is no file"],
    ["pipe.ts", "it is no file"],
  ];
  // root reads it all the same.
  if (Deno.uid() !== 0) cases.push(["secret.ts", "this user may not read it"]);
  for (const [name, why] of cases) {
    const error = await assertRejects(() => folder.prepare(name), ModuleError);
    assertEquals(error.message, `${folder.path}/${name}: ${why}`);
  }
});

Deno.test("what the plugin is granted to read it may import, and an import() that finds nothing is the plugin's", async () => {
  await using folder = await ModuleFolder.make({
    "../common/common.ts": "export const common: number = 1;",
    "a.ts": 'import { common } from "../common/common.ts"; export default common;',
    "b.ts":
      'export const tries = [() => import("./none.ts"), () => import("left-pad"), () => import("../common/common.ts")];',
  });
  await assertRejects(() => folder.prepare("a.ts"), ModuleError);
  const { url, root, files } = await folder.prepare("a.ts", { read: [`${folder.path}/../common`] });
  assertEquals((await import(url)).default, 1);
  assertEquals([`${root}plugin/a.ts`, files.length], [files[0], 2]);
  assertEquals((await folder.prepare("a.ts", { read: true })).files.length, 2);
  const late = await folder.prepare("b.ts");
  assertEquals(late.files.length, 1);
  const { tries } = await import(late.url);
  for (const load of tries.slice(0, 2)) await assertRejects(load);
});

Deno.test("bounds: 1000 files, and 64 MiB", async () => {
  await using folder = await ModuleFolder.make();
  const write = (name: string, imports: readonly string[], more = "") =>
    folder.write(name, imports.map((each) => `import "./${each}";`).join("\n") + more);
  const names = Array.from({ length: 999 }, (_, index) => `f${index}.js`);
  for (const name of names) await write(name, []);
  await write("a.js", names);
  assertEquals((await folder.prepare("a.js")).files.length, 1000);
  await write("f998.js", ["a.js", "one_more.js"]);
  await write("one_more.js", []);
  await assertRejects(
    () => folder.prepare("a.js"),
    ModuleError,
    "f998.js:2:9: a plugin has 1000 files at most",
  );
  const long = await Deno.open(`${folder.path}/long.js`, { create: true, write: true });
  await long.truncate(64 * 1024 * 1024 + 1);
  long.close();
  await assertRejects(() => folder.prepare("long.js"), ModuleError, "more than 64 MiB");
});

Deno.test("the hash changes with the text and the place of each file, and with nothing else", async () => {
  await using folder = await ModuleFolder.make({ "a.ts": 'import "./b.ts";', "b.ts": 'import "./a.ts";' });
  const first = await folder.prepare("a.ts");
  const again = await folder.prepare("a.ts", {}, first.hash);
  assertEquals(again.hash, first.hash);
  assertEquals([...Deno.readDirSync(folder.snapshots)].length, 1, "nothing is written for what is known");
  await folder.write("b.ts", 'import "./a.ts";');
  assertEquals((await folder.prepare("a.ts")).hash, first.hash, "the time of a file does not count");
  assertNotEquals((await folder.prepare("b.ts")).hash, first.hash);
  await folder.write("b.ts", 'import "./a.ts"; // other');
  const other = await folder.prepare("a.ts");
  assertNotEquals(other.hash, first.hash);
  assertNotEquals(other.folder, first.folder);
  await using elsewhere = await ModuleFolder.make({ "a.ts": 'import "./b.ts";', "b.ts": 'import "./a.ts";' });
  assertNotEquals((await elsewhere.prepare("a.ts")).hash, first.hash);
});

Deno.test("files that change while they are read are read again: no copy has parts of two versions", async () => {
  await using folder = await ModuleFolder.make({
    "a.js": ["first.js", "slow.ts", "slower.ts", "last.js"].map((name) => `import "./${name}";`).join("\n"),
    "slow.ts": "type S = number;\n".repeat(10_000),
    "slower.ts": "type T = number;\n".repeat(10_000),
  });
  const files = ["first.js", "last.js"].map((name) => `${folder.path}/${name}`);
  const writeBoth = (version: number) => {
    for (const file of files) Deno.writeTextFileSync(file, `export const version = ${version};`);
  };
  for (let round = 0; round < 12; round++) {
    writeBoth(100 + 2 * round);
    // At some time while it reads: often between the two.
    const written = new Promise<void>((resolve) =>
      setTimeout(() => {
        writeBoth(101 + 2 * round);
        resolve();
      }, 4 * round)
    );
    const prepared = await folder.prepare("a.js");
    await written;
    const [first, last] = ["first.js", "last.js"].map((name) =>
      Deno.readTextFileSync(prepared.folder + name)
    );
    assertEquals(first, last);
  }
});

Deno.test("what is no type stays where it is, whatever the types around it", async () => {
  const type = fc.constantFrom(
    "number",
    "string[]",
    "{ a?: number }",
    "Map<string, (x: number) => void>",
    "unique symbol",
  );
  const line = fc.oneof(
    type.map((each) => `let v: ${each};`),
    type.map((each) => `function f(a: ${each}): ${each} { return a as ${each}; }`),
    type.map((each) => `type T = ${each};`),
    type.map((each) => `interface I { x: ${each} }`),
    fc.constant("const s = `: string ${1} @no`;"),
    fc.constant("// : number @decorator"),
    fc.constant("/*\n @param x\n*/"),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line.map((text) => `{ ${text} \n}`), { maxLength: 12 }), async (lines) => {
      const source = lines.join("\n") + '\nthrow "here";';
      const code = await stripTypes("/a.ts", source);
      assertEquals(code.length, source.length);
      assertEquals(code.split("\n").length, source.split("\n").length);
      assertEquals(code.indexOf('throw "here";'), source.indexOf('throw "here";'));
      new Function(code);
    }),
    { numRuns: 60 },
  );
});

Deno.test("names of a snapshot become those of the originals, in URLs and in paths", () => {
  const names = originalNames({ folder: "/tmp/m x/12/", root: "/srv/plugins/" });
  assertEquals(
    names("at file:///tmp/m%20x/12/a.ts:1:2 and /tmp/m x/12/b.ts, not /tmp/m x/13/c.ts"),
    "at file:///srv/plugins/a.ts:1:2 and /srv/plugins/b.ts, not /tmp/m x/13/c.ts",
  );
  assertEquals(
    originalNames({ folder: "/tmp/m/", root: "/" })("file:///tmp/m/a.ts /tmp/m/b"),
    "file:///a.ts /b",
  );
});

Deno.test("the line that grants something keeps what is granted", () => {
  const none = PLUGIN_DEFAULTS.permissions;
  assertEquals(grantLine(none, { kind: "read", value: "/a" }), 'permissions = { read = ["/a"] }');
  assertEquals(
    grantLine({ ...none, net: ["db:1"], env: true }, { kind: "net", value: "x:2" }),
    'permissions = { net = ["db:1", "x:2"], env = true }',
  );
  assertEquals(
    grantLine({ ...none, net: ["db:1"] }, { kind: "net", value: undefined }),
    "permissions = { net = true }",
  );
  assertEquals(
    grantLine(
      { ...none, read: ["/a"] },
      { kind: "read", value: "/b" },
      { kind: "write", value: "/b" },
      { kind: "read", value: "/a" },
    ),
    'permissions = { read = ["/a", "/b"], write = ["/b"] }',
  );
});

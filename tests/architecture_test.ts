import { assert, assertEquals, assertMatch } from "@std/assert";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Folders of src/ on the data's way: each may import only from those to its right. */
const ORDER = [
  "release",
  "cli",
  "authors",
  "server",
  "forward",
  "config",
  "loadgen",
  "client",
  "dashboard",
  "admin",
  "control",
  "operations",
  "alerts",
  "http",
  "net",
  "tls",
  "router",
  "pool",
  "durable",
  "thread",
  "host",
  "journal",
  "ring",
  "modules",
  "results",
  "queue",
  "auth",
  "observe",
  "protocol",
  "hdf",
  "within.ts",
  "lost_time.ts",
  "text_of.ts",
  "leftovers.ts",
  "without_proxies.ts",
  "amount.ts",
  "exact_json.ts",
  "exact_number.ts",
  "raw_json.ts",
  "nearest.ts",
  "system_reason.ts",
  "plugin.ts",
];
const PURE = [
  "protocol",
  "hdf",
  "queue",
  "results",
  "amount.ts",
  "exact_json.ts",
  "exact_number.ts",
  "raw_json.ts",
  "nearest.ts",
  "system_reason.ts",
];
const IMPURE = /\b(Deno\.|Date\.|new Date\b|performance\.|Math\.random|crypto\.|setTimeout|setInterval)/;
/** This test, and a program of others that TypeScript is to refuse in places. */
const TELLS_OF_THEM = ["tests/architecture_test.ts", "tests/client/npm_package_test.ts"];
const READS_CONFIG = ["cli", "authors", "server", "config"];
const MAX_LINES = 400;
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)"([^"]+)"/g;
/** What plugins may import beside their own files: the types, how amounts and numbers are written, what a wrong word and an error of the system mean. */
const IMPORTS_OF_PLUGINS = [
  "mevent/plugin",
  "src/amount.ts",
  "src/exact_json.ts",
  "src/exact_number.ts",
  "src/nearest.ts",
  "src/system_reason.ts",
  "src/without_proxies.ts",
];
/** What a file of a plugin may import from npm beside that. */
const DRIVERS: { readonly [path: string]: readonly string[] } = {
  "plugins/sql/postgres_driver.ts": ["pg"],
  "plugins/sql/mysql.ts": ["mysql2/promise"],
};

interface Source {
  /** From the project's root. */
  readonly path: string;
  readonly text: string;
  /** The same without comments. */
  readonly code: string;
}

const sources = [
  ...sourcesOf("src"),
  ...sourcesOf("plugins"),
  ...sourcesOf("tests"),
  ...sourcesOf("bench"),
  await sourceOf("main.ts"),
];
const production = sources.filter(({ path }) => path.startsWith("src/") && !path.startsWith("src/types/"));

Deno.test("the folders of src import one way, along the data's way", () => {
  const wrong = production.flatMap(({ path, code }) =>
    importsOf(path, code).filter((target) => {
      if (!target.startsWith("src/")) return false;
      const [from, to] = [ORDER.indexOf(folderOf(path)), ORDER.indexOf(folderOf(target))];
      return from < 0 || to < 0 || to < from;
    }).map((target) => `${path} imports ${target}`)
  );
  assertEquals(wrong, []);
});

Deno.test("no two files import each other, nor in a circle", () => {
  const graph = new Map(sources.map(({ path, code }) => [path, importsOf(path, code)]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    const at = way.indexOf(path);
    if (at >= 0) circles.push([...way.slice(at), path].join(" -> "));
    if (at >= 0 || done.has(path)) return;
    for (const target of graph.get(path) ?? []) if (graph.has(target)) visit(target, [...way, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  assertEquals(circles, []);
});

Deno.test("the document's walk of one operation follows functions that are there and call each other", async () => {
  const document = await Deno.readTextFile(join(ROOT, "docs/architecture.md"));
  const steps = [...document.matchAll(/^\d+\. `([^`]+)` in `([^`]+)`(?: \(called in `([^`]+)`\))?/gm)];
  const codeOf = (path: string) => {
    const source = production.find((each) => each.path === `src/${path}`);
    assert(source !== undefined, `there is no src/${path}`);
    return source.code;
  };
  assert(steps.length >= 20);
  for (const [index, [, name = "", path = "", caller]] of steps.entries()) {
    const [own = "", owner] = name.split(".").toReversed();
    const plain = own.replace("#", "");
    const head = owner === undefined
      ? `^export function ${own}(?:\\(|<)`
      : `^export (?:abstract )?class ${owner}\\b(?:.*\n(?!\}))*` +
        ` +(?:(?:(?:override|protected|async) )*${own}(?:\\(|<)|readonly ${own} = )`;
    assertMatch(codeOf(path), new RegExp(head, "m"), `${path} has no ${name}`);
    if (index === 0) continue;
    assertMatch(
      codeOf(caller ?? steps[index - 1]![2]!),
      new RegExp(`\\b${plain}\\(`),
      `nobody calls ${name}`,
    );
  }
});

Deno.test("every folder of src stands in the document's table, with the thread that it runs on", async () => {
  const document = await Deno.readTextFile(join(ROOT, "docs/architecture.md"));
  const missing = ORDER.filter((name) =>
    !new RegExp(`^\\|[^|]*\`${name}/?\`[^|]*\\|\\s*[^|\\s][^|]*\\|`, "m").test(document)
  );
  assertEquals(missing, []);
});

Deno.test("only the plugin loader reaches out of src, to the built-in plugins", () => {
  const wrong = production.flatMap(({ path, code }) =>
    importsOf(path, code).filter((target) => isOwn(target) && !target.startsWith("src/"))
      .filter((target) => !(path === "src/host/loader.ts" && target.startsWith("plugins/")))
      .filter((target) => !(target === "deno.json" && /^src\/(?:cli|release)\//.test(path)))
      .map((target) => `${path} imports ${target}`)
  );
  assertEquals(wrong, []);
});

Deno.test("built-in plugins import nothing but the API's types, amounts, near words, their own files and what Deno has of Node", () => {
  const plugins = sources.filter(({ path }) => path.startsWith("plugins/"));
  const wrong = plugins.flatMap(({ path, code }) =>
    importsOf(path, code).filter((target) =>
      !IMPORTS_OF_PLUGINS.includes(target) && !/^(node:|plugins\/)/.test(target) &&
      !DRIVERS[path]?.includes(target)
    ).map((target) => `${path}: ${target}`)
  );
  assertEquals(wrong, []);
  const atRunTime = /import\s+(?!type\b)[^;]*"mevent\/plugin"/;
  assertEquals(plugins.filter(({ code }) => atRunTime.test(code)).map(({ path }) => path), []);
});

Deno.test("protocol, hdf, queue and the single files below them know neither Deno nor the clock nor randomness", () => {
  const wrong = production.filter(({ path, code }) => PURE.includes(folderOf(path)) && IMPURE.test(code));
  assertEquals(wrong.map(({ path }) => path), []);
});

Deno.test("only cli, authors, server and main know the config", () => {
  const wrong = production.filter(({ path, code }) =>
    !READS_CONFIG.includes(folderOf(path)) &&
    importsOf(path, code).some((target) => folderOf(target) === "config")
  );
  assertEquals(wrong.map(({ path }) => path), []);
});

Deno.test("no file has more than 400 lines", () => {
  const long = sources.filter(({ text }) => text.split("\n").length - 1 > MAX_LINES);
  assertEquals(long.map(({ path }) => path), []);
});

Deno.test("the type any, ts-ignore and the like are nowhere", () => {
  const wrong = sources.filter(({ path, code, text }) =>
    /[:<,|&]\s*any\s*[;,)=>|&\[{]|\bas any\b/.test(code) ||
    (/@ts-(ignore|nocheck|expect-error)/.test(text) && !TELLS_OF_THEM.includes(path))
  );
  assertEquals(wrong.map(({ path }) => path), []);
});

function* sourcesOf(folder: string): Generator<Source> {
  for (const entry of Deno.readDirSync(join(ROOT, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sourcesOf(path);
    else if (path.endsWith(".ts")) yield sourceAt(path, Deno.readTextFileSync(join(ROOT, path)));
  }
}

async function sourceOf(path: string): Promise<Source> {
  return sourceAt(path, await Deno.readTextFile(join(ROOT, path)));
}

function sourceAt(path: string, text: string): Source {
  return { path, text, code: text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "") };
}

/** What a file imports: own files by their path from the root, others by their name. */
function importsOf(path: string, code: string): string[] {
  return [...code.matchAll(IMPORT)].map(([, name]) => {
    const target = name ?? "";
    return target.startsWith(".") ? relative(ROOT, join(ROOT, path, "..", target)) : target;
  });
}

function isOwn(target: string): boolean {
  return /\.(ts|json)$/.test(target) && !target.includes(":");
}

function folderOf(path: string): string {
  return path.split("/")[1] ?? "";
}

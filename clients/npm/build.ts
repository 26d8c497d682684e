/**
 * Builds the TypeScript client as a package for Node and Bun: `deno task npm` writes ESM and types to `dist/npm`, ready for
 * `npm pack` or `npm publish`. TypeScript's compiler comes by npx, as it may not be among the project's own packages: valibot
 * would have it in the executable.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import project from "../../deno.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const COMPILER = "typescript@5.9.3";
const ENTRY = "client/mod";
const ENTRIES = [ENTRY, "plugin"];
/** Node's sockets, where the repository has Deno's. */
const REPLACED: readonly (readonly [string, string])[] = [
  ["client/sockets.ts", 'export { sockets } from "./node_sockets.ts";\n'],
];
/** `AsyncDisposable` is of no `lib` that people must have set. */
const TYPES_HEAD = '/// <reference lib="esnext.disposable" />\n';

const PACKAGE = {
  name: "mevent-client",
  version: project.version,
  description:
    "Calls a mevent server: pool, pipelining, reconnects, several servers, TLS, tokens, types of a plugin's commands.",
  license: project.license,
  type: "module",
  sideEffects: false,
  engines: { node: ">=20" },
  exports: {
    ".": { types: `./${ENTRY}.d.ts`, default: `./${ENTRY}.js` },
    "./plugin": { types: "./plugin.d.ts", default: "./plugin.js" },
  },
  types: `./${ENTRY}.d.ts`,
};

/** Builds the package into a folder, which is made anew. Throws with what the compiler says where it fails. */
export async function buildPackage(folder: string): Promise<void> {
  await removed(folder);
  await Deno.mkdir(folder, { recursive: true });
  const work = await Deno.makeTempDir({ prefix: "mevent-npm-" });
  try {
    await copyFolder(join(ROOT, "src"), join(work, "src"));
    for (const [path, text] of REPLACED) await Deno.writeTextFile(join(work, "src", path), text);
    await Deno.writeTextFile(join(work, "package.json"), '{ "type": "module" }');
    await Deno.writeTextFile(join(work, "tsconfig.json"), JSON.stringify(compilerConfig(folder)));
    await run(work, "npx", "--yes", "--package", COMPILER, "--", "tsc", "--project", "tsconfig.json");
  } finally {
    await Deno.remove(work, { recursive: true });
  }
  for (const path of await filesOf(folder)) await finish(path, path === join(folder, `${ENTRY}.d.ts`));
  await Deno.writeTextFile(join(folder, "package.json"), `${JSON.stringify(PACKAGE, null, 2)}\n`);
  await Deno.copyFile(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  await Deno.copyFile(fileURLToPath(new URL("README.md", import.meta.url)), join(folder, "README.md"));
}

/** What the entries import comes along. */
function compilerConfig(outDir: string): unknown {
  return {
    compilerOptions: {
      target: "es2022",
      module: "nodenext",
      lib: ["esnext", "dom", "dom.iterable"],
      types: [],
      strict: true,
      declaration: true,
      // Deno checks the types; Node's are not at hand here.
      noCheck: true,
      rewriteRelativeImportExtensions: true,
      rootDir: "src",
      outDir,
    },
    files: ENTRIES.map((entry) => `src/${entry}.ts`),
  };
}

/** In declarations the compiler leaves the names of files as they are. Throws where the file needs Deno. */
async function finish(path: string, isEntry: boolean): Promise<void> {
  const text = await Deno.readTextFile(path);
  if (/\bDeno\b/.test(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ""))) throw new Error(`${path} needs Deno`);
  if (!path.endsWith(".d.ts")) return;
  const named = text.replace(/(\bfrom |\bimport\()"(\.[^"]+)\.ts"/g, '$1"$2.js"');
  await Deno.writeTextFile(path, isEntry ? TYPES_HEAD + named : named);
}

async function filesOf(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    paths.push(...isDirectory ? await filesOf(path) : [path]);
  }
  return paths;
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}

async function removed(folder: string): Promise<void> {
  try {
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function run(cwd: string, command: string, ...args: string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd, stdin: "null" }).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (!success) throw new Error(`${command} ${args.join(" ")}:\n${said}`);
}

if (import.meta.main) {
  await buildPackage(join(ROOT, "dist/npm"));
  console.log("dist/npm is the package: npm pack ./dist/npm");
}

import { parse } from "es-module-lexer/js";
import { pathToFileURL } from "node:url";
import { errorAtIndex, ModuleError } from "./module_error.ts";
import { stripTypes } from "./strip_types.ts";

/** An import of a module: what it names, and where that stands in the text. */
export interface ModuleImport {
  readonly specifier: string;
  readonly at: number;
  /** It is an `import("…")`: the plugin is told at run time where there is nothing to be had. */
  readonly isDynamic: boolean;
}

/** Names that the module may import from mevent itself, and the URL of each. */
export type Provided = Readonly<Record<string, string>>;

/** One file of a plugin, ready to be written: plain JavaScript, or JSON. */
export interface ModuleFile {
  readonly path: string;
  /** As it stands on the disk. */
  readonly source: string;
  /** The same without types; all that is left stands where it stood. */
  readonly code: string;
  readonly imports: readonly ModuleImport[];
  /** Places of `import.meta`, and of the word `import` in `import(…)`: start and end. */
  readonly metas: readonly (readonly [number, number])[];
  readonly calls: readonly (readonly [number, number])[];
}

/** Packages that plugins may import by name. Others that mevent is made of come and go, and so do their versions. */
export const PACKAGES = ["valibot"];

const TYPESCRIPT = /\.m?ts$/;
const JAVASCRIPT = /\.m?js$/;
const JSON_FILE = /\.json$/;
const JSX = /\.[jt]sx$/;
const COMMONJS = /\.c[jt]s$/;

/** Reads what a file imports. Throws ModuleError. */
export async function moduleFile(path: string, source: string): Promise<ModuleFile> {
  const nothing = { imports: [], metas: [], calls: [] };
  if (JSON_FILE.test(path)) {
    checkJson(path, source);
    return { path, source, code: source, ...nothing };
  }
  const code = TYPESCRIPT.test(path) ? await stripTypes(path, source) : source;
  try {
    return { path, source, code, ...importsOf(path, source, code) };
  } catch (error) {
    if (error instanceof ModuleError) throw error;
    // The lexer sees that brackets do not match, but not where.
    await stripTypes(path, source);
    throw errorAtIndex(path, source, 0, "syntax error: this is no JavaScript module");
  }
}

/** Why a file of that name cannot be loaded; undefined where it can. */
export function wrongName(path: string): string | undefined {
  if (TYPESCRIPT.test(path) || JAVASCRIPT.test(path) || JSON_FILE.test(path)) return undefined;
  return JSX.test(path)
    ? "JSX is not loaded; compile it first: npx esbuild --bundle makes a .js file of it"
    : COMMONJS.test(path)
    ? "CommonJS is not loaded; write it as an ES module, or bundle it: npx esbuild --bundle --format=esm"
    : "a plugin's modules are .ts, .mts, .js, .mjs and .json files";
}

function checkJson(path: string, source: string): void {
  try {
    JSON.parse(source);
  } catch (error) {
    throw new ModuleError(`${path}: is not JSON: ${error instanceof Error ? error.message : error}`);
  }
}

function importsOf(
  path: string,
  source: string,
  code: string,
): Pick<ModuleFile, "imports" | "metas" | "calls"> {
  const [found] = parse(code, path);
  const imports: ModuleImport[] = [];
  const metas: [number, number][] = [];
  const calls: [number, number][] = [];
  for (const each of found) {
    if (each.type === "import-meta") {
      metas.push([each.importStart, each.importEnd]);
      continue;
    }
    if (each.phase !== null) {
      throw errorAtIndex(path, source, each.importStart, `import ${each.phase} is not loaded`);
    }
    if (each.type === "dynamic") {
      calls.push([each.importStart, each.importStart + "import".length]);
      if (each.glob || each.specifier === undefined) continue;
    }
    imports.push({ specifier: each.specifier!, at: each.start, isDynamic: each.type === "dynamic" });
  }
  return { imports, metas, calls };
}

/**
 * The text to be written: `import.meta` tells of the original, and `import(…)` reaches what was loaded with the module,
 * and beyond it only what the worker may read: the executable's own import() asks for no permission. Everything
 * keeps its line and column: the names put in are as long as what they replace, but for those that mevent provides.
 *
 * @param rootUrl the folder of the originals
 * @param snapshotUrl where the files are written; both end in a slash
 */
export function writtenText(
  { path, code, imports, metas, calls }: ModuleFile,
  rootUrl: string,
  snapshotUrl: string,
  provided: Provided,
): string {
  const own = imports.filter(({ specifier, isDynamic }) => !isDynamic && Object.hasOwn(provided, specifier));
  if (metas.length === 0 && calls.length === 0 && own.length === 0) return code;
  const metaName = unusedName(code, "import.meta".length - "()".length);
  const callName = unusedName(code, "import".length);
  const places = [
    ...metas.map((place) => [place, `${metaName}()`] as const),
    ...calls.map((place) => [place, callName] as const),
    ...own.map(({ specifier, at }) => [[at, at + specifier.length], provided[specifier]!] as const),
  ].toSorted(([[a]], [[b]]) => a - b);
  let text = "";
  let at = 0;
  for (const [[start, end], name] of places) {
    text += code.slice(at, start) + name.padEnd(end - start);
    at = end;
  }
  const url = pathToFileURL(path).href;
  // A function declaration is there before the module's first line runs.
  return `${text}${code.slice(at)}\n;${metas.length > 0 ? metaFunction(metaName, url) : ""}${
    calls.length > 0 ? callFunction(callName, url, rootUrl, snapshotUrl, provided) : ""
  }\n`;
}

function metaFunction(name: string, url: string): string {
  return `function ${name}() {
  const meta = import.meta, url = ${JSON.stringify(url)};
  if (meta.url === url) return meta;
  const filename = decodeURIComponent(new URL(url).pathname);
  const resolve = meta.resolve;
  meta.resolve = (to) => /^\\.{0,2}\\//.test(to) ? new URL(to, url).href : resolve(to);
  return Object.assign(meta, { url, filename, dirname: filename.replace(/\\/[^/]*$/, "") || "/" });
}
`;
}

function callFunction(
  name: string,
  url: string,
  rootUrl: string,
  snapshotUrl: string,
  provided: Provided,
): string {
  const packages = JSON.stringify({
    ...Object.fromEntries(PACKAGES.map((each) => [each, each])),
    ...provided,
  });
  return `async function ${name}(to, options) {
  to = String(to);
  const scheme = globalThis.URL.parse(to)?.protocol, packages = ${packages};
  if (globalThis.Object.hasOwn(packages, to)) return import(packages[to], options);
  if (!/^\\.{0,2}\\//.test(to) && scheme !== "file:") {
    const isPackage = scheme === undefined || scheme === "npm:" || scheme === "jsr:";
    if (!isPackage || globalThis.process.getBuiltinModule(to) !== undefined) return import(to, options);
    throw new globalThis.TypeError('nothing here provides ' + JSON.stringify(to) + '; bundle the plugin with it');
  }
  const original = new URL(to, ${JSON.stringify(url)}), root = ${JSON.stringify(rootUrl)};
  if (original.href.startsWith(root)) {
    const taken = new URL(original.href.slice(root.length), ${JSON.stringify(snapshotUrl)});
    try {
      globalThis.Deno.lstatSync(taken);
      return import(taken.href, options);
    } catch (error) {
      if (!(error instanceof globalThis.Deno.errors.NotFound)) throw error;
    }
  }
  const path = decodeURIComponent(original.pathname);
  if (globalThis.Deno.permissions.querySync({ name: "read", path }).state !== "granted") {
    throw new globalThis.Deno.errors.NotCapable('Requires read access to ' + JSON.stringify(path) + ', to import it');
  }
  return import(original.href, options);
}
`;
}

/** A name of that length that the code does not contain. */
function unusedName(code: string, length: number): string {
  for (let salt = 0;; salt++) {
    const name = `$${salt.toString(36)}`.padEnd(length, "_");
    if (!code.includes(name)) return name;
  }
}

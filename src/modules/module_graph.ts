import { isBuiltin } from "node:module";
import { dirname, extname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Grants, grantLine } from "./grants.ts";
import { errorAtIndex, ModuleError } from "./module_error.ts";
import { checkName, type ModuleFile, moduleFile, type ModuleImport } from "./module_file.ts";

/** Bounds of one plugin: files, and bytes of all of them. */
const MAX_FILES = 1000;
const MAX_BYTES = 64 * 1024 * 1024;

/** What an import in a plugin may name beside files: the runtime looks whether it may be loaded. */
const OTHER_SCHEME = /^(?!file:)[a-z][a-z0-9+.-]*:/i;
const BUNDLE = "--bundle --format=esm --platform=node";

/**
 * A plugin's module and all files that it imports, directly or not, by static imports and by `import("…")`: the
 * module first. Throws ModuleError, which knows the files that were looked at.
 *
 * @param grants what the plugin may read beside its own folder: of that it may import
 */
export async function moduleGraph(module: string, grants: Grants): Promise<ModuleFile[]> {
  const walk = new Walk(fileURLToPath(module), grants);
  try {
    return await walk.all();
  } catch (error) {
    if (error instanceof ModuleError) error.files = walk.paths;
    throw error;
  }
}

/** Who imports a file, and where. */
interface Importer {
  readonly file: ModuleFile;
  readonly at: number;
  readonly specifier: string;
}

class Walk {
  /** In the order in which they were found. */
  readonly #found = new Map<string, Importer | null>();
  #bytes = 0;
  /** Real folders that may be imported from; null is everywhere. */
  #folders: readonly string[] | null = [];

  constructor(readonly entry: string, readonly grants: Grants) {
    this.#found.set(entry, null);
  }

  get paths(): string[] {
    return [...this.#found.keys()];
  }

  async all(): Promise<ModuleFile[]> {
    const { read } = this.grants;
    const granted = typeof read === "boolean" ? [] : read;
    this.#folders = read === true ? null : await realPaths([dirname(this.entry), ...granted]);
    const files: ModuleFile[] = [];
    for (const [path, importer] of this.#found) {
      checkName(path);
      const file = await moduleFile(path, await this.#read(path, importer));
      files.push(file);
      for (const each of file.imports) this.#follow(file, each);
    }
    return files;
  }

  #follow(file: ModuleFile, { specifier, at }: ModuleImport): void {
    const wrong = (sentence: string) => errorAtIndex(file.path, file.source, at, sentence);
    if (/^\.{1,2}\//.test(specifier)) {
      const path = fileURLToPath(new URL(specifier, pathToFileURL(file.path)));
      if (this.#found.has(path)) return;
      if (this.#found.size === MAX_FILES) throw wrong(`a plugin has ${MAX_FILES} files at most: bundle it`);
      this.#found.set(path, { file, at, specifier });
      return;
    }
    if (specifier.startsWith("/") || specifier.startsWith("file:")) {
      throw wrong(`import ${JSON.stringify(specifier)} by a relative path`);
    }
    if (OTHER_SCHEME.test(specifier) || isBuiltin(specifier)) return;
    if (/^mevent(\/|$)/.test(specifier)) {
      throw wrong(
        `${JSON.stringify(specifier)} has types alone, nothing to import at run time; write \`import type { … } from ${
          JSON.stringify(specifier)
        }\``,
      );
    }
    if (isResolvable(specifier)) return;
    const { dir, name } = bundleOf(this.entry);
    throw wrong(
      `nothing here provides ${JSON.stringify(specifier)}; bundle the plugin with it and name the bundle in the config: ` +
        `npx esbuild ${name} ${BUNDLE} --outfile=${name.slice(0, -extname(name).length)}${
          /\.m?js$/.test(name) ? ".bundle" : ""
        }.js (in ${dir})`,
    );
  }

  async #read(path: string, importer: Importer | null): Promise<string> {
    let bytes: Uint8Array;
    try {
      if (importer !== null) await this.#checkPlace(path, importer);
      const { isFile, size } = await Deno.stat(path);
      if (!isFile) throw new ModuleError("it is no file");
      this.#count(size);
      bytes = await Deno.readFile(path);
      this.#count(bytes.length - size);
    } catch (error) {
      throw await unreadable(path, importer, error);
    }
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      throw new ModuleError(`${path}: is no text in UTF-8`);
    }
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > MAX_BYTES) {
      throw new ModuleError(`with it the plugin has more than ${MAX_BYTES / 1024 / 1024} MiB`);
    }
  }

  /** Throws where an import leads out of what the plugin may read, by a symbolic link too. */
  async #checkPlace(path: string, { file, at }: Importer): Promise<void> {
    const folders = this.#folders;
    if (folders === null) return;
    const real = await Deno.realPath(path);
    if (folders.some((folder) => real === folder || real.startsWith(folder.replace(/\/?$/, "/")))) return;
    throw errorAtIndex(
      file.path,
      file.source,
      at,
      `${path === real ? path : `${path}, which is ${real},`} is outside of the plugin's folder; grant it in its [[plugin]] table: ${
        grantLine(this.grants, "read", dirname(real))
      }`,
    );
  }
}

/** Why a file cannot be read, with the place that imports it. */
async function unreadable(path: string, importer: Importer | null, error: unknown): Promise<ModuleError> {
  if (error instanceof ModuleError && error.message.includes(":")) return error;
  const isAbsent = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
  const why = isAbsent
    ? "there is no such file"
    : error instanceof Deno.errors.PermissionDenied
    ? "this user may not read it"
    : error instanceof Error
    ? error.message
    : String(error);
  if (importer === null) return new ModuleError(`${path}: ${why}`);
  const { file, at, specifier } = importer;
  const meant = isAbsent ? await otherName(path, specifier) : undefined;
  const hint = meant === undefined ? "" : `; there is ${JSON.stringify(meant)}`;
  return errorAtIndex(file.path, file.source, at, `${JSON.stringify(specifier)} cannot be loaded: ${path}: ${why}${hint}`);
}

/** The specifier with the extension that it lacks, or with the one of TypeScript. */
async function otherName(path: string, specifier: string): Promise<string | undefined> {
  const candidates = [["", ".ts"], ["", ".js"], [".js", ".ts"], [".mjs", ".mts"], ["", "/mod.ts"], ["", "/index.ts"]];
  for (const [from, to] of candidates) {
    if (!path.endsWith(from!)) continue;
    const swap = (text: string) => text.slice(0, text.length - from!.length) + to;
    try {
      if ((await Deno.stat(swap(path))).isFile) return swap(specifier);
    } catch {
      // Not that one.
    }
  }
  return undefined;
}

/** Whether mevent has a package of that name, which plugins may use. */
function isResolvable(specifier: string): boolean {
  try {
    import.meta.resolve(specifier);
    return true;
  } catch {
    return false;
  }
}

async function realPaths(paths: readonly string[]): Promise<string[]> {
  const real = await Promise.all(paths.map((path) => Deno.realPath(path).catch(() => null)));
  return real.filter((path) => path !== null);
}

function bundleOf(entry: string): { dir: string; name: string } {
  const dir = dirname(entry);
  return { dir, name: entry.slice(dir.replace(/\/?$/, "/").length) };
}

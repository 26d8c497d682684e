import { Buffer } from "node:buffer";
import { isBuiltin } from "node:module";
import { dirname, extname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { grantLine, type Grants } from "./grants.ts";
import { errorAtIndex, ModuleError } from "./module_error.ts";
import {
  type ModuleFile,
  moduleFile,
  type ModuleImport,
  PACKAGES,
  type Provided,
  wrongName,
} from "./module_file.ts";

/** Bounds of one plugin: files, and bytes of all of them. */
const MAX_FILES = 1000;
const MAX_BYTES = 64 * 1024 * 1024;

/** Files that change while they are read are read again, so often in all. */
const MAX_TRIES = 5;

/** What an import in a plugin may name beside files: the runtime looks whether it may be loaded. */
const OTHER_SCHEME = /^[a-z][a-z0-9+.-]*:/i;
const PACKAGE_SCHEME = /^(npm|jsr):/i;
const BUNDLE = "--bundle --format=esm --platform=node";

/**
 * A plugin's module and all files that it imports, directly or not, by static imports and by `import("…")`: the
 * module first. Throws ModuleError, which knows the files that were looked at.
 *
 * @param grants what the plugin may read beside its own folder: of that it may import
 * @param provided what it may import from mevent itself
 */
export async function moduleGraph(
  module: string,
  grants: Grants,
  provided: Provided,
): Promise<ModuleFile[]> {
  const entry = fileURLToPath(module);
  for (let tries = 1;; tries++) {
    const walk = new Walk(entry, grants, provided);
    try {
      const files = await walk.all();
      if (await walk.isUnchanged()) return files;
    } catch (error) {
      if (error instanceof ModuleError) error.files = walk.paths;
      throw error;
    }
    // Some were read before a change and others after it, perhaps.
    if (tries === MAX_TRIES) throw new ModuleError(`${entry}: its files go on changing while they are read`);
  }
}

/** Who imports a file, and where. */
interface Importer extends ModuleImport {
  readonly file: ModuleFile;
}

class Walk {
  /** In the order in which they were found. */
  readonly #found = new Map<string, Importer | null>();
  /** What was read. */
  readonly #bytes = new Map<string, Uint8Array>();
  #size = 0;
  /** Real folders that may be imported from; null is everywhere. */
  #folders: readonly string[] | null = [];

  constructor(readonly entry: string, readonly grants: Grants, readonly provided: Provided) {
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
      const source = await this.#read(path, importer);
      if (source === null) continue;
      const file = await moduleFile(path, source);
      files.push(file);
      for (const each of file.imports) this.#follow(file, each);
    }
    return files;
  }

  /**
   * Whether all files are still what was read: then they were so all at one time. Their times alone do not tell: two
   * changes within some milliseconds have the same.
   */
  async isUnchanged(): Promise<boolean> {
    for (const [path, bytes] of this.#bytes) {
      const now = await Deno.readFile(path).catch(() => null);
      if (now === null || Buffer.compare(now, bytes) !== 0) return false;
    }
    return true;
  }

  #follow(file: ModuleFile, each: ModuleImport): void {
    const { specifier, at, isDynamic } = each;
    const wrong = (sentence: string) => errorAtIndex(file.path, file.source, at, sentence);
    if (/^\.{1,2}\//.test(specifier)) {
      const path = fileURLToPath(new URL(specifier, pathToFileURL(file.path)));
      if (this.#found.has(path)) return;
      if (this.#found.size === MAX_FILES) throw wrong(`a plugin has ${MAX_FILES} files at most: bundle it`);
      this.#found.set(path, { file, ...each });
      return;
    }
    if (isDynamic) return;
    // FILE: and a space before it are the same URL.
    if (specifier.startsWith("/") || URL.parse(specifier)?.protocol === "file:") {
      throw wrong(`import ${JSON.stringify(specifier)} by a relative path`);
    }
    const isOther = OTHER_SCHEME.test(specifier) && !PACKAGE_SCHEME.test(specifier);
    if (isOther || isBuiltin(specifier) || Object.hasOwn(this.provided, specifier)) return;
    if (specifier === "mevent/testing") throw wrong('only test files import "mevent/testing"');
    if (/^mevent(\/|$)/.test(specifier)) {
      throw wrong(
        `${
          JSON.stringify(specifier)
        } has types alone, nothing to import at run time; write \`import type { … } from ${
          JSON.stringify(specifier)
        }\``,
      );
    }
    if (PACKAGES.includes(specifier)) return;
    const { dir, name } = bundleOf(this.entry);
    throw wrong(
      `nothing here provides ${
        JSON.stringify(specifier)
      }; bundle the plugin with it and name the bundle in the config: ` +
        `npx esbuild ${name} ${BUNDLE} --outfile=${name.slice(0, -extname(name).length)}${
          /\.m?js$/.test(name) ? ".bundle" : ""
        }.js (in ${dir})`,
    );
  }

  /** The file's text; null where it is for the plugin to find out that there is none. */
  async #read(path: string, importer: Importer | null): Promise<string | null> {
    const place = importer === null ? "" : `${JSON.stringify(importer.specifier)} cannot be loaded: `;
    const wrong = (why: string) =>
      importer === null
        ? new ModuleError(`${path}: ${why}`)
        : errorAtIndex(importer.file.path, importer.file.source, importer.at, `${place}${path}: ${why}`);
    let bytes: Uint8Array;
    try {
      const outside = importer === null ? null : await this.#outside(path);
      if (outside !== null) {
        if (importer!.isDynamic) return null;
        throw wrong(outside);
      }
      const info = await Deno.stat(path);
      if (!info.isFile) throw wrong("it is no file");
      const why = wrongName(path) ?? this.#tooLarge(info.size);
      if (why !== undefined) throw wrong(why);
      bytes = await Deno.readFile(path);
    } catch (error) {
      if (error instanceof ModuleError) throw error;
      if (isAbsent(error) && importer?.isDynamic === true) return null;
      throw wrong(await whyUnreadable(path, importer?.specifier, error));
    }
    this.#bytes.set(path, bytes);
    this.#size += bytes.length;
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      throw wrong("it is no text in UTF-8");
    }
  }

  #tooLarge(size: number): string | undefined {
    if (this.#size + size <= MAX_BYTES) return undefined;
    return `with it the plugin has more than ${MAX_BYTES / 1024 / 1024} MiB`;
  }

  /** What is wrong where a file is not the plugin's to import, by a symbolic link too; else null. */
  async #outside(path: string): Promise<string | null> {
    const folders = this.#folders;
    if (folders === null) return null;
    const real = await Deno.realPath(path);
    if (folders.some((folder) => real === folder || real.startsWith(folder.replace(/\/?$/, "/")))) {
      return null;
    }
    const what = path === real ? "it" : `it is ${real}, which`;
    return `${what} is outside of the plugin's folder; grant it in its [[plugin]] table: ${
      grantLine(this.grants, { kind: "read", value: dirname(real) })
    }`;
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

async function whyUnreadable(path: string, specifier: string | undefined, error: unknown): Promise<string> {
  if (error instanceof Deno.errors.PermissionDenied) return "this user may not read it";
  if (!isAbsent(error)) return error instanceof Error ? error.message : String(error);
  const meant = specifier === undefined ? undefined : await otherName(path, specifier);
  return `there is no such file${meant === undefined ? "" : `; there is ${JSON.stringify(meant)}`}`;
}

/** The specifier with the extension that it lacks, or with the one of TypeScript. */
async function otherName(path: string, specifier: string): Promise<string | undefined> {
  const candidates = [["", ".ts"], ["", ".js"], [".js", ".ts"], [".mjs", ".mts"], ["", "/mod.ts"], [
    "",
    "/index.ts",
  ]];
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

async function realPaths(paths: readonly string[]): Promise<string[]> {
  const real = await Promise.all(paths.map((path) => Deno.realPath(path).catch(() => null)));
  return real.filter((path) => path !== null);
}

function bundleOf(entry: string): { dir: string; name: string } {
  const dir = dirname(entry);
  return { dir, name: entry.slice(dir.replace(/\/?$/, "/").length) };
}

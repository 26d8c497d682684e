import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import type { Grants } from "./grants.ts";
import { type ModuleFile, type Provided, writtenText } from "./module_file.ts";
import { moduleGraph } from "./module_graph.ts";
import { folderUrl, type OriginalPlace } from "./original_names.ts";

/** Changes where snapshots of the same files are to look different. */
const FORMAT = "1";

/** A plugin's module as its workers import it: a copy of all of its files that nobody changes. */
export interface PreparedModule extends OriginalPlace {
  /** The URL to import. */
  readonly url: string;
  /** What its code is: another text or place of one of its files is another hash; in hex. */
  readonly hash: string;
  /** Paths of the original files, the module's own first. */
  readonly files: readonly string[];
  /** What its folder holds, by path in it: kept, for whoever clears temporary folders may take it away. */
  readonly texts: readonly WrittenFile[];
}

/** A file of a snapshot: its path in the folder, and its text. */
export type WrittenFile = readonly [path: string, text: string];

/** What is to be prepared. */
export interface ModuleRequest {
  /** The `file:` URL of the module. */
  readonly module: string;
  /** What the plugin is granted: it may import what it may read. */
  readonly grants: Grants;
  /** The folder, which is this user's alone, in which the snapshot gets one of its own. */
  readonly folder: string;
  /** The hash that is there already: nothing is written where it is the same. */
  readonly known?: string | undefined;
  /** What it may import from mevent itself: nothing, where nothing is said. */
  readonly provided?: Provided;
}

/**
 * Reads a plugin's module and all that it imports, leaves out the types, and writes a snapshot of it: workers that
 * import that run one and the same code, whatever happens to the files. The folder is the caller's, to be removed.
 * Throws ModuleError with file, line and column where it cannot be loaded.
 */
export async function prepareModule(
  { module, grants, folder, known, provided = {} }: ModuleRequest,
): Promise<PreparedModule> {
  const files = await moduleGraph(module, grants, provided);
  const root = commonFolder(files.map(({ path }) => path));
  const hash = hashOf(root, files);
  const snapshot = `${folder}/${hash.slice(0, 16)}-${crypto.randomUUID().slice(0, 8)}/`;
  const [entry] = files;
  const prepared = {
    url: new URL(pathToFileURL(entry!.path).href.slice(folderUrl(root).length), folderUrl(snapshot)).href,
    hash,
    files: files.map(({ path }) => path),
    folder: snapshot,
    root,
  };
  if (hash === known) return { ...prepared, texts: [] };
  try {
    return { ...prepared, texts: await write(files, root, snapshot, provided) };
  } catch (error) {
    await Deno.remove(snapshot, { recursive: true }).catch(() => {});
    throw error;
  }
}

async function write(
  files: readonly ModuleFile[],
  root: string,
  snapshot: string,
  provided: Provided,
): Promise<WrittenFile[]> {
  const texts: WrittenFile[] = [];
  const [rootUrl, snapshotUrl] = [folderUrl(root), folderUrl(snapshot)];
  // One by one: the folder that all of it lies in is not made again where it has been removed.
  for (const folder of foldersOf(files, root)) await Deno.mkdir(snapshot + folder, { mode: 0o700 });
  for (const file of files) {
    const path = file.path.slice(root.length);
    const text = writtenText(file, rootUrl, snapshotUrl, provided);
    await Deno.writeTextFile(snapshot + path, text, { mode: 0o600, createNew: true });
    texts.push([path, text]);
  }
  return texts;
}

/** From the root, itself "", each before those in it. */
function foldersOf(files: readonly ModuleFile[], root: string): string[] {
  const folders = new Set<string>([""]);
  for (const { path } of files) {
    const names = path.slice(root.length).split("/").slice(0, -1);
    for (let depth = 1; depth <= names.length; depth++) folders.add(names.slice(0, depth).join("/"));
  }
  return [...folders].toSorted((a, b) => a.length - b.length);
}

/** The folder that all of them lie in, ending in a slash. */
function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0]!).replace(/\/?$/, "/");
  while (!paths.every((path) => path.startsWith(folder))) folder = dirname(folder).replace(/\/?$/, "/");
  return folder;
}

function hashOf(root: string, files: readonly ModuleFile[]): string {
  const hash = createHash("sha256");
  const add = (text: string) => hash.update(`${text.length}:`).update(text);
  add(FORMAT);
  add(root);
  add(files[0]!.path);
  for (const { path, source } of files.toSorted((a, b) => a.path < b.path ? -1 : 1)) {
    add(path);
    add(source);
  }
  return hash.digest("hex");
}

import { HdfError, quote } from "./error.ts";
import { HDF_LIMITS } from "./limits.ts";
import type { HdfNode } from "./node.ts";
import { scanHdf } from "./parse.ts";
import { TreeBuilder } from "./tree_builder.ts";

/** Files that may include each other, one in the other, as in the C library. */
const MAX_INCLUDES = 50;
/** Links that may point to links, one after the other. */
const MAX_LINKS = 32;

/** Where something stands. */
export interface HdfPlace {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** Text of a config that cannot be read, with its file; `message` begins with both. */
export class HdfConfigError extends Error {
  override readonly name = "HdfConfigError";

  constructor(readonly file: string, problem: string) {
    super(`${file}: ${problem}`);
  }
}

/** Gives the text of a file that is named in a config; undefined where there is none of that name. */
export type ReadHdfFile = (path: string) => string | undefined;

/** A config as the C library reads it, and where its lines stand. */
export interface HdfConfig {
  readonly root: HdfNode;
  /** The place of a node's last line; undefined for the root and for what a link brought. */
  placeOf(node: HdfNode): HdfPlace | undefined;
  /** The value of an attribute: `[type=int, require=true]`; undefined where it is not there. */
  attributeOf(node: HdfNode, name: string): string | undefined;
  /** Whether a link or a copy takes something from a node right below the root. */
  isSource(name: string): boolean;
}

/**
 * Reads a config file of the C daemon, with what it includes. Other than text from the wire it may set things below a link,
 * which go where the link points to, and have links that point to nothing, which have no value. Included files are looked for in
 * the folders of `hdf.loadpaths` that stand before, then under their own names. Throws HdfConfigError.
 */
export function readHdfConfig(file: string, read: ReadHdfFile): HdfConfig {
  const tree = new ConfigTree(read);
  tree.include(file, tree.root, 0, 0);
  try {
    tree.finish();
  } catch (error) {
    // Which of the files its line is of is not kept with a link.
    throw error instanceof HdfError ? new HdfConfigError(file, error.message) : error;
  }
  return tree;
}

class ConfigTree extends TreeBuilder implements HdfConfig {
  readonly #places = new Map<HdfNode, HdfPlace>();
  readonly #attributes = new Map<HdfNode, Map<string, string>>();
  /** The files that are being read, each included by the one before. */
  readonly #files: string[] = [];

  /** Names below the root that links and copies take from. */
  readonly #sources = new Set<string>();

  override readonly attribute = (node: HdfNode, name: string, value: string): void => {
    const own = this.#attributes.get(node) ?? new Map<string, string>();
    this.#attributes.set(node, own.set(name, value));
  };

  constructor(readonly read: ReadHdfFile) {
    super(HDF_LIMITS);
  }

  placeOf(node: HdfNode): HdfPlace | undefined {
    return this.#places.get(node);
  }

  attributeOf(node: HdfNode, name: string): string | undefined {
    return this.#attributes.get(node)?.get(name);
  }

  isSource(name: string): boolean {
    return this.#sources.has(name);
  }

  override link(node: HdfNode, path: string, line: number): void {
    this.#sources.add(path.replace(/\..*/s, ""));
    super.link(node, path, line);
  }

  override valueOf(path: string, line: number): string {
    this.#sources.add(path.replace(/\..*/s, ""));
    return super.valueOf(path, line);
  }

  override place(parent: HdfNode, depth: number, name: string, dots: number, line: number): HdfNode {
    const node = super.place(parent, depth, name, dots, line);
    this.#places.set(node, { file: this.#files.at(-1)!, line });
    return node;
  }

  override below(node: HdfNode, line: number): HdfNode {
    for (let links = 0;; links++) {
      const path = this.linkOf(node);
      if (path === undefined) return node;
      if (links === MAX_LINKS) {
        throw new HdfError(
          line,
          `${quote(node.path())} comes after ${MAX_LINKS} links: name the place itself`,
        );
      }
      node = super.place(this.root, 0, path, path.split(".").length - 1, line);
    }
  }

  /** A block of a link that points to nothing is the name's own. */
  override inside(node: HdfNode, line: number): HdfNode {
    const path = this.linkOf(node);
    if (path === undefined) return node;
    const target = this.reach(path, line, 0);
    if (target !== undefined) return target;
    this.unlink(node);
    node.value = undefined;
    return node;
  }

  override include(named: string, node: HdfNode, depth: number, line: number): void {
    const path = named.replace(/^"(.*)"$/, "$1");
    if (this.#files.length > MAX_INCLUDES) {
      throw new HdfError(
        line,
        `${quote(path)} is included ${MAX_INCLUDES} files deep: does it include itself?`,
      );
    }
    const found = this.#find(path);
    if (found === undefined) {
      if (this.#files.length === 0) throw new HdfConfigError(path, "there is no such file");
      throw new HdfError(
        line,
        `there is no file ${quote(path)} in hdf.loadpaths or in the working directory`,
      );
    }
    this.#files.push(found.path);
    try {
      scanHdf(found.text, this, node, depth);
    } catch (error) {
      throw error instanceof HdfError ? new HdfConfigError(found.path, error.message) : error;
    }
    this.#files.pop();
  }

  protected override child(parent: HdfNode, name: string, line: number): HdfNode {
    const node = super.child(parent, name, line);
    if (!this.#places.has(node)) this.#places.set(node, { file: this.#files.at(-1)!, line });
    return node;
  }

  protected override dangling(node: HdfNode): void {
    node.value = undefined;
  }

  #find(path: string): { path: string; text: string } | undefined {
    const folders = path.startsWith("/") ? [] : this.root.get("hdf")?.get("loadpaths")?.children() ?? [];
    for (const { value } of folders) {
      if (value === undefined) continue;
      const whole = `${value}/${path}`;
      const text = this.read(whole);
      if (text !== undefined) return { path: whole, text };
    }
    const text = this.read(path);
    return text === undefined ? undefined : { path, text };
  }
}

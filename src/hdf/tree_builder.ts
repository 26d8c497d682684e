import { HdfError, quote } from "./error.ts";
import type { HdfLimits } from "./limits.ts";
import { HdfNode } from "./node.ts";

/** A link that is not resolved yet: the dotted name it points to, from the root, and the line it came from. */
interface Link {
  readonly path: string;
  readonly line: number;
  /** True while what it points to is being copied: coming across it again then is a loop. */
  busy: boolean;
}

/** Links that may point to links, one after the other; bounds the stack, too. */
const LINK_CHAIN = 32;

/**
 * Builds the tree of one text within its limits. Values are copied at once; links become copies when the text has ended,
 * for they may point to what comes later. Where ClearSilver would go through a link to set something below it, or would
 * leave a link that points to nothing without a value, the text is refused: the sender meant something that it would not
 * get.
 */
export class TreeBuilder {
  readonly root = new HdfNode("");
  /** Is told of all attributes, where somebody wants more of them than the type. */
  readonly attribute: ((node: HdfNode, name: string, value: string) => void) | null = null;
  readonly #limits: HdfLimits;
  #nodes = 0;
  #copied = 0;
  /** Made with the first link, so that texts without one pay nothing. */
  #links: Map<HdfNode, Link> | undefined = undefined;

  constructor(limits: HdfLimits) {
    this.#limits = limits;
  }

  /** The node of a dotted name with that many dots below `parent`, made where it is not there; `depth` is `parent`'s. */
  place(parent: HdfNode, depth: number, name: string, dots: number, line: number): HdfNode {
    this.#checkDepth(depth + dots + 1, line);
    if (dots === 0) return this.child(parent, name, line);
    let node = parent;
    for (let from = 0; from <= name.length;) {
      const dot = name.indexOf(".", from);
      const to = dot < 0 ? name.length : dot;
      if (to === from) {
        throw new HdfError(line, `name ${quote(name)} has an empty level: remove the extra dot`);
      }
      if (from > 0) node = this.below(node, line);
      node = this.child(node, name.slice(from, to), line);
      from = to + 1;
    }
    return node;
  }

  /** The node below which what is set below this one lies: itself, as nothing is set below a link. */
  below(node: HdfNode, line: number): HdfNode {
    const target = this.linkOf(node);
    if (target === undefined) return node;
    const [name, path] = [quote(node.path()), quote(target)];
    throw new HdfError(line, `${name} is a link to ${path}: name what is below ${path} itself`);
  }

  /** The node that a block opened for this one is inside of. */
  inside(node: HdfNode, line: number): HdfNode {
    return this.below(node, line);
  }

  /** Takes in another text at this place. */
  include(_file: string, _node: HdfNode, _depth: number, line: number): void {
    throw new HdfError(line, "#include is not allowed here: send the text itself");
  }

  /** What a node is a link to, as a dotted name from the root. */
  protected linkOf(node: HdfNode): string | undefined {
    return this.#links?.get(node)?.path;
  }

  protected unlink(node: HdfNode): void {
    this.#links?.delete(node);
  }

  /** The child of that name, made where it is not there. */
  protected child(parent: HdfNode, name: string, line: number): HdfNode {
    return parent.get(name) ?? this.#add(parent, name, line);
  }

  /** A link points to nothing when the text has ended. */
  protected dangling(node: HdfNode, path: string, line: number): void {
    const name = quote(node.path());
    throw new HdfError(line, `link ${name} points to ${quote(path)}, which is not there: set it`);
  }

  assign(node: HdfNode, value: string): void {
    node.value = value;
    if (this.#links !== undefined) this.#links.delete(node);
  }

  link(node: HdfNode, path: string, line: number): void {
    if (node.size > 0) {
      throw new HdfError(
        line,
        `${quote(node.path())} has children and cannot become a link: rename one of the two`,
      );
    }
    this.#links ??= new Map();
    this.#links.set(node, { path, line, busy: false });
  }

  /** The value, and nothing else, that stands under a dotted name from the root by now; "" where none does. */
  valueOf(path: string, line: number): string {
    const value = this.reach(path, line, 0)?.value ?? "";
    this.#count(value.length, line);
    return value;
  }

  /** Ends the tree: turns every link into a copy of what it points to. */
  finish(): HdfNode {
    if (this.#links !== undefined) {
      for (const [node, link] of this.#links) this.#resolve(node, link, 1);
    }
    return this.root;
  }

  #resolve(node: HdfNode, link: Link, chain: number): void {
    if (link.busy) {
      throw new HdfError(
        link.line,
        `link ${quote(node.path())} leads back to itself: set a value on the way`,
      );
    }
    if (chain > LINK_CHAIN) {
      const name = quote(node.path());
      throw new HdfError(link.line, `link ${name} comes after ${LINK_CHAIN} other links: link to the value`);
    }
    link.busy = true;
    const target = this.#find(link.path, chain);
    if (target === undefined) {
      this.dangling(node, link.path, link.line);
      this.unlink(node);
      return;
    }
    const ownType = node.type;
    node.value = undefined;
    this.#copy(node, target, depthOf(node), link.line, chain);
    if (ownType !== undefined) node.type = ownType;
    this.#links?.delete(node);
  }

  /** The node of a dotted name from the root, by way of links, which become copies on the way. */
  #find(path: string, chain: number): HdfNode | undefined {
    let node = this.root;
    for (let from = 0; from <= path.length;) {
      const dot = path.indexOf(".", from);
      const to = dot < 0 ? path.length : dot;
      const link = this.#links?.get(node);
      if (link !== undefined) this.#resolve(node, link, chain + 1);
      const next = node.get(path.slice(from, to));
      if (next === undefined) return undefined;
      node = next;
      from = to + 1;
    }
    return node;
  }

  /** The node of a dotted name from the root as it is by now, by way of links, which stay what they are. */
  protected reach(path: string, line: number, chain: number): HdfNode | undefined {
    if (chain > LINK_CHAIN) {
      throw new HdfError(line, `${quote(path)} comes after ${LINK_CHAIN} links: copy from the value itself`);
    }
    this.#count(path.length, line);
    let node: HdfNode | undefined = this.root;
    for (const name of path.split(".")) {
      node = node.get(name);
      if (node === undefined) return undefined;
      const link = this.#links?.get(node);
      if (link !== undefined) node = this.reach(link.path, line, chain + 1);
      if (node === undefined) return undefined;
    }
    return node;
  }

  /** Copies value, type and children over what `node` has; the two lie apart, so the source does not grow. */
  #copy(node: HdfNode, source: HdfNode, depth: number, line: number, chain: number): void {
    this.#checkDepth(depth, line);
    this.#count(source.name.length + (source.value?.length ?? 0) + (source.type?.length ?? 0), line);
    const link = this.#links?.get(source);
    if (link !== undefined) this.#resolve(source, link, chain + 1);
    if (source.value !== undefined) node.value = source.value;
    if (source.type !== undefined) node.type = source.type;
    for (const child of source.children()) {
      const own = node.get(child.name) ?? this.#add(node, child.name, line);
      this.#copy(own, child, depth + 1, line, chain);
    }
  }

  /** Counts UTF-16 units that a copy or a link repeats. */
  #count(units: number, line: number): void {
    this.#copied += units;
    if (this.#copied <= this.#limits.copied) return;
    throw new HdfError(
      line,
      `copies and links repeat more than ${this.#limits.copied} characters: send less`,
      "copied",
    );
  }

  #add(parent: HdfNode, name: string, line: number): HdfNode {
    if (++this.#nodes > this.#limits.nodes) {
      throw new HdfError(line, `more than ${this.#limits.nodes} names: send less in one message`, "nodes");
    }
    return parent.add(name);
  }

  #checkDepth(depth: number, line: number): void {
    if (depth > this.#limits.depth) {
      throw new HdfError(line, `more than ${this.#limits.depth} levels deep: nest less`, "depth");
    }
  }
}

/** Levels from the root, which has 0. */
export function depthOf(node: HdfNode): number {
  let depth = 0;
  for (let at = node.parent; at !== undefined; at = at.parent) depth++;
  return depth;
}

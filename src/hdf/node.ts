/** A node of an HDF tree: a value, children, both or neither. The root has no name and no parent. */
export class HdfNode {
  readonly name: string;
  readonly parent: HdfNode | undefined;
  value: string | undefined = undefined;
  /** The attribute `type`: "100" to "108", or whatever the sender wrote. */
  type: string | undefined = undefined;
  /** Made with the first child: most nodes are leaves. */
  #children: Map<string, HdfNode> | undefined = undefined;

  constructor(name: string, parent?: HdfNode) {
    this.name = name;
    this.parent = parent;
  }

  /** How many children. */
  get size(): number {
    return this.#children === undefined ? 0 : this.#children.size;
  }

  /** The child of that name (one level, no dots). */
  get(name: string): HdfNode | undefined {
    return this.#children === undefined ? undefined : this.#children.get(name);
  }

  /** Makes the last child, or gives back the one that has the name; the name must be one that `isHdfName` likes. */
  add(name: string): HdfNode {
    this.#children ??= new Map();
    const found = this.#children.get(name);
    if (found !== undefined) return found;
    const child = new HdfNode(name, this);
    this.#children.set(name, child);
    return child;
  }

  /** The children in the order they came. */
  children(): Iterable<HdfNode> {
    return this.#children === undefined ? NONE : this.#children.values();
  }

  /** The dotted name from the root: `user.tags.0`. */
  path(): string {
    if (this.parent === undefined) return "";
    const names = [this.name];
    for (let node = this.parent; node.parent !== undefined; node = node.parent) names.push(node.name);
    return names.reverse().join(".");
  }
}

const NONE: readonly HdfNode[] = [];

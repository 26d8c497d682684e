import { parse } from "smol-toml";
import type { KeyPath } from "./config_error.ts";

/** Where something stands in a text: line and column in characters, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A key or an item of a list, and what stands under it; offsets are in UTF-16 units. */
class TomlNode {
  readonly children = new Map<string | number, TomlNode>();
  /** A list that grows by `[[name]]`: keys below its name go into its last item. */
  isTables = false;

  /**
   * @param key where its key begins; of an item, the same as `value`
   * @param value where its value begins; of a table with a header, the same as `key`
   */
  constructor(public key: number, public value: number) {}

  /** The child of that name, made at the offset where there is none. */
  child(name: string | number, offset: number): TomlNode {
    let child = this.children.get(name);
    if (child === undefined) this.children.set(name, child = new TomlNode(offset, offset));
    return child;
  }

  /** Where keys below it go. */
  get open(): TomlNode {
    return this.isTables ? this.children.get(this.children.size - 1)!.open : this;
  }
}

/** Finds where the keys and values of a TOML text stand. Only for a text that the parser takes: nothing is checked here. */
export class TomlPositions {
  #root: TomlNode | undefined;
  #lines: readonly number[] | undefined;

  constructor(readonly text: string) {}

  /** Where a key stands; where it is none of the text's, the nearest table above it. */
  key(path: KeyPath): Position {
    return this.#position(this.#nearest(path).key);
  }

  /** Where a key's value begins; the same where there is none. */
  value(path: KeyPath): Position {
    return this.#position(this.#nearest(path).value);
  }

  has(path: KeyPath): boolean {
    let node: TomlNode | undefined = this.#found;
    for (const key of path) node = node?.children.get(key);
    return node !== undefined;
  }

  /**
   * For a text that is right up to a position and gives something twice there: where it stands first. Undefined where
   * nothing of the name stands before.
   */
  before({ line, column }: Position): Position | undefined {
    const lines = this.text.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    const offset = start + [...lines[line - 1] ?? ""].slice(0, column - 1).join("").length;
    const finder = new Finder(this.text, offset);
    finder.document();
    return finder.first === undefined ? undefined : this.#position(finder.first.key);
  }

  get #found(): TomlNode {
    return this.#root ??= new Finder(this.text).document();
  }

  #nearest(path: KeyPath): TomlNode {
    let node = this.#found;
    for (const key of path) {
      const child = node.children.get(key);
      if (child === undefined) break;
      node = child;
    }
    return node;
  }

  #position(offset: number): Position {
    const starts = this.#lines ??= lineStarts(this.text);
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: [...this.text.slice(starts[low], offset)].length + 1 };
  }
}

/** The offset of each line. */
function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

interface Key {
  readonly name: string;
  readonly offset: number;
}

/** Goes through the text once. */
class Finder {
  #at = 0;
  /** What the keys at `end` name that is there already. */
  first: TomlNode | undefined;

  /** @param end it goes no further than the first keys from this offset on */
  constructor(readonly text: string, readonly end = Infinity) {}

  document(): TomlNode {
    const root = new TomlNode(0, 0);
    let table = root;
    for (this.#skipVoid(); this.#at < this.text.length; this.#skipVoid()) {
      if (this.text[this.#at] === "[") table = this.#header(root);
      else this.#keyValue(table);
    }
    return root;
  }

  /** `[a.b]` or `[[a.b]]`; gives the table that it opens. */
  #header(root: TomlNode): TomlNode {
    const start = this.#at;
    const isItem = this.text[start + 1] === "[";
    this.#at += isItem ? 2 : 1;
    const keys = this.#keys();
    if (this.#isEnd(keys, root)) return root;
    let node = root;
    for (const { name } of keys) node = node.open.child(name, start);
    this.#at += isItem ? 2 : 1;
    if (!isItem) {
      // What was named by a table below it before begins here all the same.
      node.key = node.value = start;
      return node;
    }
    node.isTables = true;
    return node.child(node.children.size, start);
  }

  #keyValue(table: TomlNode): void {
    const keys = this.#keys();
    if (this.#isEnd(keys, table)) return;
    let node = table;
    for (const { name, offset } of keys) node = node.child(name, offset);
    this.#at++;
    this.#skipVoid();
    this.#value(node);
  }

  #isEnd(keys: readonly Key[], table: TomlNode): boolean {
    if (keys[0]!.offset < this.end) return false;
    let node: TomlNode | undefined = table;
    for (const { name } of keys) {
      node = node.open.children.get(name);
      if (node === undefined) break;
      this.first = node;
    }
    this.#at = this.text.length;
    return true;
  }

  /** The names of a dotted key; stops behind it and the blanks that follow. */
  #keys(): Key[] {
    const keys: Key[] = [];
    for (;;) {
      this.#skipBlanks();
      const offset = this.#at;
      keys.push({ name: this.#name(), offset });
      this.#skipBlanks();
      if (this.text[this.#at] !== ".") return keys;
      this.#at++;
    }
  }

  #name(): string {
    const start = this.#at;
    const quote = this.text[start];
    if (quote !== '"' && quote !== "'") {
      this.#skipWhile(/[\w-]+/y);
      return this.text.slice(start, this.#at);
    }
    this.#skipString();
    const written = this.text.slice(start, this.#at);
    return quote === "'" ? written.slice(1, -1) : Object.keys(parse(`${written} = 0`))[0]!;
  }

  #value(node: TomlNode): void {
    node.value = this.#at;
    const first = this.text[this.#at];
    if (first === '"' || first === "'") return this.#skipString();
    if (first === "[") return this.#items("]", (index) => this.#value(node.child(index, this.#at)));
    if (first === "{") return this.#items("}", () => this.#keyValue(node));
    this.#skipWhile(/[^,\]}#\r\n]+/y);
  }

  #items(end: string, item: (index: number) => void): void {
    this.#at++;
    for (let index = 0;; index++) {
      this.#skipVoid();
      if (this.#at >= this.text.length || this.text[this.#at] === end) break;
      item(index);
      this.#skipVoid();
      if (this.text[this.#at] === ",") this.#at++;
    }
    this.#at++;
  }

  #skipString(): void {
    const quote = this.text[this.#at]!;
    const isLong = this.text.startsWith(quote.repeat(3), this.#at);
    const end = isLong ? quote.repeat(3) : quote;
    this.#at += end.length;
    while (this.#at < this.text.length && !this.text.startsWith(end, this.#at)) {
      this.#at += quote === '"' && this.text[this.#at] === "\\" ? 2 : 1;
    }
    this.#at += end.length;
    // Up to two quotes may stand before those that end it.
    for (let more = 0; isLong && more < 2 && this.text[this.#at] === quote; more++) this.#at++;
  }

  #skipBlanks(): void {
    this.#skipWhile(/[ \t]+/y);
  }

  /** Blanks, line ends and comments. */
  #skipVoid(): void {
    for (;;) {
      this.#skipWhile(/[ \t\r\n]+/y);
      if (this.text[this.#at] !== "#") return;
      this.#skipWhile(/#[^\n]*/y);
    }
  }

  #skipWhile(sticky: RegExp): void {
    sticky.lastIndex = this.#at;
    if (sticky.test(this.text)) this.#at = sticky.lastIndex;
  }
}

import { parse } from "smol-toml";
import type { KeyPath } from "./config_error.ts";

/** Where something stands in a text: line and column in characters, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A key or an item of a list, and what stands under it; offsets are in UTF-16 units. */
class Place {
  readonly children = new Map<string | number, Place>();
  /** A list that grows by `[[name]]`: keys below its name go into its last item. */
  isTables = false;

  /**
   * @param key where its key begins; of an item, the same as `value`
   * @param value where its value begins; of a table with a header, the same as `key`
   */
  constructor(public key: number, public value: number) {}

  /** The child of that name, made at the offset where there is none. */
  child(name: string | number, offset: number): Place {
    let child = this.children.get(name);
    if (child === undefined) this.children.set(name, child = new Place(offset, offset));
    return child;
  }

  /** Where keys below it go. */
  get open(): Place {
    return this.isTables ? this.children.get(this.children.size - 1)!.open : this;
  }
}

/** Finds where the keys and values of a TOML text stand. Only for a text that the parser takes: nothing is checked here. */
export class Places {
  #root: Place | undefined;
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
    let place: Place | undefined = this.#found;
    for (const key of path) place = place?.children.get(key);
    return place !== undefined;
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

  get #found(): Place {
    return this.#root ??= new Finder(this.text).document();
  }

  #nearest(path: KeyPath): Place {
    let place = this.#found;
    for (const key of path) {
      const child = place.children.get(key);
      if (child === undefined) break;
      place = child;
    }
    return place;
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
  first: Place | undefined;

  /** @param end it goes no further than the first keys from this offset on */
  constructor(readonly text: string, readonly end = Infinity) {}

  document(): Place {
    const root = new Place(0, 0);
    let table = root;
    for (this.#skipVoid(); this.#at < this.text.length; this.#skipVoid()) {
      if (this.text[this.#at] === "[") table = this.#header(root);
      else this.#keyValue(table);
    }
    return root;
  }

  /** `[a.b]` or `[[a.b]]`; gives the table that it opens. */
  #header(root: Place): Place {
    const start = this.#at;
    const isItem = this.text[start + 1] === "[";
    this.#at += isItem ? 2 : 1;
    const keys = this.#keys();
    if (this.#isEnd(keys, root)) return root;
    let place = root;
    for (const { name } of keys) place = place.open.child(name, start);
    this.#at += isItem ? 2 : 1;
    if (!isItem) {
      // What was named by a table below it before begins here all the same.
      place.key = place.value = start;
      return place;
    }
    place.isTables = true;
    return place.child(place.children.size, start);
  }

  #keyValue(table: Place): void {
    const keys = this.#keys();
    if (this.#isEnd(keys, table)) return;
    let place = table;
    for (const { name, offset } of keys) place = place.child(name, offset);
    this.#at++;
    this.#skipVoid();
    this.#value(place);
  }

  #isEnd(keys: readonly Key[], table: Place): boolean {
    if (keys[0]!.offset < this.end) return false;
    let place: Place | undefined = table;
    for (const { name } of keys) {
      place = place.open.children.get(name);
      if (place === undefined) break;
      this.first = place;
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

  #value(place: Place): void {
    place.value = this.#at;
    const first = this.text[this.#at];
    if (first === '"' || first === "'") return this.#skipString();
    if (first === "[") return this.#items("]", (index) => this.#value(place.child(index, this.#at)));
    if (first === "{") return this.#items("}", () => this.#keyValue(place));
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

import { parseAttributes } from "./attributes.ts";
import { HdfError, quote } from "./error.ts";
import { HDF_LIMITS, type HdfLimits } from "./limits.ts";
import { invisibleIn, isNameCode } from "./name.ts";
import type { HdfNode } from "./node.ts";
import { isSpaceCode, skipSpace } from "./space.ts";
import { depthOf, TreeBuilder } from "./tree_builder.ts";

const NEWLINE = 10;
const HASH = 35;
const DOT = 46;
const COLON = 58;
const LESS = 60;
const EQUALS = 61;
const BRACKET = 91;
const OPEN = 123;
const CLOSE = 125;

/**
 * Reads HDF text (no NUL; the wire's last byte is cut off before) into its tree. Throws HdfError with the line for
 * whatever ClearSilver could not read, for `#include`, for links that point to nothing or loop, and over a limit.
 */
export function parseHdf(text: string, limits?: Partial<HdfLimits>): HdfNode {
  const tree = new TreeBuilder(limits === undefined ? HDF_LIMITS : { ...HDF_LIMITS, ...limits });
  scanHdf(text, tree, tree.root, 0);
  return tree.finish();
}

/** Adds what a text says to a tree, below the node at that depth; the tree's links stay open. Throws as {@link parseHdf}. */
export function scanHdf(text: string, tree: TreeBuilder, node: HdfNode, depth: number): void {
  new Scanner(text, tree, node, depth).run();
}

/** Goes over the text once, line by line; strings are cut out of it only for names and values. */
class Scanner {
  readonly #text: string;
  readonly #tree: TreeBuilder;
  /** Where the next line starts. */
  #next = 0;
  /** The current line, from 1. */
  #line = 0;
  #node: HdfNode;
  /** How deep `#node` lies; the root is 0. */
  #depth: number;
  /** For every open brace the node and depth outside it, and its line. */
  readonly #open: { readonly node: HdfNode; readonly depth: number; readonly line: number }[] = [];

  constructor(text: string, tree: TreeBuilder, node: HdfNode, depth: number) {
    this.#text = text;
    this.#tree = tree;
    this.#node = node;
    this.#depth = depth;
  }

  run(): void {
    const text = this.#text;
    while (this.#next < text.length) {
      this.#line++;
      const newline = text.indexOf("\n", this.#next);
      const end = newline < 0 ? text.length : newline;
      const start = skipSpace(text, this.#next, end);
      this.#next = end + 1;
      if (start < end) this.#readLine(start, end);
    }
    const brace = this.#open.at(-1);
    if (brace !== undefined) throw new HdfError(brace.line, 'the "{" is never closed: add a line "}"');
    const nul = text.indexOf("\0");
    if (nul >= 0) throw new HdfError(lineOf(text, nul), "a NUL stands in the text: end the text before it");
  }

  /** Reads a line that is not blank; `start` is its first character. */
  #readLine(start: number, end: number): void {
    const text = this.#text;
    const line = this.#line;
    const first = text.charCodeAt(start);
    if (first === HASH) return this.#include(start, end);
    if (first === CLOSE) return this.#close(start, end);
    let at = start;
    let dots = 0;
    let isAscii = true;
    for (; at < end; at++) {
      const code = text.charCodeAt(at);
      if (code === DOT) dots++;
      else if (!isNameCode(code)) break;
      else if (code > 127) isAscii = false;
    }
    if (at === start) {
      throw new HdfError(line, `no name before ${this.#rest(start, end)}: write name = value`);
    }
    const name = text.slice(start, at);
    if (!isAscii) this.#checkVisible(name);
    at = skipSpace(text, at, end);
    let type: string | undefined;
    const bracket = at;
    if (at < end && text.charCodeAt(at) === BRACKET) {
      const attributes = parseAttributes(text, at + 1, end, line);
      type = attributes.type;
      at = skipSpace(text, attributes.next, end);
    }
    const sign = at < end ? text.charCodeAt(at) : NEWLINE;
    let node: HdfNode;
    if (sign === EQUALS) {
      node = this.#place(name, dots);
      this.#tree.assign(node, stripped(text, at + 1, end));
    } else if (sign === OPEN) {
      node = this.#place(name, dots);
      this.#enter(node, dots, at, end);
    } else if (sign === LESS && text.charCodeAt(at + 1) === LESS) {
      node = this.#place(name, dots);
      this.#tree.assign(node, this.#lines(stripped(text, at + 2, end)));
    } else if (sign === COLON && text.charCodeAt(at + 1) === EQUALS) {
      const value = this.#tree.valueOf(stripped(text, at + 2, end), line);
      node = this.#place(name, dots);
      this.#tree.assign(node, value);
    } else if (sign === COLON) {
      node = this.#place(name, dots);
      this.#tree.link(node, stripped(text, at + 1, end), line);
    } else {
      const found = at < end ? this.#rest(at, end) : "the end of the line";
      throw new HdfError(line, `${quote(name)} is followed by ${found}: write name = value`);
    }
    if (type !== undefined) node.type = type;
    const { attribute } = this.#tree;
    if (attribute !== null && text.charCodeAt(bracket) === BRACKET) {
      parseAttributes(text, bracket + 1, end, line, (key, value) => attribute(node, key, value));
    }
  }

  #place(name: string, dots: number): HdfNode {
    return this.#tree.place(this.#node, this.#depth, name, dots, this.#line);
  }

  #checkVisible(name: string): void {
    const code = invisibleIn(name);
    if (code === undefined) return;
    const what = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
    throw new HdfError(
      this.#line,
      `name ${quote(name)} holds ${what}, which cannot be seen: write it without`,
    );
  }

  /** `name {`: what follows lies below the node, until its `}`. A comment may stand behind the brace. */
  #enter(node: HdfNode, dots: number, brace: number, end: number): void {
    const after = skipSpace(this.#text, brace + 1, end);
    if (after < end && this.#text.charCodeAt(after) !== HASH) {
      throw new HdfError(
        this.#line,
        `${this.#rest(brace, end)}: nothing but a # comment may follow the "{" on its line`,
      );
    }
    const inner = this.#tree.inside(node, this.#line);
    this.#open.push({ node: this.#node, depth: this.#depth, line: this.#line });
    this.#node = inner;
    this.#depth = inner === node ? this.#depth + dots + 1 : depthOf(inner);
  }

  #close(start: number, end: number): void {
    if (skipSpace(this.#text, start + 1, end) < end) {
      throw new HdfError(this.#line, `${this.#rest(start, end)}: nothing may follow the "}" on its line`);
    }
    const outside = this.#open.pop();
    if (outside === undefined) throw new HdfError(this.#line, 'a "}" that closes nothing: remove it');
    this.#node = outside.node;
    this.#depth = outside.depth;
  }

  /** The lines of `name << EOM` down to the one that holds the terminator alone. */
  #lines(terminator: string): string {
    const text = this.#text;
    const opened = this.#line;
    if (terminator === "") throw new HdfError(opened, "no terminator after <<: write name << EOM");
    const start = this.#next;
    while (this.#next < text.length) {
      const from = this.#next;
      this.#line++;
      const newline = text.indexOf("\n", from);
      const end = newline < 0 ? text.length : newline;
      this.#next = end + 1;
      if (!text.startsWith(terminator, from)) continue;
      if (skipSpace(text, from + terminator.length, end) < end) continue;
      return text.slice(start, from);
    }
    throw new HdfError(opened, `the text has no end: add a line ${quote(terminator)}`);
  }

  #include(start: number, end: number): void {
    const after = start + "#include".length;
    if (!this.#text.startsWith("#include", start) || after >= end) return;
    if (!isSpaceCode(this.#text.charCodeAt(after))) return;
    this.#tree.include(stripped(this.#text, after, end), this.#node, this.#depth, this.#line);
  }

  #rest(start: number, end: number): string {
    return quote(this.#text.slice(start, end));
  }
}

/** The text between the two places without white space at its ends. */
function stripped(text: string, from: number, to: number): string {
  const start = skipSpace(text, from, to);
  let end = to;
  while (end > start && isSpaceCode(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function lineOf(text: string, at: number): number {
  let line = 1;
  for (
    let newline = text.indexOf("\n");
    newline >= 0 && newline < at;
    newline = text.indexOf("\n", newline + 1)
  ) {
    line++;
  }
  return line;
}

import { writeType } from "./attributes.ts";
import { HdfValueError } from "./error.ts";
import { HDF_LIMITS } from "./limits.ts";
import type { HdfNode } from "./node.ts";
import { isSpaceCode } from "./space.ts";

/**
 * Writes the tree in the compact form of the C writer, without the wire's closing NUL, and with no attribute but `type`:
 * readers of old can read no other. A value that plain HDF text would cut (white space at an end) goes out in lines;
 * lines end in a newline, so that such a value, and one of several lines without a last newline, is read with one newline
 * more. Throws HdfValueError below `depth` levels.
 */
export function writeHdf(root: HdfNode, depth = HDF_LIMITS.depth): string {
  return writeChildren(root, depth);
}

function writeChildren(parent: HdfNode, depth: number): string {
  if (depth === 0 && parent.size > 0) {
    throw new HdfValueError(parent.path(), "lies too deep for HDF: nest less");
  }
  let text = "";
  for (const node of parent.children()) {
    const hasChildren = node.size > 0;
    // A node that has neither is written as the empty value that C readers take it for.
    if (node.value !== undefined || !hasChildren) text += writeValue(node, node.value ?? "");
    if (!hasChildren) continue;
    const type = node.value === undefined ? writeType(node.type) : "";
    text += `${node.name}${type}{\n${writeChildren(node, depth - 1)}}\n`;
  }
  return text;
}

function writeValue(node: HdfNode, value: string): string {
  const type = writeType(node.type);
  if (!value.includes("\n") && !hasOuterSpace(value)) return `${node.name}${type} = ${value}\n`;
  const terminator = chooseTerminator(value);
  const last = value.endsWith("\n") ? "" : "\n";
  return `${node.name}${type} << ${terminator}\n${value}${last}${terminator}\n`;
}

function hasOuterSpace(value: string): boolean {
  return value !== "" &&
    (isSpaceCode(value.charCodeAt(0)) || isSpaceCode(value.charCodeAt(value.length - 1)));
}

/**
 * `EOM`, or the first of `EOM1`, `EOM2`, … that ends no word of the text, wherever on its line: readers of old take a long
 * line in pieces, and end the text at a piece that begins with the terminator and white space. (`EOMx` is none, and the C
 * writer keeps `EOM` beside it.)
 */
function chooseTerminator(value: string): string {
  if (!value.includes("EOM")) return "EOM";
  const taken = new Set<string>();
  for (const [terminator] of value.matchAll(/EOM(?:[1-9][0-9]{0,8})?(?![A-Za-z0-9_])/g)) {
    taken.add(terminator);
  }
  let terminator = "EOM";
  for (let number = 1; taken.has(terminator); number++) terminator = `EOM${number}`;
  return terminator;
}

import { writeAttributes } from "./attributes.ts";
import { HdfValueError } from "./error.ts";
import { HDF_LIMITS } from "./limits.ts";
import type { HdfNode } from "./node.ts";
import { isSpaceCode } from "./space.ts";

/**
 * Writes the tree in the compact form of the C writer, without the wire's closing NUL. A value that plain HDF text
 * would change (white space at an end; lines, but no newline at the very end) goes out in lines with the attribute
 * `nonl`, which `parseHdf` reads and others ignore. Throws HdfValueError below `depth` levels.
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
    if (node.value !== undefined) text += writeValue(node, node.value);
    if (node.value !== undefined && node.size === 0) continue;
    const attributes = node.value === undefined ? writeAttributes(node.type, false) : "";
    text += `${node.name}${attributes}{\n${writeChildren(node, depth - 1)}}\n`;
  }
  return text;
}

function writeValue(node: HdfNode, value: string): string {
  const lines = value.includes("\n");
  const nonl = lines ? !value.endsWith("\n") : hasOuterSpace(value);
  const attributes = node.type === undefined && !nonl ? "" : writeAttributes(node.type, nonl);
  if (!lines && !nonl) return `${node.name}${attributes} = ${value}\n`;
  const terminator = chooseTerminator(value);
  return `${node.name}${attributes} << ${terminator}\n${value}${nonl ? "\n" : ""}${terminator}\n`;
}

function hasOuterSpace(value: string): boolean {
  return value !== "" &&
    (isSpaceCode(value.charCodeAt(0)) || isSpaceCode(value.charCodeAt(value.length - 1)));
}

/**
 * `EOM`, or the first of `EOM1`, `EOM2`, … that starts no line of the text with white space after it: older readers
 * end the text there even where more follows on the line.
 */
function chooseTerminator(value: string): string {
  if (!value.includes("EOM")) return "EOM";
  const taken = new Set<string>();
  for (const [, terminator = ""] of value.matchAll(/(?:^|\n)(EOM(?:[1-9][0-9]{0,8})?)(?=\s|$)/g)) {
    taken.add(terminator);
  }
  let terminator = "EOM";
  for (let number = 1; taken.has(terminator); number++) terminator = `EOM${number}`;
  return terminator;
}

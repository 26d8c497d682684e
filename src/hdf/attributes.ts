import { HdfError, quote } from "./error.ts";
import { isNameCode } from "./name.ts";
import { isSpaceCode, skipSpace } from "./space.ts";

/** What is kept of `[key, key=value, key="value"]`; all other attributes are read and dropped, where nobody asks for them. */
export interface Attributes {
  readonly type: string | undefined;
  /** Where the text goes on after the `]`. */
  readonly next: number;
}

const ESCAPED = new Map([["n", "\n"], ["t", "\t"], ["r", "\r"]]);

/**
 * Reads the attributes that start at `start`, just after the `[`, and must close before `end`, the line's end; `each` is told of
 * all of them, in their order.
 */
export function parseAttributes(
  text: string,
  start: number,
  end: number,
  line: number,
  each?: (name: string, value: string) => void,
): Attributes {
  let type: string | undefined;
  let at = skipSpace(text, start, end);
  while (at < end && text[at] !== "]") {
    const key = at;
    while (at < end && isNameCode(text.charCodeAt(at))) at++;
    const name = text.slice(key, at);
    if (name === "") throw broken(text, start, end, line);
    at = skipSpace(text, at, end);
    let value = "";
    if (at < end && text[at] === "=") {
      at = skipSpace(text, at + 1, end);
      const from = at;
      at = text[at] === '"' ? closingQuote(text, at + 1, end) + 1 : bareEnd(text, at, end);
      if (at > end) throw broken(text, start, end, line);
      value = text[from] === '"' ? unescape(text.slice(from + 1, at - 1)) : text.slice(from, at);
    }
    if (name === "type") type = value;
    each?.(name, value);
    at = skipSpace(text, at, end);
    if (at < end && text[at] === ",") at = skipSpace(text, at + 1, end);
  }
  if (at >= end) throw broken(text, start, end, line);
  return { type, next: at + 1 };
}

/**
 * Writes the attribute `type`, the only one that deployed readers know, as the C writer does: with the two spaces before
 * the `=` that follows.
 */
export function writeType(type: string | undefined): string {
  return type === undefined ? "" : ` [type="${escape(type)}"] `;
}

function broken(text: string, start: number, end: number, line: number): HdfError {
  const written = quote(text.slice(start - 1, end));
  return new HdfError(line, `attributes ${written} cannot be read: write [key="value", key="value"]`);
}

function bareEnd(text: string, at: number, end: number): number {
  while (at < end && text[at] !== "," && text[at] !== "]" && !isSpaceCode(text.charCodeAt(at))) at++;
  return at;
}

/** Where the quoted value closes; `end` where it does not. */
function closingQuote(text: string, at: number, end: number): number {
  while (at < end && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return Math.min(at, end);
}

/** `\n \t \r`, one to three octal digits for a byte, and a backslash before any other character. */
function unescape(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\(?:([0-7]{1,3})|(.))/gs, (_all, octal?: string, char = "") => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
    return ESCAPED.get(char) ?? char;
  });
}

function escape(text: string): string {
  return text.replace(/["\\\p{Cc}]/gu, (char) => {
    if (char === '"' || char === "\\") return `\\${char}`;
    return char > "\x7f" ? char : `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`;
  });
}

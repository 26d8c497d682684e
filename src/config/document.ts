import { parse, TomlError } from "smol-toml";
import { ConfigError } from "./config_error.ts";
import type { Table } from "./is_table.ts";
import { type Position, TomlPositions } from "./toml_positions.ts";

/** A config file that was read, its values unchecked. */
export interface ConfigDocument {
  readonly values: Table;
  /** Where they stand; null where they came from no text. */
  readonly positions: TomlPositions | null;
}

/** The text of a config file. Throws ConfigError, with the line, where it is not UTF-8. */
export function decodeConfig(bytes: Uint8Array, file: string): string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    return decoder.decode(bytes);
  } catch {
    // Which line it is, nobody tells.
  }
  for (let line = 1, start = 0; start < bytes.length; line++) {
    const found = bytes.indexOf(0x0a, start);
    const end = found < 0 ? bytes.length : found;
    try {
      decoder.decode(bytes.subarray(start, end));
    } catch {
      throw new ConfigError([{
        source: file,
        line,
        message: "is not UTF-8: save the file in that encoding",
      }]);
    }
    start = end + 1;
  }
  throw new ConfigError([{ source: file, message: "is not UTF-8: save the file in that encoding" }]);
}

/** Parses TOML. Throws ConfigError with line and column; a key that is given twice is an error. */
export function parseDocument(text: string, file: string): ConfigDocument {
  const plain = text.startsWith("\uFEFF") ? text.slice(1) : text;
  try {
    // Whole numbers of any length come as they stand: the schema refuses those that are too long, by their key.
    return { values: parse(plain, { integersAsBigInt: "asNeeded" }), positions: new TomlPositions(plain) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const before = plain.split("\n")[error.line - 1]?.slice(0, error.column - 1) ?? "";
    const position = { line: error.line, column: [...before].length + 1 };
    throw new ConfigError([{ source: file, ...position, message: sentenceOf(error, plain, position) }]);
  }
}

/** What the parser says, without its picture of the place. */
function sentenceOf({ message }: TomlError, text: string, position: Position): string {
  const [sentence = ""] = message.replace(/^Invalid TOML document: /, "").split("\n");
  if (!sentence.startsWith("trying to redefine")) {
    const line = text.split("\n")[position.line - 1] ?? "";
    const isAtEnd = position.column > [...line.trimEnd()].length;
    return `is not TOML: ${sentence}${isAtEnd ? "; the line ends here" : ""}${hintOf(sentence, line)}`;
  }
  const first = new TomlPositions(text).before(position);
  const where = first === undefined ? "" : `, in line ${first.line}`;
  return `is not TOML: this key or table is there already${where}; each may be given once`;
}

/** What is likely meant where a text has no quotes, or has backslashes in it. */
function hintOf(sentence: string, line: string): string {
  if (/escape sequence|non-hex/.test(sentence)) {
    return "; a backslash is written \\\\, or the text in single quotes: 'C:\\data'";
  }
  const isOfValue = /^(invalid value|illegal character in numeric|each key-value)/.test(sentence);
  const isBare = /=\s*[^\s"'[{#]/.test(line);
  return isOfValue && isBare ? '; a text stands in quotes: "64 KiB"; true and false are written so' : "";
}

/** A module that cannot be prepared; the message says which file, where in it, and what to do. */
export class ModuleError extends Error {
  override readonly name = "ModuleError";
  /** Files that were looked at until then, as far as they are known: where one of them changes, it may work. */
  files: readonly string[] = [];
}

/** The longest line of a source that is shown, in UTF-16 units. */
const SHOWN_LENGTH = 120;

/** An error at a place of a source, with that line's text; line and column from 1. */
export function errorAt(
  path: string,
  text: string,
  line: number,
  column: number,
  sentence: string,
): ModuleError {
  const source = (text.split(/\r\n|[\n\r\u2028\u2029]/, line)[line - 1] ?? "").replaceAll("\t", " ");
  // Bundles have lines of megabytes: what stands around the place is shown.
  const from = Math.max(0, column - SHOWN_LENGTH / 2);
  const shown = from === 0 && source.length <= SHOWN_LENGTH
    ? { text: source, caret: column - 1 }
    : { text: `…${source.slice(from, from + SHOWN_LENGTH)}`, caret: column - from };
  return new ModuleError(
    `${path}:${line}:${column}: ${sentence}\n    ${shown.text}\n    ${" ".repeat(Math.max(0, shown.caret))}^`,
  );
}

/** The same at an index of the text. */
export function errorAtIndex(path: string, text: string, index: number, sentence: string): ModuleError {
  const lines = text.slice(0, index).split(/\r\n|[\n\r\u2028\u2029]/);
  return errorAt(path, text, lines.length, lines.at(-1)!.length + 1, sentence);
}

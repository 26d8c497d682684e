import type { Dialect } from "./database.ts";

/** A piece of SQL: text as it stands, or the param that belongs there, as its place in `Statement.params`. */
export type Piece = string | number;

/** SQL with named params, taken apart. */
export interface Statement {
  /** For messages: `statement visit`, `table visits`. */
  readonly name: string;
  /** The names of the params, each once. */
  readonly params: readonly string[];
  /** All of it; of an INSERT of one row of values, what stands before that row. */
  readonly head: readonly Piece[];
  /** The row of values without its parentheses, or null: such a statement is run row by row. */
  readonly values: readonly Piece[] | null;
}

/** SQL of the config that cannot be used; the message says why. */
export class StatementError extends Error {
  override readonly name = "StatementError";
}

/** Longest SQL of one statement, in characters. */
const MAX_CHARS = 100_000;
/**
 * The words, one match each: a comment, a quoted text or name, a dollar-quoted text, a cast, a param, a word, any other
 * character.
 */
const WORDS =
  /(?<space>\s+|--[^\n]*|\/\*[^]*?\*\/)|(?<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\$(\w*)\$[^]*?\$\3\$)|::|:(?<param>[A-Za-z_]\w*)|(?<word>\w+)|[^]/gy;
/** In MariaDB and MySQL a backslash escapes in texts, and # begins a comment. */
const MYSQL_WORDS =
  /(?<space>\s+|--\s[^\n]*|#[^\n]*|\/\*[^]*?\*\/)|(?<quoted>'(?:[^'\\]|''|\\[^])*'|"(?:[^"\\]|""|\\[^])*"|`(?:[^`]|``)*`)|:(?<param>[A-Za-z_]\w*)|(?<word>\w+)|[^]/gy;

/** Takes SQL apart. Throws StatementError where it is none of the verbs, or more than one statement. */
export function parseStatement(
  name: string,
  sql: string,
  dialect: Dialect,
  verbs: readonly string[],
): Statement {
  const wrong = (what: string) => new StatementError(`${name}: ${what}`);
  if (sql.length > MAX_CHARS) throw wrong(`it has ${sql.length} characters; ${MAX_CHARS} may be`);
  const params: string[] = [];
  const pieces: Piece[] = [];
  let text = "";
  let depth = 0;
  let verb = "";
  /** The words outside of parentheses, for the shape of an INSERT. */
  const words: string[] = [];
  /** Where the row of values begins and ends in `pieces`. */
  let [from, to] = [-1, -1];
  let isOver = false;
  const flush = () => {
    if (text !== "") pieces.push(text);
    text = "";
  };
  for (const { 0: word, groups = {} } of sql.matchAll(dialect.hasBackslashes ? MYSQL_WORDS : WORDS)) {
    if (groups["space"] !== undefined) {
      text += " ";
      continue;
    }
    if (isOver) throw wrong("it goes on after the `;`; one statement each");
    if (word === "'" || (word === '"') || word === "`") throw wrong(`a ${word} is not closed`);
    if (word === "?" || (word === "$" && !dialect.hasBackslashes)) {
      throw wrong(`it has a ${word}; params are named: VALUES (:uid, :name)`);
    }
    if (word === ";") {
      isOver = true;
      continue;
    }
    if (groups["param"] !== undefined) {
      flush();
      let index = params.indexOf(groups["param"]);
      if (index < 0) index = params.push(groups["param"]) - 1;
      pieces.push(index);
      continue;
    }
    if (word === ")" && --depth === 0 && from >= 0 && to < 0) {
      flush();
      to = pieces.length;
    }
    // Behind the row of values nothing may follow; what stands there shows in `words`.
    if (depth === 0 && (to < 0 || word !== ")")) words.push(word.toUpperCase());
    if (groups["word"] !== undefined && verb === "") verb = word.toUpperCase();
    text += word;
    if (word === "(" && depth++ === 0 && words.at(-2) === "VALUES" && from < 0) {
      flush();
      from = pieces.length;
    }
  }
  flush();
  if (!verbs.includes(verb)) {
    throw wrong(`it begins with ${verb === "" ? "nothing" : verb}; it may begin with ${verbs.join(", ")}`);
  }
  if (depth !== 0) throw wrong("its parentheses do not match");
  // INSERT INTO name ( ) VALUES ( and nothing more: the closing one of the columns is counted, that of the values not.
  const isPlainInsert = words[0] === "INSERT" && words[1] === "INTO" && to >= 0 && words.at(-1) === "(" &&
    words.at(-2) === "VALUES" && params.length > 0;
  const values = pieces.slice(from, to);
  // Only in a row of values of its own is DEFAULT a word that SQL knows.
  const hasDefault = values.some((piece) => typeof piece === "string" && /\bDEFAULT\b/i.test(piece));
  if (!isPlainInsert || hasDefault) return { name, params, head: pieces, values: null };
  const head = [...pieces.slice(0, from)];
  head[head.length - 1] = String(head.at(-1)).replace(/\($/, "");
  return head.some((piece) => typeof piece === "number")
    ? { name, params, head: pieces, values: null }
    : { name, params, head, values };
}

/** SQL text of pieces, each param written as that function says. */
export function write(pieces: readonly Piece[], param: (index: number) => string): string {
  return pieces.map((piece) => typeof piece === "string" ? piece : param(piece)).join("");
}

/** The whole statement for one row. */
export function writeSingle({ head, values }: Statement, param: (index: number) => string): string {
  return write(head, param) + (values === null ? "" : `(${write(values, param)})`);
}

/** The INSERT of so many rows, its params as question marks. */
export function writeRows({ head, values }: Statement, rows: number): string {
  const row = values === null ? "" : `(${write(values, () => "?")})`;
  return write(head, () => "?") + Array<string>(rows).fill(row).join(", ");
}

/** Which param each question mark of one row stands for. */
export function marksOf({ head, values }: Statement): number[] {
  return [...head, ...values ?? []].filter((piece) => typeof piece === "number");
}

/** The INSERT into a table that has those columns. */
export function insertStatement(name: string, table: string, columns: readonly string[]): Statement {
  const values = columns.flatMap((_, index): Piece[] => index === 0 ? [index] : [", ", index]);
  return { name, params: columns, head: [`INSERT INTO ${table} (${columns.join(", ")}) VALUES `], values };
}

/** A name in quotes: whatever it holds, it is that name. */
export function quoteName(name: string, { quote }: Pick<Dialect, "quote">): string {
  return quote + name.replaceAll(quote, quote + quote) + quote;
}

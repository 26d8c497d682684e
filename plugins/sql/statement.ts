import { type Grammar, sqlTokens } from "./sql_tokens.ts";

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
  /** What stands behind the rows of values. */
  readonly tail: string;
  /** Of an INSERT into a table: the SQL types of its params, where the database is to be told them. */
  readonly types?: readonly string[];
}

/** SQL of the config that cannot be used; the message says why. */
export class StatementError extends Error {
  override readonly name = "StatementError";
}

/** Longest SQL of one statement, in characters. */
const MAX_CHARS = 100_000;
/** A param with this name is the operation's id; callers do not give it. */
export const ID_PARAM = "mevent_id";

/** Takes SQL apart. Throws StatementError where it is none of the verbs, or more than one statement. */
export function parseStatement(
  name: string,
  sql: string,
  grammar: Grammar,
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
  for (const { kind, text: word } of sqlTokens(sql, grammar)) {
    if (kind === "space") {
      // On a further line a text may go on.
      text += /^\s*[\n\r]/.test(word) ? "\n" : " ";
      continue;
    }
    if (isOver) throw wrong("it goes on after the `;`; one statement each");
    if (kind === "unclosed") throw wrong(`a ${word} is not closed`);
    if (kind === "param") {
      // In place of `a:b` no `a$1`, which is a name.
      if (/[\w$\u0080-\u{10ffff}]$/u.test(text)) text += " ";
      flush();
      let index = params.indexOf(word);
      if (index < 0) index = params.push(word) - 1;
      pieces.push(index);
      continue;
    }
    if (kind === "mark" && PARAM_MARKS[grammar.name].includes(word)) {
      throw wrong(`it has a ${word}; params are named: VALUES (:uid, :name)`);
    }
    if (word === ";") {
      isOver = true;
      continue;
    }
    if (word === ")" && --depth === 0 && from >= 0 && to < 0) {
      flush();
      to = pieces.length;
    }
    // Behind the row of values nothing may follow; what stands there shows in `words`.
    if (depth === 0 && (to < 0 || word !== ")")) words.push(word.toUpperCase());
    if (kind === "word" && verb === "") verb = word.toUpperCase();
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
  const apart = { name, params, head: pieces, values: null, tail: "" };
  if (!isPlainInsert || hasDefault) return apart;
  const head = [...pieces.slice(0, from)];
  head[head.length - 1] = String(head.at(-1)).replace(/\($/, "");
  return head.some((piece) => typeof piece === "number") ? apart : { name, params, head, values, tail: "" };
}

/** What begins a param by the database's own rules: such a one would have no value. */
const PARAM_MARKS: Readonly<Record<Grammar["name"], readonly string[]>> = {
  // Here a ? is an operator.
  postgres: ["$"],
  mysql: ["?"],
  sqlite: ["?", "$", "@", "#", ":"],
};

/** Throws StatementError where the database has found another number of params than were found here: it reads the SQL otherwise. */
export function requireParams(own: number, found: number): void {
  if (own === found) return;
  throw new StatementError(
    `the database finds ${found} params in it, and mevent ${own}: write texts, comments and params so that both read them alike`,
  );
}

/** SQL text of pieces, each param written as that function says. */
export function write(pieces: readonly Piece[], param: (index: number) => string): string {
  return pieces.map((piece) => typeof piece === "string" ? piece : param(piece)).join("");
}

/** The whole statement for one row. */
export function writeSingle({ head, values, tail }: Statement, param: (index: number) => string): string {
  return write(head, param) + (values === null ? "" : `(${write(values, param)})`) + tail;
}

/** The INSERT of so many rows, its params as question marks. */
export function writeRows({ head, values, tail }: Statement, rows: number): string {
  const row = values === null ? "" : `(${write(values, () => "?")})`;
  return write(head, () => "?") + Array<string>(rows).fill(row).join(", ") + tail;
}

/** Which param each question mark of one row stands for. */
export function marksOf({ head, values }: Statement): number[] {
  return [...head, ...values ?? []].filter((piece) => typeof piece === "number");
}

/** The INSERT into a table that has those columns, their names in quotes. */
export function insertStatement(
  name: string,
  table: string,
  columns: readonly string[],
  { tail = "", types }: Pick<Partial<Statement>, "tail" | "types"> = {},
): Statement {
  const values = columns.flatMap((_, index): Piece[] => index === 0 ? [index] : [", ", index]);
  const head = [`INSERT INTO ${table} (${columns.join(", ")}) VALUES `];
  return { name, params: columns, head, values, tail, ...types === undefined ? {} : { types } };
}

/** A name in quotes: whatever it holds, it is that name. */
export function quoteName(name: string, { quote }: Pick<Grammar, "quote">): string {
  return quote + name.replaceAll(quote, quote + quote) + quote;
}

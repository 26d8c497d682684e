/** What differs in how databases read SQL. */
export interface Grammar {
  readonly name: "postgres" | "mysql" | "sqlite";
  /** Opens and closes a quoted name. */
  readonly quote: '"' | "`";
}

/**
 * A piece of SQL as its database reads it. `space` is blanks and comments; `hint` a comment that the database obeys; `quoted` a
 * text or a name; of a `param` the text is its name; `unclosed` is what opens and is never closed; `mark` all else.
 */
export interface Token {
  readonly kind: "space" | "hint" | "quoted" | "param" | "word" | "unclosed" | "mark";
  readonly text: string;
}

/** What names are made of, behind their first character. */
const REST = String.raw`\w$\u0080-\u{10ffff}`;
const NAME = String.raw`[A-Za-z_\u0080-\u{10ffff}][${REST}]*`;
const [SINGLE, DOUBLE, BACKTICK] = ["'", '"', "`"].map((quote) =>
  `${quote}(?:[^${quote}]|${quote}${quote})*${quote}`
);
/** A backslash in it escapes. */
const [ESCAPED, ESCAPED_DOUBLE] = ["'", '"'].map((quote) =>
  String.raw`${quote}(?:[^${quote}\\]|${quote}${quote}|\\[^])*${quote}`
);
const DOLLARS = String.raw`\$(?<tag>(?:[A-Za-z_\u0080-\u{10ffff}][\w\u0080-\u{10ffff}]*)?)\$[^]*?\$\k<tag>\$`;
/** From one line to a further one. */
const FURTHER = String.raw`[^\S\n\r]*(?:--[^\n\r]*)?[\n\r](?:\s|--[^\n\r]*[\n\r])*`;

function pattern(space: string, quoted: string, firstOfWord = String.raw`\w\u0080-\u{10ffff}`): RegExp {
  return new RegExp(
    String.raw`(?<space>\s+|${space})|(?<block>/\*)|(?<quoted>${quoted})|:(?<param>${NAME})|` +
      String.raw`(?<word>[${firstOfWord}][${REST}]*)|::|[^]`,
    "uy",
  );
}

const PATTERNS: Readonly<Record<Grammar["name"], RegExp>> = {
  // A text goes on where another one begins on a further line; comments to a line's end may stand between.
  postgres: pattern(
    String.raw`--[^\n\r]*`,
    String.raw`[eE]${ESCAPED}(?:${FURTHER}${ESCAPED})*|${SINGLE}|${DOUBLE}|${DOLLARS}`,
  ),
  mysql: pattern(
    String.raw`--(?=\s|$)[^\n]*|#[^\n]*`,
    `${ESCAPED}|${ESCAPED_DOUBLE}|${BACKTICK}`,
    String.raw`\w$\u0080-\u{10ffff}`,
  ),
  sqlite: pattern(String.raw`--[^\n]*`, String.raw`${SINGLE}|${DOUBLE}|${BACKTICK}|\[[^\]]*\]`),
};
const OPENS: Readonly<Record<Grammar["name"], string>> = { postgres: `'"`, mysql: "'\"`", sqlite: "'\"`[" };
/** What a subscript is cast to: `[:a::int]`. Any other name behind `::` is the param that ends a slice: `[:from::to]`. */
const SUBSCRIPTS = /\s*(?:int|integer|int2|int4|int8|smallint|bigint|numeric|text|varchar)\b/iuy;

/** The pieces of SQL, one after the other: together they are all of it, with `:` before each param. */
export function* sqlTokens(sql: string, { name }: Grammar): Generator<Token> {
  const tokens = PATTERNS[name];
  /** Of PostgreSQL: the brackets and parentheses that are open. */
  const open: Bracket[] = [];
  /** What stood last, and whether it can be what a slice begins with. */
  let [last, isOperand] = ["", false];
  /** Of MariaDB and MySQL: inside of a comment that is obeyed. */
  let isObeyed = false;
  for (let at = 0; at < sql.length;) {
    tokens.lastIndex = at;
    const match = tokens.exec(sql);
    // The last alternative takes anything.
    if (match === null) throw new Error(`no token at ${at}`);
    const { 0: text, groups = {} } = match;
    at += text.length;
    if (groups["block"] !== undefined) {
      const obeyed = name === "mysql" ? /^\/\*M?!\d*/.exec(sql.slice(at - 2, at + 12))?.[0] : undefined;
      if (obeyed !== undefined) {
        isObeyed = true;
        at += obeyed.length - 2;
        yield { kind: "hint", text: obeyed };
        continue;
      }
      const end = endOfComment(sql, at, name === "postgres");
      if (end < 0) return yield { kind: "unclosed", text };
      const isHint = sql[at] === "+";
      yield { kind: isHint ? "hint" : "space", text: sql.slice(at - 2, end) };
      at = end;
      continue;
    }
    if (isObeyed && text === "*" && sql[at] === "/") {
      isObeyed = false;
      at++;
      yield { kind: "hint", text: "*/" };
      continue;
    }
    if (groups["space"] !== undefined) {
      yield { kind: "space", text };
      continue;
    }
    if (
      name === "postgres" && open.at(-1) === "subscript" && isSliceColon(sql, at, text, groups, isOperand)
    ) {
      at += 1 - text.length;
      [last, isOperand] = [":", false];
      yield { kind: "mark", text: ":" };
      continue;
    }
    if (text === "(") open.push("parenthesis");
    if (text === "[") open.push(isList(last, open.at(-1)) ? "list" : "subscript");
    if (text === ")" || text === "]") open.pop();
    last = text;
    isOperand = groups["quoted"] !== undefined || groups["param"] !== undefined ||
      groups["word"] !== undefined ||
      text === ")" || text === "]";
    if (groups["quoted"] !== undefined) yield { kind: "quoted", text };
    else if (groups["param"] !== undefined) yield { kind: "param", text: groups["param"] };
    else if (groups["word"] === undefined) {
      yield { kind: OPENS[name].includes(text) ? "unclosed" : "mark", text };
    } // Where its backslashes leave the text open, it is none of the other kind.
    else if (name === "postgres" && /^e$/i.test(text) && sql[at] === "'") {
      yield { kind: "unclosed", text: "'" };
    } else yield { kind: "word", text };
  }
  if (isObeyed) yield { kind: "unclosed", text: "/*" };
}

type Bracket = "parenthesis" | "subscript" | "list";

/** Whether the bracket behind that opens the values of an `ARRAY[…]`, or a list within them; any other is a subscript. */
function isList(last: string, open: Bracket | undefined): boolean {
  return /^array$/i.test(last) || open === "list" && (last === "[" || last === ",");
}

/** Whether a `:` that was taken for the beginning of a param or of a cast, and ends at `at`, parts the ends of a slice. */
function isSliceColon(
  sql: string,
  at: number,
  text: string,
  groups: Readonly<Record<string, string>>,
  isOperand: boolean,
): boolean {
  if (groups["param"] !== undefined) return isOperand;
  if (text !== "::") return false;
  SUBSCRIPTS.lastIndex = at;
  return !SUBSCRIPTS.test(sql);
}

/** Where the comment ends in which that place is, or -1. */
function endOfComment(sql: string, from: number, areNested: boolean): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = from;
  for (let depth = 1, mark = marks.exec(sql); mark !== null; mark = marks.exec(sql)) {
    if (mark[0] === "*/") depth--;
    else if (areNested) depth++;
    if (depth === 0) return marks.lastIndex;
  }
  return -1;
}

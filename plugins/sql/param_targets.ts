import { type Grammar, sqlTokens, type Token } from "./sql_tokens.ts";

/** The columns that params of a statement go into as they are. */
export interface ParamTargets {
  /** Of its parts the last is the table's name. */
  readonly table: readonly string[];
  /** Columns by their params; params that stand anywhere else, too, are left out. */
  readonly columns: ReadonlyMap<string, readonly string[]>;
}

/**
 * Finds params that stand alone in the VALUES of an INSERT with a list of columns, or in a SET. Null for a statement of any other
 * form.
 */
export function paramTargets(sql: string, grammar: Grammar): ParamTargets | null {
  const tokens = [...sqlTokens(sql, grammar)].filter(({ kind }) => kind !== "space" && kind !== "hint");
  const at = tokens.findIndex((token) => isWord(token, "INTO") || isWord(token, "UPDATE"));
  if (!/^(?:INSERT|REPLACE|UPDATE)$/i.test(tokens[0]?.text ?? "") || at < 0) return null;
  let from = at + 1;
  // UPDATE OR IGNORE name
  if (isWord(tokens[from], "OR")) from += 2;
  const table = [nameOf(tokens[from])];
  for (from++; tokens[from]?.text === "."; from += 2) table.push(nameOf(tokens[from + 1]));
  const names: string[] = [];
  if (tokens[from]?.text === "(") {
    for (const token of tokens.slice(from + 1)) {
      if (token.text === ")") break;
      if (token.text !== ",") names.push(nameOf(token));
    }
  }
  const columns = new Map<string, string[]>();
  const seen = new Map<string, number>();
  for (const [index, { kind, text }] of tokens.entries()) {
    if (kind !== "param") continue;
    seen.set(text, (seen.get(text) ?? 0) + 1);
    const column = columnAt(tokens, index, names);
    if (column !== undefined) columns.set(text, [...columns.get(text) ?? [], column]);
  }
  for (const [name, targets] of columns) if (targets.length !== seen.get(name)) columns.delete(name);
  return { table, columns };
}

/** The column that the param at that place is for, and nothing else. */
function columnAt(tokens: readonly Token[], index: number, names: readonly string[]): string | undefined {
  const next = tokens[index + 1];
  const before = tokens[index - 1]?.text;
  if (before === "=") {
    const isEnd = next === undefined || next.text === "," || next.text === ";" ||
      ["WHERE", "FROM", "RETURNING", "ON"].some((word) => isWord(next, word));
    const opens = tokens[index - 3];
    return isEnd && (isWord(opens, "SET") || opens?.text === ",") ? nameOf(tokens[index - 2]) : undefined;
  }
  if ((before !== "(" && before !== ",") || (next?.text !== "," && next?.text !== ")")) return undefined;
  // Back to the parenthesis that opens the row of values.
  let [place, depth] = [0, 0];
  for (let at = index - 1; at > 0; at--) {
    const { text } = tokens[at]!;
    if (text === ")") depth++;
    else if (text === "(" && depth-- === 0) {
      return isOfValues(tokens, at) ? names[place] : undefined;
    } else if (text === "," && depth === 0) place++;
  }
  return undefined;
}

/** Whether a row of VALUES opens there: the first, or one behind another. */
function isOfValues(tokens: readonly Token[], at: number): boolean {
  for (let before = at - 1, depth = 0; before > 0; before--) {
    const token = tokens[before]!;
    if (depth === 0 && isWord(token, "VALUES")) return true;
    if (token.text === ")") depth++;
    else if (token.text === "(") depth--;
    else if (depth === 0 && token.text !== ",") return false;
    if (depth < 0) return false;
  }
  return false;
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === "word" && token.text.toUpperCase() === word;
}

/** A name without its quotes. */
function nameOf(token: Token | undefined): string {
  const text = token?.text ?? "";
  const quote = text[0] ?? "";
  if (token?.kind !== "quoted") return text;
  const inner = text.slice(1, -1);
  return quote === "[" ? inner : inner.replaceAll(quote + quote, quote);
}

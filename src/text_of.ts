/** What is said of a value that cannot be made into text. */
const NO_TEXT = "a value that cannot be written as text";
/** A line of a trace that says where. */
export const FRAME = /^ {4}at /;
/** So many errors are told of those that one came from. */
const MAX_CAUSES = 4;
/** mevent's own code and its built-in plugins, as they stand in such lines, and Deno's. */
const OWN_CODE = [
  new URL("./", import.meta.url).href,
  new URL("../plugins/", import.meta.url).href,
  "ext:",
];

/** How this thread's errors are told. */
let telling: Telling = { text: (text) => text, missing: () => undefined };

/** How a plugin's thread tells what was thrown in it: in its author's terms. */
export interface Telling {
  /** The same text with the names that the author knows. */
  readonly text: (text: string) => string;
  /** A sentence that says more than the error's own; undefined where there is none. Never throws. */
  readonly missing: (thrown: unknown) => string | undefined;
}

/** Lets this thread's errors be told so from now on. */
export function tellBy(way: Telling): void {
  telling = way;
}

/** A text of the plugin with the names that its author knows. */
export function toldText(text: string): string {
  return telling.text(text);
}

/**
 * The sentence of whatever was thrown: an error's message, else the value as text. Plugins throw anything, an object
 * without a prototype or a proxy that throws too: this never throws.
 */
export function textOf(thrown: unknown): string {
  const missing = telling.missing(thrown);
  if (missing !== undefined) return missing;
  try {
    if (!(thrown instanceof Error)) return telling.text(String(thrown));
    const message: unknown = thrown.message;
    return telling.text(String(message) || String(thrown.name));
  } catch {
    return NO_TEXT;
  }
}

/**
 * The same with the lines that say where it was thrown, for an error that has them: those that lie in the plugin's code, for
 * mevent's own say nothing to its author; then what it came from, as `cause` and `errors` say. Never throws.
 */
export function traceOf(thrown: unknown): string {
  const told = [thrown];
  const traces = [traceAlone(thrown)];
  for (const error of told) {
    for (const cause of causesOf(error)) {
      if (told.length > MAX_CAUSES || told.includes(cause)) continue;
      told.push(cause);
      traces.push(`Caused by: ${traceAlone(cause)}`);
    }
  }
  return traces.join("\n");
}

function causesOf(thrown: unknown): unknown[] {
  try {
    if (!(thrown instanceof Error)) return [];
    const causes: unknown[] = thrown.cause === undefined ? [] : [thrown.cause];
    if (thrown instanceof AggregateError) causes.push(...thrown.errors.slice(0, MAX_CAUSES));
    return causes;
  } catch {
    return [];
  }
}

function traceAlone(thrown: unknown): string {
  try {
    if (thrown instanceof Error && typeof thrown.stack === "string" && thrown.stack !== "") {
      const stack = othersFrames(telling.text(thrown.stack));
      const missing = telling.missing(thrown);
      if (missing === undefined) return stack;
      return [missing, ...stack.split("\n").filter((line) => FRAME.test(line))].join("\n");
    }
  } catch {
    // The getter of `stack` is the plugin's.
  }
  return textOf(thrown);
}

/** A trace without the lines that lie in mevent's code. */
export function othersFrames(stack: string): string {
  const isOwn = (line: string) =>
    FRAME.test(line) && (OWN_CODE.some((own) => line.includes(own)) || line.endsWith("(<anonymous>)"));
  return stack.split("\n").filter((line) => !isOwn(line)).join("\n");
}

/** The text where it has at most so many UTF-16 units, else its beginning and "…" in as many. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** The keys, and the numbers in lists, that lead to a value. */
export type KeyPath = readonly (string | number)[];

/** What is wrong with a config, and where. */
export interface ConfigProblem {
  /** What was expected, and what stood there. */
  readonly message: string;
  /** The file's path as it was given, `environment` or `command line`; undefined where only the caller knows it. */
  readonly source?: string | undefined;
  /** In the file, from 1; undefined where it does not stand there, or only the caller knows it. */
  readonly line?: number | undefined;
  /** In characters, from 1. */
  readonly column?: number | undefined;
  readonly path?: KeyPath;
}

/** A config that cannot be used: all that is wrong with it. Its message has a line for each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly details: readonly ConfigProblem[];

  constructor(problems: readonly (ConfigProblem | string)[]) {
    const details = problems.map((each) => typeof each === "string" ? { message: each } : each);
    super(details.map(problemText).join("\n"));
    this.details = details;
  }

  /** A line each: `mevent.toml:12:1: server.max_fram: unknown key; did you mean max_frame?` */
  get problems(): string[] {
    return this.details.map(problemText);
  }
}

/** `mevent.toml:12:1: server.max_fram: unknown key`, as much of it as is known. */
export function problemText({ source, line, column, path = [], message }: ConfigProblem): string {
  const place = [source, line, column].filter((part) => part !== undefined).join(":");
  return [place, keyText(path), message].filter((part) => part !== "").join(": ");
}

/** The path as one would write it: `plugin[0].config."a b"`. */
export function keyText(path: KeyPath): string {
  return path.map((key, at) => {
    if (typeof key === "number") return `[${key}]`;
    const text = /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
    return at === 0 ? text : `.${text}`;
  }).join("");
}

/** The longest piece of a wrong value that a message repeats, in UTF-16 units. */
const SHOWN_LENGTH = 60;

/** A problem of one value: `expected …, got …`. */
export function mismatch(expected: string, value: unknown, path: KeyPath = []): ConfigError {
  return new ConfigError([{ message: `expected ${expected}, got ${show(value)}`, path }]);
}

function show(value: unknown): string {
  const text = isJson(value)
    ? JSON.stringify(value, (_, each) => isJson(each) ? each : String(each))
    : String(value);
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}

/** JSON has neither NaN nor whole numbers of any length, and nothing for what is missing. */
function isJson(value: unknown): boolean {
  return value !== undefined && typeof value !== "bigint" &&
    (typeof value !== "number" || Number.isFinite(value));
}

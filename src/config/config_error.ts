/** A config that cannot be used: a line for each problem, saying where it stands, what was expected and what stood there. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

/** The longest piece of a wrong value that a message repeats, in UTF-16 units. */
const SHOWN_LENGTH = 60;

/** A problem of one value: `expected …, got …`. */
export function mismatch(expected: string, value: unknown): ConfigError {
  return new ConfigError([`expected ${expected}, got ${show(value)}`]);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}

/** What is said of a value that cannot be made into text. */
const NO_TEXT = "a value that cannot be written as text";

/**
 * The sentence of whatever was thrown: an error's message, else the value as text. Plugins throw anything, an object
 * without a prototype or a proxy that throws too: this never throws.
 */
export function textOf(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return String(thrown);
    const message: unknown = thrown.message;
    return String(message) || String(thrown.name);
  } catch {
    return NO_TEXT;
  }
}

/** The same with the lines that say where it was thrown, for an error that has them. Never throws. */
export function traceOf(thrown: unknown): string {
  try {
    if (thrown instanceof Error && typeof thrown.stack === "string" && thrown.stack !== "") {
      return thrown.stack;
    }
  } catch {
    // The getter of `stack` is the plugin's.
  }
  return textOf(thrown);
}

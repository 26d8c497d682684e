/** What a key means. */
export type Key = "quit" | "hold" | "up" | "down" | "pageUp" | "pageDown" | "home" | "end";

const KEYS: readonly (readonly [typed: string, key: Key])[] = [
  ["\x1b[A", "up"],
  ["\x1bOA", "up"],
  ["\x1b[B", "down"],
  ["\x1bOB", "down"],
  ["\x1b[5~", "pageUp"],
  ["\x1b[6~", "pageDown"],
  ["\x1b[H", "home"],
  ["\x1bOH", "home"],
  ["\x1b[1~", "home"],
  ["\x1b[F", "end"],
  ["\x1bOF", "end"],
  ["\x1b[4~", "end"],
  ["k", "up"],
  ["j", "down"],
  ["p", "hold"],
  ["q", "quit"],
  // Ctrl-C and Ctrl-D, which a terminal in raw mode hands on.
  ["\x03", "quit"],
  ["\x04", "quit"],
];

/** The keys in what was typed, in their order; others are passed over. */
export function keysOf(typed: string): Key[] {
  const keys: Key[] = [];
  for (let at = 0; at < typed.length;) {
    const found = KEYS.find(([text]) => typed.startsWith(text, at));
    if (found !== undefined) keys.push(found[1]);
    at += found?.[0].length ?? 1;
  }
  return keys;
}

/** The longest list, in UTF-16 units: an error reply stays small. */
const MAX_CHARS = 200;

/** What there is, for the sentence that something is not: `echo, kv and 3 more`; `none` where there is nothing. */
export function knownNames(names: readonly string[]): string {
  if (names.length === 0) return "none";
  let text = "";
  for (const [at, name] of names.entries()) {
    const more = at === 0 ? name : `${text}, ${name}`;
    // One name always stands there: what there is must not look like nothing.
    if (at > 0 && more.length > MAX_CHARS) return `${text} and ${names.length - at} more`;
    text = more;
  }
  return text;
}

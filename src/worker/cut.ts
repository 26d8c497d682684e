/** The text where it has at most so many UTF-16 units, else its beginning and "…" in as many. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** A word as a shell is to be given it: as it is where no shell reads more into it, else in quotes. */
export function quoted(word: string): string {
  if (/^[A-Za-z0-9_./:@%+,=-]+$/.test(word) && !word.startsWith("-")) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

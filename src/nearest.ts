/**
 * The one of the known words that was meant by a word that is none of them, or undefined where none is near: one letter in
 * three may be wrong, missing, too many or swapped with its neighbour. Capitals, dashes and underscores do not count.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const plain = plainOf(word);
  let found: string | undefined;
  let least = Infinity;
  for (const each of known) {
    const other = plainOf(each);
    const most = Math.floor(Math.max(plain.length, other.length) / 3);
    if (Math.abs(plain.length - other.length) > most) continue;
    const distance = distanceOf(plain, other);
    if (distance <= most && distance < least) [found, least] = [each, distance];
  }
  return found;
}

/** `; did you mean max_frame?`, or nothing where no known word is near. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const meant = nearest(word, known);
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}

/** Longer words are not compared: their cost grows with the square. */
const LONGEST = 64;

function plainOf(word: string): string {
  return word.slice(0, LONGEST).toLowerCase().replaceAll(/[-_]/g, "");
}

/** Edits that lead from one word to the other: a letter changed, added, removed, or two neighbours swapped. */
function distanceOf(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const line = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      line.push(Math.min(
        above[column]! + 1,
        line[column - 1]! + 1,
        above[column - 1]! + (isSame ? 0 : 1),
        isSwapped ? before[column - 2]! + 1 : Infinity,
      ));
    }
    [before, above] = [above, line];
  }
  return above[b.length]!;
}

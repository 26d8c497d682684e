/** A SHA-256 as 32-bit words. */
export const HASH_WORDS = 8;

/** A hash as words. */
export function wordsOf(hash: Uint8Array): Int32Array {
  return new Int32Array(hash.slice().buffer);
}

/**
 * Where a hash stands among others, -1 where it does not. What it takes depends on how many there are alone: each word of each of
 * them is looked at, and nothing branches on what they hold.
 *
 * @param rows the others, {@link HASH_WORDS} words each
 */
export function indexOfHash(rows: Int32Array, wanted: Int32Array): number {
  let found = -1;
  for (let at = 0, row = 0; at < rows.length; at += HASH_WORDS, row++) {
    let difference = 0;
    for (let word = 0; word < HASH_WORDS; word++) difference |= rows[at + word]! ^ wanted[word]!;
    // All bits where nothing differs, none where something does.
    const same = ((difference | -difference) >>> 31) - 1;
    found = (found & ~same) | (row & same);
  }
  return found;
}

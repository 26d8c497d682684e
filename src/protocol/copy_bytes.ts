/** Up to here a loop over words beats the call into the engine that `set(subarray)` makes, and one over bytes does, in bytes. */
const WORDS_BYTES = 384;
const BYTES_BYTES = 64;

/**
 * The arrays that were copied from and to last, and views of them once they are used again: most copies of a batch share
 * theirs. A view costs three times a copy, so that none is made for arrays that take turns.
 */
let source: Uint8Array | null = null;
let sourceView: DataView | null = null;
let target: Uint8Array | null = null;
let targetView: DataView | null = null;

/** Copies bytes between arrays, mostly without an allocation for short pieces. */
export function copyBytes(from: Uint8Array, at: number, length: number, to: Uint8Array, start: number): void {
  if (from !== source || to !== target) {
    if (from !== source) sourceView = null;
    if (to !== target) targetView = null;
    source = from;
    target = to;
    return copyOnce(from, at, length, to, start);
  }
  if (length > WORDS_BYTES) return copyOnce(from, at, length, to, start);
  const words = sourceView ??= viewOf(from);
  const targets = targetView ??= viewOf(to);
  const end = at + length;
  for (; at + 4 <= end; at += 4, start += 4) targets.setUint32(start, words.getUint32(at, true), true);
  for (; at < end; at++, start++) to[start] = from[at]!;
}

function copyOnce(from: Uint8Array, at: number, length: number, to: Uint8Array, start: number): void {
  if (length > BYTES_BYTES) to.set(from.subarray(at, at + length), start);
  else for (let i = 0; i < length; i++) to[start + i] = from[at + i]!;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** An array of bytes, and the same memory as words. */
export interface Words {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
}

/** The same where both places are multiples of 4, and up to 3 bytes behind the last one may be overwritten. */
export function copyWords(from: Words, at: number, length: number, to: Words, start: number): void {
  if (length > WORDS_BYTES) return to.bytes.set(from.bytes.subarray(at, at + length), start);
  const { words } = from;
  const target = to.words;
  let word = start >>> 2;
  const end = (at + length + 3) >>> 2;
  for (let each = at >>> 2; each < end; each++, word++) target[word] = words[each]!;
}

/** Up to here a loop beats the call into the engine that `set(subarray)` makes, in bytes. */
const LOOP_BYTES = 384;

/** The arrays that were copied from and to last, with views of them: most copies of a batch share theirs. */
let source: Uint8Array = new Uint8Array(0);
let sourceView: DataView = new DataView(source.buffer);
let target: Uint8Array = source;
let targetView: DataView = sourceView;

/** Copies bytes between arrays, without an allocation for short pieces. */
export function copyBytes(from: Uint8Array, at: number, length: number, to: Uint8Array, start: number): void {
  if (length > LOOP_BYTES) return to.set(from.subarray(at, at + length), start);
  if (from !== source) {
    source = from;
    sourceView = viewOf(from);
  }
  if (to !== target) {
    target = to;
    targetView = viewOf(to);
  }
  const end = at + length;
  for (; at + 4 <= end; at += 4, start += 4) {
    targetView.setUint32(start, sourceView.getUint32(at, true), true);
  }
  for (; at < end; at++, start++) to[start] = from[at]!;
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
  if (length > LOOP_BYTES) return to.bytes.set(from.bytes.subarray(at, at + length), start);
  const { words } = from;
  const target = to.words;
  let word = start >>> 2;
  const end = (at + length + 3) >>> 2;
  for (let each = at >>> 2; each < end; each++, word++) target[word] = words[each]!;
}

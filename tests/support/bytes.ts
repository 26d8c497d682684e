export { concat } from "../../src/protocol/bytes.ts";

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex);
}

export function toHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** The bytes cut at these offsets. */
export function cut(bytes: Uint8Array, ...offsets: number[]): Uint8Array[] {
  const edges = [0, ...offsets, bytes.length];
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge)).filter((piece) =>
    piece.length > 0
  );
}

/** Each byte alone; of a long message only the first and last `most` bytes, and what lies between in one piece. */
export function singles(bytes: Uint8Array, most = 128): Uint8Array[] {
  const { length } = bytes;
  if (length <= 2 * most) return cut(bytes, ...Array.from({ length: length - 1 }, (_, index) => index + 1));
  const head = Array.from({ length: most }, (_, index) => index + 1);
  const tail = Array.from({ length: most }, (_, index) => length - most + index);
  return cut(bytes, ...head, ...tail);
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
/** Bytes that count: names are not longer. */
const HASHED_BYTES = 64;

/** FNV-1a of the first bytes; a signed 32-bit number. Another seed makes other numbers. */
export function hashOf(bytes: Uint8Array, at: number, length: number, seed = FNV_OFFSET): number {
  let hash = seed;
  const end = at + Math.min(length, HASHED_BYTES);
  for (let i = at; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, FNV_PRIME);
  return hash;
}

const encoder = new TextEncoder();

/**
 * The checksum of the C client over a key's bytes in UTF-8, up to a NUL: 32 bits. It moves on by one byte where it takes two, so the
 * first half of the key alone counts.
 */
export function keyChecksum(key: string): number {
  const [text = ""] = key.split("\0", 1);
  const bytes = encoder.encode(text);
  let sum = 0;
  let at = 0;
  for (let left = bytes.length; left > 1; left -= 2) {
    sum += bytes[at]! + 256 * bytes[at + 1]!;
    at++;
  }
  if (bytes.length % 2 === 1) sum += bytes[at]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum >>> 0;
}

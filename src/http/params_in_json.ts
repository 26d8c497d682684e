const OPEN = 0x7b;
const NULL = [0x6e, 0x75, 0x6c, 0x6c];

/** What a request is told whose params are neither an object nor none. */
export const NO_OBJECT = "the params are to be a JSON object, null, or left out";

/** The first byte of JSON that is no space; `end` where there is none. */
export function afterSpace(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && isSpace(bytes[at]!)) at++;
  return at;
}

/** What JSON is as params, by how it begins: an object, none at all (nothing, or null), or no params. Allocates nothing. */
export function paramsInJson(bytes: Uint8Array, at: number, end: number): "object" | "none" | "wrong" {
  at = afterSpace(bytes, at, end);
  if (at === end) return "none";
  if (bytes[at] === OPEN) return "object";
  for (const byte of NULL) if (at === end || bytes[at++] !== byte) return "wrong";
  return afterSpace(bytes, at, end) === end ? "none" : "wrong";
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

const LF = 0x0a;
const decoder = new TextDecoder();

/** Where the line after the one at `at` begins; -1 where that one is not whole. */
export function afterLine(bytes: Uint8Array, at: number): number {
  return at < 0 ? -1 : bytes.indexOf(LF, at) + 1 || -1;
}

/** The line at `at`, without its end. */
export function lineAt(bytes: Uint8Array, at: number): string {
  const end = afterLine(bytes, at);
  return decoder.decode(bytes.subarray(at, end < 0 ? undefined : end - 2));
}

/** The digits at `at`. */
export function numberAt(bytes: Uint8Array, at: number): number {
  let number = 0;
  for (let digit = bytes[at]! - 0x30; digit >= 0 && digit <= 9; digit = bytes[++at]! - 0x30) {
    number = 10 * number + digit;
  }
  return number;
}

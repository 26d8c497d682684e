/** Longer texts are not searched for a place that the parser does not name; in UTF-16 units. */
const MAX_SEARCHED = 1024 * 1024;

/** What is wrong with bytes that are to be UTF-8, and where; null where nothing is. Lines and bytes count from 1. */
export function utf8Problem(bytes: Uint8Array): string | null {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  if (decodes(decoder, bytes)) return null;
  let line = 1;
  let start = 0;
  for (;; line++) {
    const end = bytes.indexOf(0x0a, start);
    if (end < 0 || !decodes(decoder, bytes.subarray(start, end))) break;
    start = end + 1;
  }
  const at = firstWrong(bytes, start);
  const byte = bytes[at]!.toString(16).toUpperCase().padStart(2, "0");
  return `line ${line}, byte ${
    at - start + 1
  }: 0x${byte} is not UTF-8; where the text is in another encoding, ` +
    "iconv -f LATIN1 -t UTF-8 and the like change it";
}

/** What is wrong with a text that is no JSON, and where. Lines and characters count from 1. */
export function jsonProblem(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const named = /position (\d+)/.exec(message)?.[1];
  const at = named === undefined ? searched(text) : Number(named);
  const reason = /^(Bad|Expected|Exponent|No number|Unterminated)/.test(message)
    ? message.replace(/ in JSON at position.*$/s, "")
    : null;
  if (at === null) return reason ?? "it is no JSON";
  const before = text.slice(0, at);
  const line = before.split("\n").length;
  const column = [...before.slice(before.lastIndexOf("\n") + 1)].length + 1;
  const found = String.fromCodePoint(text.codePointAt(at) ?? 0);
  const problem = text.slice(at) === ""
    ? "the text ends too soon"
    : `unexpected ${JSON.stringify(found)}${reason === null ? "" : `: ${reason.toLowerCase()}`}`;
  return `line ${line}, character ${column}: ${problem}`;
}

function decodes(decoder: TextDecoder, bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Where the first sequence begins that is no UTF-8: up to there all decodes, whatever follows. */
function firstWrong(bytes: Uint8Array, start: number): number {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let at = start;
  while (at < bytes.length) {
    const length = sequenceLength(bytes[at]!);
    if (length === 0 || !decodes(decoder, bytes.subarray(at, at + length))) return at;
    at += length;
  }
  return start;
}

/** Of the character that begins with the byte; 0 where none does. */
function sequenceLength(byte: number): number {
  if (byte < 0x80) return 1;
  if (byte < 0xc2 || byte > 0xf4) return 0;
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/** The first character that makes it no beginning of JSON; null where the text is too long to search. */
function searched(text: string): number | null {
  if (text.length > MAX_SEARCHED) return null;
  let good = 0;
  let bad = text.length + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1;
    if (isBeginning(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

/** Whether something may follow that makes it JSON. */
function isBeginning(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const { message } = error as SyntaxError;
    return /^(Unexpected end|Unterminated)/.test(message) ||
      Number(/position (\d+)/.exec(message)?.[1]) === text.length;
  }
}

import { ReplyCode } from "./codes.ts";
import { ProtocolError } from "./errors.ts";

/** What the texts of a listener's callers may be written in. */
export const CHARSETS = ["utf-8", "gbk", "latin1"] as const;
export type CharsetName = typeof CHARSETS[number];
type OldCharset = Exclude<CharsetName, "utf-8">;

/** What TextDecoder calls them: pages that say ISO-8859-1 mean windows-1252, with its € and curly quotes. */
const LABELS: { readonly [name in OldCharset]: string } = { gbk: "gbk", latin1: "windows-1252" };

const ASCII_END = 0x80;
const NEWLINE = 10;
/** What TextDecoder puts where it knows no character. */
const UNKNOWN = 0xfffd;
/** A byte of these begins a character of more than one byte in GBK. */
const [FIRST_LEAD, LAST_LEAD] = [0x81, 0xfe];
const [FIRST_TRAIL, LAST_TRAIL] = [0x40, 0xfe];
/** In GB18030, which TextDecoder reads for GBK, a digit as the second byte is that of a character of four. */
const [FIRST_DIGIT, LAST_DIGIT] = [0x30, 0x39];

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** A character that is spelled has up to so many times the bytes that it has in UTF-8: U+00E9 six for two. */
const MAX_GROWTH = 3;

/** What is done with characters that the charset has not: an error of code 22, or their number is spelled. */
export type Unsayable = "refuse" | "spell";

/** A charset of old: each character one or two bytes, those below 128 as in ASCII. Made by {@link charsetOf}. */
export class Charset {
  readonly #decoder: TextDecoder;
  /** The bytes of each UTF-16 unit, 0 where it has none. */
  readonly #codes: Uint16Array;

  constructor(readonly name: OldCharset) {
    this.#decoder = new TextDecoder(LABELS[name], { fatal: true, ignoreBOM: true });
    this.#codes = this.#table();
  }

  /** The same text in UTF-8. Throws ProtocolError (17) with the line where the bytes are none. */
  toUtf8(bytes: Uint8Array): Uint8Array {
    try {
      return encoder.encode(this.#decode(bytes));
    } catch {
      throw new ProtocolError(`line ${this.#badLine(bytes)} of the text is not ${this.name}`);
    }
  }

  /** The other way. Throws ProtocolError (22), where told to refuse, at the first character that it has not. */
  fromUtf8(bytes: Uint8Array, unsayable: Unsayable): Uint8Array {
    const text = utf8.decode(bytes);
    const codes = this.#codes;
    const out = new Uint8Array(bytes.length * (unsayable === "spell" ? MAX_GROWTH : 1));
    let at = 0;
    for (const character of text) {
      const code = character.length === 1 ? codes[character.charCodeAt(0)]! : 0;
      if (code > 0xff) out[at++] = code >>> 8;
      if (code > 0 || character === "\0") out[at++] = code;
      else {
        const spelled = `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
        if (unsayable === "refuse") {
          throw new ProtocolError(
            `the reply has the character ${spelled}, which ${this.name} has not`,
            ReplyCode.Pack,
          );
        }
        at += encoder.encodeInto(spelled, out.subarray(at)).written;
      }
    }
    return out.subarray(0, at);
  }

  #decode(bytes: Uint8Array): string {
    if (this.name === "gbk") checkPairs(bytes);
    return this.#decoder.decode(bytes);
  }

  /** No character has a byte that is a newline, but for the newline. */
  #badLine(bytes: Uint8Array): number {
    for (let line = 1, at = 0; at < bytes.length; line++) {
      const end = bytes.indexOf(NEWLINE, at);
      const next = end < 0 ? bytes.length : end + 1;
      try {
        this.#decode(bytes.subarray(at, next));
      } catch {
        return line;
      }
      at = next;
    }
    return 1;
  }

  /** TextDecoder knows the way in; all it knows, turned round, is the way out. */
  #table(): Uint16Array {
    const all: number[] = [];
    for (let byte = 1; byte < 0x100; byte++) if (byte !== NEWLINE) all.push(byte);
    if (this.name === "gbk") {
      for (let lead = FIRST_LEAD; lead <= LAST_LEAD; lead++) {
        for (let trail = FIRST_TRAIL; trail <= LAST_TRAIL; trail++) all.push(lead << 8 | trail);
      }
    }
    const lines = new Uint8Array(3 * all.length);
    let end = 0;
    for (const code of all) {
      if (code > 0xff) lines[end++] = code >>> 8;
      lines[end++] = code & 0xff;
      lines[end++] = NEWLINE;
    }
    const decoder = new TextDecoder(LABELS[this.name], { ignoreBOM: true });
    const texts = decoder.decode(lines.subarray(0, end)).split("\n");
    const codes = new Uint16Array(0x10000);
    codes[NEWLINE] = NEWLINE;
    for (const [index, code] of all.entries()) {
      const text = texts[index]!;
      const unit = text.charCodeAt(0);
      // Of two ways to write one the first counts: for € that is the single byte, as browsers write it.
      if (text.length === 1 && unit !== UNKNOWN && codes[unit] === 0) codes[unit] = code;
    }
    return codes;
  }
}

/** Throws where a character has four bytes, which only GB18030 has. */
function checkPairs(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at]! < FIRST_LEAD) continue;
    const trail = bytes[++at] ?? 0;
    if (trail >= FIRST_DIGIT && trail <= LAST_DIGIT) throw new TypeError("a character of four bytes");
  }
}

const charsets = new Map<CharsetName, Charset | null>([["utf-8", null]]);

/** The one of that name; null for UTF-8, where nothing is to be done. */
export function charsetOf(name: CharsetName): Charset | null {
  const known = charsets.get(name);
  if (known !== undefined || name === "utf-8") return known ?? null;
  const made = new Charset(name);
  charsets.set(name, made);
  return made;
}

/** Whether all bytes are ASCII, which is the same in every charset. */
export function isAscii(bytes: Uint8Array, at: number, end: number): boolean {
  for (let i = at; i < end; i++) if (bytes[i]! >= ASCII_END) return false;
  return true;
}

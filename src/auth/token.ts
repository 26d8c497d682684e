import { createHash } from "node:crypto";

/** Chance in a token, in bytes. */
export const TOKEN_BYTES = 32;
/** The longest text that is looked at as a token, in UTF-16 units. */
export const MAX_TOKEN_CHARS = 1024;
/** What tokens begin with, so that they are recognised where they do not belong. */
const MARK = "mevent_";
const HASH = /^sha256:([\da-f]{64})$/;

/** A token from so many bytes of chance. */
export function tokenOf(chance: Uint8Array): string {
  return MARK + chance.toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * What is kept of a token: its SHA-256. A slow hash makes guessing slow where a secret can be guessed; the 256 bits of chance in a
 * token cannot, and a fast one costs the server little for each wrong login.
 */
export function hashOfToken(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}

/** The hash as the config has it. */
export function hashText(hash: Uint8Array): string {
  return `sha256:${hash.toHex()}`;
}

/** `sha256:` and 64 hexadecimal digits; undefined where it is something else. */
export function parseHash(text: string): Uint8Array | undefined {
  const [, digits] = HASH.exec(text) ?? [];
  return digits === undefined ? undefined : Uint8Array.fromHex(digits);
}

/**
 * Characters that a reader does not see, or takes for a space: of control all but tab and line breaks; of format, as the
 * byte order mark; spaces other than the one.
 */
const INVISIBLE = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115F\u1160\u3164\uFFA0]|(?! )\p{Zs}/gu;

/** With each of them as `<U+FEFF>`, for people. */
export function markInvisible(text: string): string {
  return text.replace(INVISIBLE, (character) => `<${codeOf(character)}>`);
}

/** JSON text with each of them as the escape `\ufeff`, which means the same in a text of JSON. */
export function escapeInvisible(json: string): string {
  return json.replace(
    INVISIBLE,
    (character) =>
      Array.from(
        { length: character.length },
        (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
      ).join(""),
  );
}

/** Which there are: `U+FEFF, U+200B`, each once; "" where there are none. */
export function invisibleIn(text: string): string {
  return [...new Set(text.match(INVISIBLE) ?? [])].map(codeOf).join(", ");
}

function codeOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

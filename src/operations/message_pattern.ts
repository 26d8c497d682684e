/** What is looked at of a message, and what is left of it, in UTF-16 units. */
const MAX_LOOKED = 1000;
const MAX_PATTERN = 300;

const QUOTED = /"[^"\n]*"|`[^`\n]*`|(?<![\p{L}\p{N}])'[^'\n]*'(?![\p{L}\p{N}])|“[^”\n]*”|«[^»\n]*»/gu;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
/** Of six letters and digits or more, with a digit among them: ids, hashes, times. */
const NAMED = /(?<![\p{L}\p{N}])(?=[\p{L}\p{N}_-]*\d)[\p{L}\p{N}_-]{6,}/gu;
const NUMBER = /\d+(?:[.,:]\d+)*/g;

/** What messages of one cause have in common: without what stands in quotes, ids and numbers, which are another time other ones. */
export function messagePattern(message: string): string {
  return message.slice(0, MAX_LOOKED)
    .replace(QUOTED, (quoted) => `${quoted[0]}…${quoted.at(-1)}`)
    .replace(UUID, "#")
    .replace(NAMED, "#")
    .replace(NUMBER, "#")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, MAX_PATTERN);
}

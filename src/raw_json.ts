import type { ExactJson, ExactNumber } from "./plugin.ts";

/** Node 20 has none of it. */
const { rawJSON, isRawJSON } = JSON as JSON & Partial<ExactJson>;
const NUL = "\0";
/** A value that was put away, as JSON writes it: a key has a colon behind it, a quote within a text a backslash before it. */
const PUT_AWAY = /(?<!\\)"\\u0000(\d+)"(?!:)/g;

/** What {@link rawJson} has made where the runtime has no `JSON.rawJSON`. */
const made = new WeakSet<object>();

/** `JSON.rawJSON` of a number, also where the runtime has none. */
export const rawJson: ExactJson["rawJSON"] = rawJSON ?? ownRawJson;

/** Whether {@link rawJson} has made it. */
export const isRawJson: ExactJson["isRawJSON"] = isRawJSON ??
  ((value: unknown): value is ExactNumber => typeof value === "object" && value !== null && made.has(value));

/**
 * `JSON.stringify` that writes bigints as their digits, and what {@link rawJson} has made as its text. Throws TypeError where there is
 * what JSON cannot say.
 */
export const stringifyRaw: (value: unknown, indent?: number) => string | undefined = rawJSON === undefined
  ? ownStringify
  : (value, indent) =>
    JSON.stringify(
      value,
      (_, value) => typeof value === "bigint" ? rawJSON(value.toString()) : value,
      indent,
    );

/** Made so that `JSON.stringify` alone throws TypeError, as for a bigint. */
export function ownRawJson(text: string): ExactNumber {
  const raw: ExactNumber = Object.create(null, {
    rawJSON: { value: text, enumerable: true },
    toJSON: { value: () => 0n },
  });
  made.add(raw);
  return Object.freeze(raw);
}

/** Numbers are put away for texts that begin with a NUL, as are texts that do so themselves; all are put back in the end. */
export function ownStringify(value: unknown, indent?: number): string | undefined {
  const texts: string[] = [];
  const putAway = (text: string) => `${NUL}${texts.push(text) - 1}`;
  const text: string | undefined = JSON.stringify(
    value,
    function (this: Record<string, unknown>, key, value: unknown) {
      // What it was before `toJSON`.
      const before = this[key];
      if (typeof before === "bigint") return putAway(before.toString());
      if (typeof before === "object" && before !== null && made.has(before)) {
        return putAway((before as ExactNumber).rawJSON);
      }
      return typeof value === "string" && value.startsWith(NUL) ? putAway(JSON.stringify(value)) : value;
    },
    indent,
  );
  return text?.replace(PUT_AWAY, (_, index: string) => texts[Number(index)]!);
}

/** The smallest and the largest int64. */
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** How HDF spells the number, and with which type; undefined for a number that is not finite. */
export function numberToText(
  number: number,
): { readonly type: "int" | "int64" | "float"; readonly text: string } | undefined {
  if (!Number.isFinite(number)) return undefined;
  if (Object.is(number, -0)) return { type: "float", text: "-0" };
  const text = String(number);
  if ((number | 0) === number) return { type: "int", text };
  return { type: Number.isSafeInteger(number) ? "int64" : "float", text };
}

/**
 * The number that the text spells, undefined where it spells none. Of whole numbers (`whole`) those within 64 bits
 * count, and one beyond ±2^53 comes back as its text.
 */
export function numberFromText(text: string, whole: boolean): number | string | undefined {
  if (!whole) {
    if (!/^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(text)) return undefined;
    const number = Number(text);
    return Number.isFinite(number) ? number : undefined;
  }
  const digits = /^[+-]?0*([0-9]{1,19})$/.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const number = Number(text);
  // Adding 0 makes the 0 of "-0": a whole number has no such thing.
  if (Number.isSafeInteger(number)) return number + 0;
  const exact = BigInt(text.startsWith("-") ? `-${digits}` : digits);
  if (exact < INT64_MIN || exact > INT64_MAX) return undefined;
  return exact.toString();
}

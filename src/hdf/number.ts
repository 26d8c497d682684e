import { spelledNumber } from "../exact_number.ts";
import type { ExactNumber } from "../plugin.ts";

/** The smallest and the largest int64. */
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * How HDF spells the number, and with which type: a whole one beyond 64 bits is a float with all its digits. Undefined for a
 * number that is not finite.
 */
export function numberToText(
  number: number | bigint | ExactNumber,
): { readonly type: "int" | "int64" | "float"; readonly text: string } | undefined {
  if (typeof number === "object") return { type: "float", text: number.rawJSON };
  if (typeof number === "bigint") {
    const isInt = BigInt.asIntN(32, number) === number;
    return { type: isInt ? "int" : isInt64(number) ? "int64" : "float", text: number.toString() };
  }
  if (!Number.isFinite(number)) return undefined;
  if (Object.is(number, -0)) return { type: "float", text: "-0" };
  const text = String(number);
  if ((number | 0) === number) return { type: "int", text };
  return { type: Number.isSafeInteger(number) ? "int64" : "float", text };
}

/**
 * The number that the text spells, exact; undefined where it spells none. Of whole numbers (`whole`) those within 64 bits
 * count.
 */
export function numberFromText(text: string, whole: boolean): number | bigint | ExactNumber | undefined {
  if (!whole) return spelledNumber(text);
  const digits = /^[+-]?0*([0-9]{1,19})$/.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const number = Number(text);
  // Adding 0 makes the 0 of "-0": a whole number has no such thing.
  if (Number.isSafeInteger(number)) return number + 0;
  const exact = BigInt(text.startsWith("-") ? `-${digits}` : digits);
  return isInt64(exact) ? exact : undefined;
}

function isInt64(number: bigint): boolean {
  return number >= INT64_MIN && number <= INT64_MAX;
}

import type { ExactNumber, JsonValue } from "./plugin.ts";
import { isRawJson, rawJson } from "./raw_json.ts";

/** Texts of numbers that are no longer are those of doubles, unless they have an exponent. */
export const PLAIN_CHARS = 15;
/** The most digits of a double, and so of a whole number that is taken for one, however it is written. */
const MAX_WHOLE_DIGITS = 309;
/** Of an exponent, with its sign. */
const MAX_EXPONENT_CHARS = 18;
/** What tells every double from all others. */
const DOUBLE_DIGITS = 17;

const DECIMAL = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?$/;
/** A number, as JSON writes them. */
export const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const NUMBER_START = /^[-\d]/;
const WHOLE_DIGITS = /^-?\d+$/;

/** A number by its decimal digits: 0.`digits` times 10 to the power of `point`; no digits are zero. */
interface Decimal {
  readonly isNegative: boolean;
  /** Neither the first nor the last is 0. */
  readonly digits: string;
  readonly point: bigint;
}

const ZERO: Decimal = { isNegative: false, digits: "", point: 0n };

/** Whether it is a number that neither a double nor a bigint holds. */
export function isExactNumber(value: unknown): value is ExactNumber {
  return isRawJson(value) && NUMBER_START.test(value.rawJSON);
}

/** Whether `JSON.rawJSON` has made it, of a number or another value that is no object. */
export function isRaw(value: unknown): value is ExactNumber {
  return isRawJson(value);
}

/** What stands in the place of `JSON.rawJSON(…)`; other values stay what they are. */
export function withoutRaw<T>(value: T): T | number | bigint | string | boolean | null | ExactNumber {
  if (!isRawJson(value)) return value;
  const text = value.rawJSON;
  return NUMBER_START.test(text) ? readNumber(text) : JSON.parse(text);
}

/**
 * The number of a JSON text, exact: a `number` where a double is written as it; a bigint where it is whole and no double is
 * meant, or is written in digits alone and lies beyond ±(2^53-1), so that ids are of one type. Others stay their text.
 */
export function readNumber(text: string): number | bigint | ExactNumber {
  const number = Number(text);
  if (WHOLE_DIGITS.test(text)) {
    if (Number.isSafeInteger(number)) return number;
    return text.length - (text.startsWith("-") ? 1 : 0) <= MAX_WHOLE_DIGITS ? BigInt(text) : rawJson(text);
  }
  if (text.length <= PLAIN_CHARS && !/[eE]/.test(text)) return number;
  const shortest = String(number);
  if (shortest === text) return number;
  const decimal = decimalOf(text);
  if (decimal === null) return rawJson(text);
  if (areSame(decimal, decimalOf(shortest))) return number;
  return isSpelledBy(decimal, number) ? rawJson(text) : wholeFrom(decimal) ?? rawJson(text);
}

/** The number that a text spells in decimal, as {@link readNumber} has it; undefined where it spells none. */
export function spelledNumber(text: string): number | bigint | ExactNumber | undefined {
  if (JSON_NUMBER.test(text)) return readNumber(text);
  const [spelled, sign, whole = "", fraction = "", onlyFraction = "", exponent] = DECIMAL.exec(text) ?? [];
  if (spelled === undefined) return undefined;
  const decimals = fraction || onlyFraction;
  return readNumber(
    (sign === "-" ? "-" : "") + (whole.replace(/^0+/, "") || "0") + (decimals && `.${decimals}`) +
      (exponent === undefined ? "" : `e${exponent}`),
  );
}

/**
 * The text of a number, the same for all that are equal: whole ones in all their digits, others as JavaScript writes
 * doubles, with all the digits that they have.
 */
export function numberText(value: number | bigint | ExactNumber): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "number") {
    const decimal = decimalOf(value.rawJSON);
    return decimal === null ? value.rawJSON : textOf(decimal);
  }
  const text = String(value);
  return Number.isInteger(value) && text.includes("e") ? textOf(decimalOf(text)!) : text;
}

/** What a text or a number is known by, as a key or wherever a text is wanted; undefined for any other value. */
export function keyText(value: JsonValue | undefined): string | undefined {
  if (typeof value === "string") return value;
  const isNumber = typeof value === "number" || typeof value === "bigint" || isExactNumber(value);
  return isNumber ? numberText(value) : undefined;
}

/**
 * The double that a number names: the one that is written in the same digits or, of a fraction, the one whose first 17 digits
 * at most it spells, as programs do that write doubles by so many. Undefined where there is none.
 */
export function doubleOf(value: number | bigint | ExactNumber): number | undefined {
  if (typeof value === "number") return value;
  const number = Number(typeof value === "bigint" ? value : value.rawJSON);
  if (!Number.isFinite(number)) return undefined;
  if (typeof value === "bigint") return numberText(number) === value.toString() ? number : undefined;
  const decimal = decimalOf(value.rawJSON);
  return decimal !== null && isSpelledBy(decimal, number) ? number : undefined;
}

/** The whole number that it is; undefined where it is none of at most 309 digits. */
export function wholeOf(value: number | bigint | ExactNumber): bigint | undefined {
  if (typeof value === "bigint") return value;
  const decimal = decimalOf(typeof value === "number" ? String(value) : value.rawJSON);
  return decimal === null ? undefined : wholeFrom(decimal);
}

function wholeFrom({ isNegative, digits, point }: Decimal): bigint | undefined {
  if (digits.length > point || point > MAX_WHOLE_DIGITS) return undefined;
  return BigInt(`${isNegative ? "-" : ""}${digits}${zeros(Number(point) - digits.length)}`);
}

/** Whether the double is written so by a program that writes so many digits, up to 17. */
function isSpelledBy(decimal: Decimal, double: number): boolean {
  const { length } = decimal.digits;
  if (length > DOUBLE_DIGITS || !Number.isFinite(double)) return false;
  return areSame(decimal, decimalOf(double.toPrecision(Math.max(length, 1))));
}

/** Null where the text spells none, or one of so long an exponent that nobody computes with it. */
function decimalOf(text: string): Decimal | null {
  const match = DECIMAL.exec(text);
  if (match === null || (match[5]?.length ?? 0) > MAX_EXPONENT_CHARS) return null;
  const [, sign, whole = "", fraction = "", onlyFraction = "", exponent = "0"] = match;
  const all = whole + fraction + onlyFraction;
  let [from, to] = [0, all.length];
  while (from < to && all[from] === "0") from++;
  while (from < to && all[to - 1] === "0") to--;
  const digits = all.slice(from, to);
  const point = BigInt(whole.length - from) + BigInt(exponent.replace("+", ""));
  if (digits === "") return ZERO;
  return { isNegative: sign === "-", digits, point };
}

function areSame(one: Decimal, other: Decimal | null): boolean {
  return one.digits === other?.digits && one.point === other.point && one.isNegative === other.isNegative;
}

function textOf({ isNegative, digits, point }: Decimal): string {
  if (digits === "") return "0";
  const sign = isNegative ? "-" : "";
  if (point > MAX_WHOLE_DIGITS || point <= -6n) {
    const rest = digits.length > 1 ? `.${digits.slice(1)}` : "";
    const exponent = point - 1n;
    return `${sign}${digits[0]}${rest}e${exponent < 0n ? "" : "+"}${exponent}`;
  }
  const at = Number(point);
  if (at <= 0) return `${sign}0.${zeros(-at)}${digits}`;
  if (digits.length <= at) return `${sign}${digits}${zeros(at - digits.length)}`;
  return `${sign}${digits.slice(0, at)}.${digits.slice(at)}`;
}

function zeros(count: number): string {
  return "0".repeat(count);
}

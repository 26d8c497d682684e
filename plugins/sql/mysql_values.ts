import { isExactNumber, numberText } from "../../src/exact_number.ts";
import { type Column, Decimal, type Value } from "./database.ts";
import { utcText } from "./instants.ts";
import { bytesOf, held, heldText, type Scalar, scalarOf } from "./values.ts";

const [INT64_LEAST, INT64_MOST] = [-(2n ** 63n), 2n ** 63n - 1n];
/** Digits of a decimal of the server, in all and behind the point; both MariaDB and MySQL take so many. */
const [MAX_DIGITS, MAX_SCALE] = [65, 30];
/** A double of more digits, or from 10^15 on, is written by the server otherwise where a text is wanted. */
const DOUBLE_DIGITS = 15;
const DOUBLE_BELOW = 1e15;

/** A value of a caller for MariaDB and MySQL, which know the time of no zone but UTC here. Throws ValueError. */
export function mysqlValue(value: unknown, column: Column | undefined): Value {
  if (column?.kind === "bytes" && value !== null) return bytesOf(value);
  const scalar = scalarOf(value);
  if (typeof scalar !== "string") return numeric(held(scalar, column));
  return column?.kind === "time" ? utcText(scalar, " ") : heldText(scalar, column);
}

/** A number as the type that holds it: whole, double, decimal; as text where there is none. */
function numeric(scalar: Exclude<Scalar, string>): Value {
  if (scalar === null) return null;
  if (typeof scalar === "boolean") return BigInt(scalar);
  if (typeof scalar === "bigint" && scalar >= INT64_LEAST && scalar <= INT64_MOST) return scalar;
  if (typeof scalar === "number") {
    if (Number.isSafeInteger(scalar)) return BigInt(scalar);
    if (Math.abs(scalar) < DOUBLE_BELOW && Number(scalar.toPrecision(DOUBLE_DIGITS)) === scalar) {
      return scalar;
    }
  }
  const text = numberText(scalar);
  const [, whole = "", fraction = ""] = /^-?(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole !== "" && whole.length + fraction.length <= MAX_DIGITS && fraction.length <= MAX_SCALE) {
    return new Decimal(text);
  }
  return isExactNumber(scalar) || typeof scalar === "bigint" ? text : scalar;
}

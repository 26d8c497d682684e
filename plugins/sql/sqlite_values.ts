import { doubleOf, numberText, spelledNumber } from "../../src/exact_number.ts";
import { type Column, NumberError, type Value, ValueError } from "./database.ts";
import { bytesOf, held, heldText, type Scalar, scalarOf } from "./values.ts";

const [INT64_LEAST, INT64_MOST] = [-(2n ** 63n), 2n ** 63n - 1n];

/** A value of a caller for SQLite, which keeps whole numbers of 64 bits, doubles, texts and bytes. Throws ValueError. */
export function sqliteValue(value: unknown, column: Column | undefined): Value {
  if (column?.kind === "bytes" && value !== null) return bytesOf(value);
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  const scalar = scalarOf(value);
  if (typeof scalar !== "string") return numeric(scalar, column);
  // It would be kept, but be read up to there alone.
  if (scalar.indexOf("\0") >= 0) {
    throw new ValueError("cannot hold a text with a NUL in it: give it as bytes, in a BLOB");
  }
  if (column?.kind === "exact") {
    const spelled = spelledNumber(scalar.trim());
    // SQLite makes a number of such a text.
    if (spelled !== undefined) numeric(spelled, column);
  }
  return heldText(scalar, column);
}

function numeric(value: Exclude<Scalar, string>, column: Column | undefined): Value {
  const scalar = held(value, column);
  if (scalar === null) return null;
  if (typeof scalar === "boolean") return BigInt(scalar);
  if (typeof scalar === "bigint" && scalar >= INT64_LEAST && scalar <= INT64_MOST) return scalar;
  if (typeof scalar === "number" && Number.isSafeInteger(scalar)) {
    return BigInt(scalar);
  }
  // Of a double it would make a text of 15 digits.
  if (column?.kind === "text") return numberText(scalar);
  if (typeof scalar === "number") return scalar;
  if (column?.kind === "double") return doubleOf(scalar) ?? null;
  throw new NumberError(
    `cannot hold ${
      numberText(scalar)
    }: SQLite has whole numbers below 2^63, and doubles; give it as a text, in a column of texts`,
  );
}

/** The kind of a column, by the affinity that SQLite finds in its type. */
export function sqliteKind(type: string): Column["kind"] {
  if (/INT/i.test(type)) return "exact";
  if (/CHAR|CLOB|TEXT/i.test(type)) return "text";
  if (/BLOB/i.test(type)) return "bytes";
  if (/REAL|FLOA|DOUB/i.test(type)) return "double";
  return type === "" ? "other" : "exact";
}

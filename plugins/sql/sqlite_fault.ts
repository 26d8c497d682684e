import { type Fault, faultFrom } from "./database.ts";

/** SQLite's codes. */
const [ERROR, BUSY, LOCKED, TOO_BIG, CONSTRAINT, MISMATCH, RANGE, MISUSE] = [1, 5, 6, 18, 19, 20, 25, 21];
const [NO_MEMORY, IO, FULL, SCHEMA] = [7, 10, 13, 17];
const FAULTS: Readonly<Record<number, Fault>> = {
  // RAISE of a trigger, too, is a constraint; ERROR is an error in a function, or of the statement.
  [ERROR]: "unclear",
  [BUSY]: "conflict",
  [LOCKED]: "conflict",
  [SCHEMA]: "conflict",
  [NO_MEMORY]: "server",
  [IO]: "lost",
  [FULL]: "server",
  [TOO_BIG]: "row",
  [CONSTRAINT]: "row",
  [MISMATCH]: "row",
  [RANGE]: "row",
  [MISUSE]: "row",
};

/** An error of SQLite as one of ours, by its code; what Deno throws for a permission that is missing stays what it is. */
export function faultOf(error: unknown, place: string): unknown {
  if (!(error instanceof Error) || error instanceof Deno.errors.NotCapable) return error;
  if ("errcode" in error && typeof error.errcode === "number") {
    return faultFrom(error, FAULTS[error.errcode & 0xff] ?? "lost", place);
  }
  // A value that it does not take, or would not read.
  const isOfValue = "code" in error &&
    (error.code === "ERR_INVALID_ARG_TYPE" || error.code === "ERR_OUT_OF_RANGE");
  return faultFrom(error, isOfValue || error instanceof RangeError ? "row" : "lost", place);
}

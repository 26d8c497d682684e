import { Buffer } from "node:buffer";
import { DatabaseError, Decimal, type Row, type Value } from "./database.ts";

/** What a value has beside its own bytes: its length, its type, a null's bit. */
const BYTES_BESIDE = 12;
/** The bytes of a row's texts are counted where fewer rows than that go together. */
const FEW = 64;

/**
 * How n rows are put into statements that hold a power of two of them each, up to `most`: a few prepared statements do for
 * any number of rows.
 */
export function pieceSizes(rows: number, most: number): number[] {
  const sizes: number[] = [];
  for (let left = rows; left > 0;) {
    const size = 2 ** Math.floor(Math.log2(Math.min(left, most)));
    sizes.push(size);
    left -= size;
  }
  return sizes;
}

/** How many rows, and how many bytes of them, may go into one statement. */
export interface Bounds {
  readonly rows: number;
  /** One row may have more. */
  readonly bytes: number;
  /** No row may have more: the server takes no such message. */
  readonly rowBytes: number;
  /** What the server calls that. */
  readonly rowBound: string;
}

/**
 * How many rows from there on go together, one at least, by their bytes on their way to the server, in UTF-8. Throws DatabaseError `row`
 * for one that the server would not take.
 */
export function fitting(rows: readonly Row[], from: number, bounds: Bounds): number {
  let [at, bytes] = [from, 0];
  while (at < rows.length && at - from < bounds.rows) {
    const row = rows[at] ?? [];
    const most = weightOf(row, mostBytes);
    const own = most * FEW > bounds.bytes ? weightOf(row, Buffer.byteLength) : most;
    bytes += own;
    if (bytes > bounds.bytes && at > from) break;
    if (own > bounds.rowBytes) throw tooLong(own, bounds);
    at++;
  }
  return at - from;
}

/** How many bytes a row has on its way, some more at most. */
function weightOf(row: readonly Value[], bytesOfText: (text: string) => number): number {
  let bytes = 0;
  for (const value of row) {
    bytes += BYTES_BESIDE;
    if (typeof value === "string") bytes += bytesOfText(value);
    else if (value instanceof Uint8Array) bytes += value.length;
    else if (value instanceof Decimal) bytes += value.text.length;
  }
  return bytes;
}

/** What a text has in UTF-8 at most. */
function mostBytes(text: string): number {
  return text.length * 3;
}

function tooLong(bytes: number, { rowBytes, rowBound }: Bounds): DatabaseError {
  return new DatabaseError(
    "row",
    `it has ${bytes} bytes on its way to the server, which takes ${rowBytes} (${rowBound})`,
  );
}

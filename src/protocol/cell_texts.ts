import { concat, readU32, writeU32 } from "./bytes.ts";
import { CellType } from "./cells.ts";

const LENGTH_BYTES = 4;

/** Checked cells, without the EOF cell, with each name and each STRING value put through `change`. */
export function mapCellTexts(cells: Uint8Array, change: (text: Uint8Array) => Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  const text = (at: number): number => {
    const end = at + LENGTH_BYTES + readU32(cells, at);
    const changed = change(cells.subarray(at + LENGTH_BYTES, end));
    const length = new Uint8Array(LENGTH_BYTES);
    writeU32(length, 0, changed.length);
    parts.push(length, changed);
    return end;
  };
  const keep = (at: number, end: number): number => {
    parts.push(cells.subarray(at, end));
    return end;
  };
  // The elements of an ARRAY follow its count like any other cells.
  for (let at = 0; at < cells.length;) {
    const type = readU32(cells, at);
    at = text(keep(at, at + LENGTH_BYTES));
    if (type === CellType.String) at = text(at);
    else at = keep(at, at + (type === CellType.Ulong ? 2 : 1) * LENGTH_BYTES);
  }
  return concat(parts);
}

/** A table as it comes out of the file, its values unchecked. */
export type Table = Readonly<Record<string, unknown>>;

/** Whether it is one: no list, and no date. */
export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

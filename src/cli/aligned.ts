/** Columns with two spaces between: those in `left` to the left, the others to the right. */
export function aligned(rows: readonly (readonly string[])[], left: readonly number[] = [0]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length))
  );
  return rows.map((row) =>
    row.map((cell, column) =>
      left.includes(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
    ).join("  ").trimEnd()
  );
}

/** Names come over the network: no control character of theirs reaches the terminal. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, "?");
}

/** `1,234,567`. */
export function countText(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** `404 µs`, `1.06 ms`, `1,234 ms`. */
export function microsecondsText(microseconds: number): string {
  if (microseconds < 1000) return `${Math.round(microseconds)} µs`;
  const ms = microseconds / 1000;
  return `${ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : countText(ms)} ms`;
}

/** `1.07`, `12.3`, `123`. */
export function ratioText(ratio: number): string {
  if (!Number.isFinite(ratio)) return "-";
  return ratio < 10 ? ratio.toFixed(2) : ratio < 100 ? ratio.toFixed(1) : countText(ratio);
}

/** `123.4 MB`, of a million bytes each. */
export function megabytesText(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

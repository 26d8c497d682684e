/** `1,234,567`. */
export function countText(count: number): string {
  return count.toLocaleString("en-US", { maximumFractionDigits: 2 });
}

/** `1 operation`, `1,234 operations`. */
export function countOf(count: number, thing: string, things = `${thing}s`): string {
  return `${countText(count)} ${count === 1 ? thing : things}`;
}

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** `17 B`, `1.5 KiB`, `256 MiB`: three digits or so. */
export function bytesText(bytes: number): string {
  let unit = 0;
  for (; bytes >= 1024 && unit < BYTE_UNITS.length - 1; unit++) bytes /= 1024;
  return `${shortNumber(bytes)} ${BYTE_UNITS[unit]}`;
}

/** `42 µs`, `1.2 ms`, `30 s`. */
export function microsecondsText(microseconds: number): string {
  if (microseconds < 1000) return `${shortNumber(microseconds)} µs`;
  if (microseconds < 1_000_000) return `${shortNumber(microseconds / 1000)} ms`;
  return `${shortNumber(microseconds / 1_000_000)} s`;
}

/** `5 s`, `2 min 3 s`, `4 h 5 min`, `6 d 7 h`. */
export function uptimeText(seconds: number): string {
  const whole = Math.floor(seconds);
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).filter(([amount]) => amount > 0).map((part) => part.join(" ")).join(
    " ",
  );
}

function shortNumber(value: number): string {
  return value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
}

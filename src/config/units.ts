import { BYTE_UNITS, formatAmount, parseAmount, TIME_UNITS } from "../amount.ts";
import { mismatch } from "./config_error.ts";

/** The longest duration, in milliseconds: what a timer can hold, some 24 days. */
export const MAX_DURATION = 2 ** 31 - 1;

/** `"500ms"`, `"30s"`, `"1.5m"`, `"1h"` or 0 in whole milliseconds. Throws ConfigError. */
export function parseDuration(value: unknown): number {
  if (value === 0 || value === "0") return 0;
  const milliseconds = parseAmount(value, TIME_UNITS);
  if (milliseconds === undefined || !Number.isInteger(milliseconds) || milliseconds > MAX_DURATION) {
    throw mismatch('a duration with its unit, such as "500ms", "30s", "5m" or "1h", up to 24 days', value);
  }
  return milliseconds;
}

/** `"64 KiB"`, `"256 MiB"`, `"1 GiB"` or a plain number of bytes in bytes. Throws ConfigError. */
export function parseBytes(value: unknown): number {
  const text = typeof value === "string" && /^\d+$/.test(value) ? `${value} B` : value;
  const bytes = typeof text === "number" ? text : parseAmount(text, BYTE_UNITS);
  if (bytes === undefined || !Number.isSafeInteger(bytes) || bytes < 0) {
    throw mismatch('a size such as "64 KiB", "256 MiB", "1 GiB" or a whole number of bytes', value);
  }
  return bytes;
}

/** The duration in its largest unit that needs no fraction: 90000 is `"90s"`. `milliseconds` is whole. */
export function formatDuration(milliseconds: number): string {
  return milliseconds === 0 ? "0" : formatAmount(milliseconds, TIME_UNITS);
}

/** The size in its largest unit that needs no fraction: 65536 is `"64 KiB"`. `bytes` is whole. */
export function formatBytes(bytes: number): string {
  return formatAmount(bytes, BYTE_UNITS, " ");
}

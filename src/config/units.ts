import { mismatch } from "./config_error.ts";

const DURATION_UNITS = new Map([["ms", 1], ["s", 1_000], ["m", 60_000], ["h", 3_600_000]]);
const BYTE_UNITS = new Map([["B", 1], ["KiB", 2 ** 10], ["MiB", 2 ** 20], ["GiB", 2 ** 30]]);
const AMOUNT = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]*)$/;

/** The longest duration, in milliseconds: what a timer can hold, some 24 days. */
export const MAX_DURATION = 2 ** 31 - 1;

/** `"500ms"`, `"30s"`, `"1.5m"`, `"1h"` or 0 in whole milliseconds. Throws ConfigError. */
export function parseDuration(value: unknown): number {
  if (value === 0 || value === "0") return 0;
  const milliseconds = typeof value === "string" ? parseAmount(value, DURATION_UNITS) : undefined;
  if (milliseconds === undefined || milliseconds > MAX_DURATION) {
    throw mismatch('a duration with its unit, such as "500ms", "30s", "5m" or "1h", up to 24 days', value);
  }
  return milliseconds;
}

/** `"64 KiB"`, `"256 MiB"`, `"1 GiB"` or a plain number of bytes in bytes. Throws ConfigError. */
export function parseBytes(value: unknown): number {
  const bytes = typeof value === "string"
    ? parseAmount(/^\d+$/.test(value) ? `${value} B` : value, BYTE_UNITS)
    : value;
  if (typeof bytes !== "number" || !Number.isSafeInteger(bytes) || bytes < 0) {
    throw mismatch('a size such as "64 KiB", "256 MiB", "1 GiB" or a whole number of bytes', value);
  }
  return bytes;
}

/** The duration in its largest unit that needs no fraction: 90000 is `"90s"`. `milliseconds` is whole. */
export function formatDuration(milliseconds: number): string {
  return milliseconds === 0 ? "0" : formatAmount(milliseconds, DURATION_UNITS, "");
}

/** The size in its largest unit that needs no fraction: 65536 is `"64 KiB"`. `bytes` is whole. */
export function formatBytes(bytes: number): string {
  return bytes === 0 ? "0 B" : formatAmount(bytes, BYTE_UNITS, " ");
}

function parseAmount(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const [, digits, unit] = AMOUNT.exec(text) ?? [];
  const factor = units.get(unit ?? "");
  if (digits === undefined || factor === undefined) return undefined;
  const amount = Number(digits) * factor;
  return Number.isSafeInteger(amount) ? amount : undefined;
}

function formatAmount(amount: number, units: ReadonlyMap<string, number>, space: string): string {
  let text = "";
  for (const [unit, factor] of units) if (amount % factor === 0) text = `${amount / factor}${space}${unit}`;
  return text;
}

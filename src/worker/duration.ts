const UNITS = new Map([["ms", 1], ["s", 1_000], ["m", 60_000], ["h", 3_600_000], ["d", 86_400_000]]);
const AMOUNT = /^(\d{1,15}(?:\.\d{1,6})?) ?([a-z]+)$/;

/** What a plugin gives as a `Duration` in ms; undefined where it is none. */
export function millisecondsOf(duration: unknown): number | undefined {
  if (typeof duration === "number") return Number.isFinite(duration) && duration >= 0 ? duration : undefined;
  const [, digits, unit] = (typeof duration === "string" ? AMOUNT.exec(duration) : null) ?? [];
  const factor = UNITS.get(unit ?? "");
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

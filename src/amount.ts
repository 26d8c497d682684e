/** Units by their names, from the base unit on: how much of it each one is, a whole multiple of the one before. */
export type Units = ReadonlyMap<string, number>;

/** In ms. */
export const TIME_UNITS: Units = new Map([["ms", 1], ["s", 1_000], ["m", 60_000], ["h", 3_600_000]]);
/** In ms. */
export const TIME_UNITS_WITH_DAYS: Units = new Map([...TIME_UNITS, ["d", 86_400_000]]);
/** In bytes. */
export const BYTE_UNITS: Units = new Map([["B", 1], ["KiB", 2 ** 10], ["MiB", 2 ** 20], ["GiB", 2 ** 30]]);

const AMOUNT = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]+)$/;

/** `"500ms"`, `"1.5 h"`, `"64 KiB"` in the base unit, whole or not; undefined for whatever is no such text. */
export function parseAmount(text: unknown, units: Units): number | undefined {
  const [, digits, unit = ""] = (typeof text === "string" ? AMOUNT.exec(text) : null) ?? [];
  const factor = units.get(unit);
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

/**
 * What {@link parseAmount} reads as that amount, in its largest unit that needs no fraction: 90000 ms is `"90s"`.
 *
 * @param amount in the base unit: whole, below 10^15
 * @param space what stands before the unit: nothing, or one blank
 */
export function formatAmount(amount: number, units: Units, space: "" | " " = ""): string {
  let text = "";
  for (const [unit, factor] of units) {
    if (factor === 1 || (amount !== 0 && amount % factor === 0)) text = `${amount / factor}${space}${unit}`;
  }
  return text;
}

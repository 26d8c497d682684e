import { parseAmount, TIME_UNITS_WITH_DAYS } from "../amount.ts";

/** What a plugin gives as a `Duration` in ms; undefined where it is none. */
export function millisecondsOf(duration: unknown): number | undefined {
  if (typeof duration !== "number") return parseAmount(duration, TIME_UNITS_WITH_DAYS);
  return Number.isFinite(duration) && duration >= 0 ? duration : undefined;
}

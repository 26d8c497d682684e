import { parseAmount, TIME_UNITS_WITH_DAYS } from "../amount.ts";
import type { Duration } from "../plugin.ts";

/** For people, as the plugin has written it: `5ms`. */
export function durationText(duration: Duration): string {
  return typeof duration === "string" ? duration : `${duration}ms`;
}

/** What a plugin gives as a `Duration` in ms; undefined where it is none. */
export function millisecondsOf(duration: unknown): number | undefined {
  if (typeof duration !== "number") return parseAmount(duration, TIME_UNITS_WITH_DAYS);
  return Number.isFinite(duration) && duration >= 0 ? duration : undefined;
}

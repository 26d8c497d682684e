import { countText, megabytesText, microsecondsText, ratioText } from "../support/figures.ts";
import type { Loadgen } from "../loadgen.ts";

/** What a scenario works with. */
export interface ScenarioSetting {
  /** The path of mevent's executable. */
  readonly mevent: string;
  readonly loadgen: Loadgen;
  /** How long one load takes. */
  readonly seconds: number;
  /** From 0. */
  readonly round: number;
}

/** The units of figures, and how they are shown. */
const SHOWN = {
  bytes: (value: number) => `${value.toFixed(1)} bytes`,
  memory: megabytesText,
  time: microsecondsText,
  rate: (value: number) => `${countText(value)}/s`,
  ratio: ratioText,
  count: countText,
  seconds: (value: number) => `${value.toFixed(2)} s`,
} as const;

/** One figure; memory is in bytes, time in µs. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: keyof typeof SHOWN;
  /** What it is wanted to be: `< 180 bytes`. */
  readonly wanted?: string;
}

/** Something mevent must stand, and what it costs. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Starts servers of its own, measures one round and leaves nothing behind. */
  measure(setting: ScenarioSetting): Promise<readonly Figure[]>;
}

/** A figure with its unit. */
export function figureText({ value, unit }: Pick<Figure, "value" | "unit">): string {
  return SHOWN[unit](value);
}

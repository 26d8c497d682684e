import { ConfigError } from "../config/config_error.ts";
import { parseDuration } from "../config/units.ts";
import type { Flag } from "./flag.ts";
import { UsageError } from "./usage_error.ts";

/** The arguments of one command, by flag name; text stays as typed until a method reads it as something else. */
export class ParsedCommand {
  constructor(
    readonly command: { readonly name: string; readonly flags: readonly Flag[] },
    private readonly values: ReadonlyMap<string, readonly string[]>,
    private readonly switches: ReadonlyMap<string, boolean>,
    /** The arguments that belong to no flag. */
    readonly positionals: readonly string[],
  ) {}

  /** All values given to a flag, in order. */
  texts(name: string): readonly string[] {
    return this.values.get(name) ?? [];
  }

  /** The last value given to a flag, else its default, else undefined. */
  text(name: string): string | undefined {
    return this.texts(name).at(-1) ?? this.command.flags.find((flag) => flag.name === name)?.default;
  }

  /** As {@link text}; throws UsageError where there is none. */
  required(name: string): string {
    const text = this.text(name);
    if (text === undefined) throw new UsageError(`--${name} is missing`);
    return text;
  }

  /** Whether a flag without a value was given: true, false for its `--no-` form, undefined for neither. */
  isOn(name: string): boolean | undefined {
    return this.switches.get(name);
  }

  /** A whole number within bounds; throws UsageError where there is none. */
  int(name: string, least: number, most: number): number {
    const text = this.required(name);
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < least || number > most) {
      throw new UsageError(
        `--${name}: expected a whole number from ${least} to ${most}, got ${JSON.stringify(text)}`,
      );
    }
    return number;
  }

  /** A duration in milliseconds; throws UsageError where there is none. */
  duration(name: string): number {
    try {
      return parseDuration(this.required(name));
    } catch (error) {
      throw error instanceof ConfigError ? new UsageError(`--${name}: ${error.message}`) : error;
    }
  }
}

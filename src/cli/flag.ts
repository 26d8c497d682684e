/** A flag, `--name`. */
export interface Flag {
  readonly name: string;
  /** One letter: `c` for `-c`. */
  readonly short?: string;
  /** What help shows for the value; a flag without it takes none. */
  readonly value?: string;
  readonly help: string;
  /** The value where the flag is not given; help shows it. */
  readonly default?: string;
  /** May be given more than once; else the last one counts. */
  readonly repeat?: boolean;
  /** For a flag without a value: `--no-name` is known too. */
  readonly negatable?: boolean;
}

/** The flag that every command has. */
export const HELP_FLAG: Flag = { name: "help", short: "h", help: "Prints this help." };

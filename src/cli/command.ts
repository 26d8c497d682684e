import type { Flag } from "./flag.ts";
import type { Io } from "./io.ts";
import type { ParsedCommand } from "./parsed_command.ts";

/** A subcommand: what parsing, help and completions know of it, and what it does. */
export interface Command {
  /** What is written behind `mevent`: `send`, or `plugin new` for one of a group. */
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What follows `mevent NAME`: `[flags] [key=value …]`. */
  readonly usage: string;
  /** Paragraphs for the command's own help. */
  readonly details?: readonly string[];
  readonly flags: readonly Flag[];
  /** Whether arguments that belong to no flag are taken. */
  readonly positionals: boolean;
  /** What does what an unknown flag, or an argument that is not taken, is likely meant to do: `--config mevent.toml`. */
  readonly meant?: (argument: string) => string | undefined;
  /** Whole command lines that work as they stand. */
  readonly examples: readonly string[];
  /** Does it; the result is the exit code. */
  run(args: ParsedCommand, io: Io): Promise<number>;
}

/** Commands under one word: `mevent plugin new`. */
export interface CommandGroup {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly commands: readonly Command[];
}

/** A command that is loaded when it is asked for. */
export interface ListedCommand {
  /** The command's own. */
  readonly name: string;
  readonly load: () => Promise<Command>;
}

/** A group of such. */
export interface ListedGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly ListedCommand[];
}

/** Whether it is a group, loaded or not. */
export function isGroup<G extends CommandGroup | ListedGroup>(
  command: Command | ListedCommand | G,
): command is G {
  return "commands" in command;
}

import { nearest } from "../nearest.ts";
import { benchCommand } from "./bench.ts";
import { cancelCommand } from "./cancel.ts";
import { checkCommand } from "./check.ts";
import { type Command, type CommandGroup, isGroup } from "./command.ts";
import { drainCommand } from "./drain.ts";
import { ExitCode } from "./exit_codes.ts";
import { commandHelp, groupHelp, overviewHelp } from "./help.ts";
import type { Io } from "./io.ts";
import { pauseCommand } from "./pause.ts";
import { peekCommand } from "./peek.ts";
import { pluginCommands } from "./plugin_commands.ts";
import { purgeCommand } from "./purge.ts";
import { reloadCommand } from "./reload.ts";
import { resumeCommand } from "./resume.ts";
import { retryDeadCommand } from "./retry_dead.ts";
import { sendCommand } from "./send.ts";
import { serveCommand } from "./serve.ts";
import { statsCommand } from "./stats.ts";
import { stopCommand } from "./stop.ts";
import { UsageError } from "./usage_error.ts";
import { versionCommand } from "./version.ts";

const helpCommand: Command = {
  name: "help",
  summary: "Tells what mevent or one of its commands does.",
  usage: "[COMMAND]",
  flags: [],
  positionals: true,
  examples: ["mevent help send", "mevent help plugin new"],
  async run({ positionals }, io) {
    await io.stdout.write(
      positionals.length === 0 ? overviewHelp(COMMANDS, isBold(io)) : helpOn(positionals, isBold(io)),
    );
    return ExitCode.Ok;
  },
};

function helpOn(words: readonly string[], bold: boolean): string {
  const { found, rest } = findCommand(words);
  if (rest.length > 0) throw new UsageError("help takes one command");
  return isGroup(found) ? groupHelp(found, bold) : commandHelp(found, bold);
}

/** Every command, in the order in which help lists them: the one table that parsing, help and completions read. */
export const COMMANDS: readonly (Command | CommandGroup)[] = [
  serveCommand,
  sendCommand,
  statsCommand,
  benchCommand,
  checkCommand,
  pluginCommands,
  peekCommand,
  pauseCommand,
  resumeCommand,
  cancelCommand,
  purgeCommand,
  retryDeadCommand,
  reloadCommand,
  drainCommand,
  stopCommand,
  helpCommand,
  versionCommand,
];

/** What the words of a command line name, and the words behind that. */
export interface FoundCommand {
  readonly found: Command | CommandGroup;
  readonly rest: readonly string[];
}

/**
 * The command that the first words name, or the group where no word or a flag follows; throws UsageError with the nearest
 * one.
 */
export function findCommand(words: readonly string[]): FoundCommand {
  const [first = "", ...rest] = words;
  const found = named(first, COMMANDS);
  const [second, ...behind] = rest;
  if (!isGroup(found) || second === undefined || second.startsWith("-")) return { found, rest };
  return { found: named(`${first} ${second}`, found.commands), rest: behind };
}

function named<C extends { readonly name: string }>(name: string, among: readonly C[]): C {
  const command = among.find((each) => each.name === name);
  if (command !== undefined) return command;
  // Those of a group begin alike.
  const lastOf = (words: string) => words.slice(words.lastIndexOf(" ") + 1);
  const meant = nearest(lastOf(name), among.map((each) => lastOf(each.name)));
  const hint = among.filter((each) => lastOf(each.name) === meant).map((each) =>
    `; did you mean ${each.name}?`
  );
  throw new UsageError(`unknown command ${JSON.stringify(name)}${hint.join("")}`);
}

/** Whether stdout gets bold headings. */
export function isBold(io: Io): boolean {
  return io.stdout.isTerminal && !io.noColor;
}

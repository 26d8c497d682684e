import { nearest } from "../nearest.ts";
import { benchCommand } from "./bench.ts";
import { cancelCommand } from "./cancel.ts";
import { checkCommand } from "./check.ts";
import { type Command, type CommandGroup, isGroup } from "./command.ts";
import { configCommand } from "./config.ts";
import { type Topic, topics } from "./documents.ts";
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
  summary: "Tells what mevent or one of its commands does, and prints its documents.",
  usage: "[COMMAND | TOPIC]",
  details: [
    "Without a word it lists the commands and the topics. A word that is both tells of the command first, then prints the " +
    "document.",
  ],
  flags: [],
  positionals: true,
  examples: ["mevent help send", "mevent help plugin new", "mevent help plugins"],
  async run({ positionals }, io) {
    await io.stdout.write(
      positionals.length === 0
        ? overviewHelp(COMMANDS, await topics(), isBold(io))
        : await helpOn(positionals, isBold(io)),
    );
    return ExitCode.Ok;
  },
};

async function helpOn(words: readonly string[], bold: boolean): Promise<string> {
  const all = await topics();
  const topic = words.length === 1 ? all.find(({ name }) => name === words[0]) : undefined;
  if (topic === undefined) return commandHelpOn(words, all, bold);
  const text = await Deno.readTextFile(topic.url);
  return COMMANDS.some(({ name }) => name === topic.name)
    ? `${commandHelpOn(words, all, bold)}\n${text}`
    : text;
}

function commandHelpOn(words: readonly string[], known: readonly Topic[], bold: boolean): string {
  const { found, rest } = findCommand(words, known.map(({ name }) => name));
  if (rest.length > 0) throw new UsageError("help takes one command or topic");
  return isGroup(found) ? groupHelp(found, bold) : commandHelp(found, bold);
}

/** Every command, in the order in which help lists them: the one table that parsing, help and completions read. */
export const COMMANDS: readonly (Command | CommandGroup)[] = [
  serveCommand,
  sendCommand,
  statsCommand,
  benchCommand,
  checkCommand,
  configCommand,
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
 *
 * @param others what may have been meant, too
 */
export function findCommand(words: readonly string[], others: readonly string[] = []): FoundCommand {
  const [first = "", ...rest] = words;
  const found = named(first, COMMANDS, others);
  const [second, ...behind] = rest;
  if (!isGroup(found) || second === undefined || second.startsWith("-")) return { found, rest };
  return { found: named(`${first} ${second}`, found.commands), rest: behind };
}

function named<C extends { readonly name: string }>(
  name: string,
  among: readonly C[],
  others: readonly string[] = [],
): C {
  const command = among.find((each) => each.name === name);
  if (command !== undefined) return command;
  // Those of a group begin alike.
  const lastOf = (words: string) => words.slice(words.lastIndexOf(" ") + 1);
  const known = [...among.map((each) => each.name), ...others];
  const meant = nearest(lastOf(name), known.map(lastOf));
  const whole = known.find((each) => lastOf(each) === meant);
  const hint = whole === undefined ? "" : `; did you mean ${whole}?`;
  throw new UsageError(`unknown command ${JSON.stringify(name)}${hint}`);
}

/** Whether stdout gets bold headings. */
export function isBold(io: Io): boolean {
  return io.stdout.isTerminal && !io.noColor;
}

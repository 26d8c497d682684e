import { closestString } from "@std/text";
import { benchCommand } from "./bench.ts";
import { cancelCommand } from "./cancel.ts";
import type { Command } from "./command.ts";
import { drainCommand } from "./drain.ts";
import { ExitCode } from "./exit_codes.ts";
import { commandHelp, overviewHelp } from "./help.ts";
import type { Io } from "./io.ts";
import { pauseCommand } from "./pause.ts";
import { peekCommand } from "./peek.ts";
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
  examples: ["mevent help send"],
  async run({ positionals: [name, ...others] }, io) {
    if (others.length > 0) throw new UsageError("help takes one command");
    const bold = isBold(io);
    await io.stdout.write(
      name === undefined ? overviewHelp(COMMANDS, bold) : commandHelp(findCommand(name), bold),
    );
    return ExitCode.Ok;
  },
};

/** Every command, in the order in which help lists them: the one table that parsing, help and completions read. */
export const COMMANDS: readonly Command[] = [
  serveCommand,
  sendCommand,
  statsCommand,
  benchCommand,
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

/** The command of that name; throws UsageError with the nearest one. */
export function findCommand(name: string): Command {
  const command = COMMANDS.find((each) => each.name === name);
  if (command !== undefined) return command;
  const nearest = closestString(name, COMMANDS.map((each) => each.name));
  throw new UsageError(`unknown command ${JSON.stringify(name)}; the nearest known one is ${nearest}`);
}

/** Whether stdout gets bold headings. */
export function isBold(io: Io): boolean {
  return io.stdout.isTerminal && !io.noColor;
}

import { ConfigError } from "../config/config_error.ts";
import { type Command, type CommandGroup, isGroup } from "./command.ts";
import { allCommands, COMMANDS, findCommand, isBold } from "./commands.ts";
import { topics } from "./documents.ts";
import { ExitCode } from "./exit_codes.ts";
import { commandHelp, groupHelp, overviewHelp } from "./help.ts";
import { type Io, OutputClosed, OutputError } from "./io.ts";
import { parseCommand } from "./parse.ts";
import { UsageError } from "./usage_error.ts";
import { versionLine } from "./version.ts";

/** Runs the command that the arguments name; the result is the exit code. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (error) {
    if (error instanceof OutputClosed) return ExitCode.Ok;
    const [code, text] = diagnosis(error, argv);
    await io.stderr.write(text);
    return code;
  }
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  const [first] = argv;
  if (first === undefined) {
    const bold = io.stderr.isTerminal && !io.noColor;
    await io.stderr.write(overviewHelp(await allCommands(), await topics(), bold));
    return ExitCode.Usage;
  }
  if (first === "--help" || first === "-h") {
    await io.stdout.write(overviewHelp(await allCommands(), await topics(), isBold(io)));
    return ExitCode.Ok;
  }
  if (first === "--version") {
    await io.stdout.write(`${versionLine()}\n`);
    return ExitCode.Ok;
  }
  if (first.startsWith("-")) throw new UsageError(`expected a command before ${first}`);
  const { found, rest } = await findCommand(argv);
  return isGroup(found) ? await runGroup(found, rest, io) : await runCommand(found, rest, io);
}

async function runCommand(command: Command, args: readonly string[], io: Io): Promise<number> {
  const parsed = parseCommand(command, args);
  if (parsed.isOn("help") === undefined) return await command.run(parsed, io);
  await io.stdout.write(commandHelp(command, isBold(io)));
  return ExitCode.Ok;
}

/** A group alone does nothing but tell its commands: on stdout where that was asked for. */
async function runGroup(group: CommandGroup, args: readonly string[], io: Io): Promise<number> {
  const [first] = args;
  if (first === undefined) {
    await io.stderr.write(groupHelp(group, io.stderr.isTerminal && !io.noColor));
    return ExitCode.Usage;
  }
  if (first !== "--help" && first !== "-h") throw new UsageError(`expected a command before ${first}`);
  await io.stdout.write(groupHelp(group, isBold(io)));
  return ExitCode.Ok;
}

/** The exit code for an error that ended a command, and what to say of it. */
function diagnosis(error: unknown, argv: readonly string[]): [code: number, text: string] {
  const name = nameIn(argv);
  const who = name === undefined ? "mevent" : `mevent ${name}`;
  if (error instanceof UsageError) {
    const help = name === undefined
      ? "mevent --help"
      : name === "help"
      ? "mevent help"
      : `mevent help ${name}`;
    return [ExitCode.Usage, `${who}: ${error.message}\nTry: ${help}\n`];
  }
  if (error instanceof OutputError) return [ExitCode.Output, `${who}: ${error.message}\n`];
  if (error instanceof ConfigError) {
    const problems = error.problems.map((problem) => `  ${problem}\n`).join("");
    const isCommandLine = error.problems.every((problem) => problem.startsWith("command line:"));
    return [
      isCommandLine ? ExitCode.Usage : ExitCode.Config,
      `mevent: the config cannot be used:\n${problems}`,
    ];
  }
  const trace = error instanceof Error ? error.stack ?? error.message : String(error);
  return [ExitCode.Internal, `mevent: internal error, please report it:\n${trace}\n`];
}

/** The name of the command, or at least of the group, that a command line begins with. */
function nameIn([first, second]: readonly string[]): string | undefined {
  const command = COMMANDS.find((each) => each.name === first);
  if (command === undefined || !isGroup(command)) return command?.name;
  return command.commands.find((each) => each.name === `${first} ${second}`)?.name ?? command.name;
}

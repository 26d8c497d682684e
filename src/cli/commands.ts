import { nearest } from "../nearest.ts";
import { type Command, type CommandGroup, isGroup, type ListedCommand, type ListedGroup } from "./command.ts";
import { type Topic, topics } from "./documents.ts";
import { ExitCode } from "./exit_codes.ts";
import { commandHelp, groupHelp, overviewHelp } from "./help.ts";
import type { Io } from "./io.ts";
import { UsageError } from "./usage_error.ts";

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
        ? overviewHelp(await allCommands(), await topics(), isBold(io))
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
    ? `${await commandHelpOn(words, all, bold)}\n${text}`
    : text;
}

async function commandHelpOn(
  words: readonly string[],
  known: readonly Topic[],
  bold: boolean,
): Promise<string> {
  const { found, rest } = await findCommand(words, known.map(({ name }) => name));
  if (rest.length > 0) throw new UsageError("help takes one command or topic");
  return isGroup(found) ? groupHelp(found, bold) : commandHelp(found, bold);
}

/** What authors of plugins need, without a server of their own. */
const PLUGIN_COMMANDS: ListedGroup = {
  name: "plugin",
  summary: "Makes, checks, tries and tests plugins: mevent help plugin.",
  commands: [
    { name: "plugin new", load: async () => (await import("./plugin/new.ts")).pluginNewCommand },
    { name: "plugin check", load: async () => (await import("./plugin/check.ts")).pluginCheckCommand },
    { name: "plugin run", load: async () => (await import("./plugin/run.ts")).pluginRunCommand },
    { name: "plugin test", load: async () => (await import("./plugin/test.ts")).pluginTestCommand },
    { name: "plugin list", load: async () => (await import("./plugin/list.ts")).pluginListCommand },
    { name: "plugin types", load: async () => (await import("./plugin/types.ts")).pluginTypesCommand },
  ],
};

/** What tells of the journals on disk, without a server. */
const JOURNAL_COMMANDS: ListedGroup = {
  name: "journal",
  summary: "Checks, shows and repairs the journals of plugins: mevent help journal.",
  commands: [
    { name: "journal check", load: async () => (await import("./journal/check.ts")).journalCheckCommand },
    { name: "journal dump", load: async () => (await import("./journal/dump.ts")).journalDumpCommand },
    { name: "journal repair", load: async () => (await import("./journal/repair.ts")).journalRepairCommand },
  ],
};

/** What is done about tokens, without a server. */
const TOKEN_COMMANDS: ListedGroup = {
  name: "token",
  summary: "Makes tokens for callers: mevent help token.",
  commands: [{ name: "token new", load: async () => (await import("./token/new.ts")).tokenNewCommand }],
};

/** What is done about the alerts of a running server. */
const ALERT_COMMANDS: ListedGroup = {
  name: "alert",
  summary: "Shows the alerts of a server and tests who is told of them: mevent help alert.",
  commands: [
    { name: "alert list", load: async () => (await import("./alert/list.ts")).alertListCommand },
    { name: "alert test", load: async () => (await import("./alert/test.ts")).alertTestCommand },
  ],
};

/**
 * Every command, in the order in which help lists them: the one table that parsing, help and completions read. A command's own
 * modules are loaded when it is asked for: those of all take longer to load than most commands take.
 */
export const COMMANDS: readonly (ListedCommand | ListedGroup)[] = [
  { name: "serve", load: async () => (await import("./serve.ts")).serveCommand },
  { name: "send", load: async () => (await import("./send/send.ts")).sendCommand },
  { name: "result", load: async () => (await import("./result/result.ts")).resultCommand },
  { name: "ping", load: async () => (await import("./ping/ping.ts")).pingCommand },
  { name: "stats", load: async () => (await import("./stats/stats.ts")).statsCommand },
  { name: "top", load: async () => (await import("./top/top.ts")).topCommand },
  { name: "bench", load: async () => (await import("./bench/bench.ts")).benchCommand },
  { name: "check", load: async () => (await import("./config/check.ts")).checkCommand },
  { name: "doctor", load: async () => (await import("./doctor/doctor.ts")).doctorCommand },
  { name: "config", load: async () => (await import("./config/config.ts")).configCommand },
  { name: "proxy", load: async () => (await import("./proxy.ts")).proxyCommand },
  { name: "import", load: async () => (await import("./import/import.ts")).importCommand },
  PLUGIN_COMMANDS,
  JOURNAL_COMMANDS,
  TOKEN_COMMANDS,
  ALERT_COMMANDS,
  { name: "log", load: async () => (await import("./log/log.ts")).logCommand },
  { name: "peek", load: async () => (await import("./control/peek.ts")).peekCommand },
  { name: "pause", load: async () => (await import("./control/pause.ts")).pauseCommand },
  { name: "resume", load: async () => (await import("./control/resume.ts")).resumeCommand },
  { name: "cancel", load: async () => (await import("./control/cancel.ts")).cancelCommand },
  { name: "undo", load: async () => (await import("./control/undo.ts")).undoCommand },
  { name: "purge", load: async () => (await import("./control/purge.ts")).purgeCommand },
  { name: "retry-dead", load: async () => (await import("./control/retry_dead.ts")).retryDeadCommand },
  { name: "limits", load: async () => (await import("./control/limits.ts")).limitsCommand },
  { name: "reload", load: async () => (await import("./control/reload.ts")).reloadCommand },
  { name: "drain", load: async () => (await import("./control/drain.ts")).drainCommand },
  { name: "stop", load: async () => (await import("./control/stop.ts")).stopCommand },
  {
    name: "completions",
    load: async () => (await import("./completions/completions.ts")).completionsCommand(allCommands),
  },
  { name: "install", load: async () => (await import("./install/install.ts")).installCommand },
  { name: "man", load: async () => (await import("./man/man.ts")).manCommand(allCommands) },
  { name: "help", load: () => Promise.resolve(helpCommand) },
  { name: "version", load: async () => (await import("./version.ts")).versionCommand },
];

/** All of them, loaded. */
export function allCommands(): Promise<(Command | CommandGroup)[]> {
  return Promise.all(COMMANDS.map(loaded));
}

async function loaded(listed: ListedCommand | ListedGroup): Promise<Command | CommandGroup> {
  if (!isGroup(listed)) return await listed.load();
  return { ...listed, commands: await Promise.all(listed.commands.map(({ load }) => load())) };
}

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
export async function findCommand(
  words: readonly string[],
  others: readonly string[] = [],
): Promise<FoundCommand> {
  const [first = "", ...rest] = words;
  const listed = named(first, COMMANDS, others);
  const [second, ...behind] = rest;
  if (!isGroup(listed) || second === undefined || second.startsWith("-")) {
    return { found: await loaded(listed), rest };
  }
  return { found: await named(`${first} ${second}`, listed.commands).load(), rest: behind };
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

import { type Command, type CommandGroup, isGroup } from "./command.ts";
import { type Flag, HELP_FLAG } from "./flag.ts";
import type { Topic } from "./documents.ts";
import { VERSION } from "./version.ts";

/** The widest line, in characters. */
const WIDTH = 100;
/** The widest left column; a longer entry gets a line of its own. */
const LEFT_WIDTH = 28;

/** The help of mevent itself. */
export function overviewHelp(
  commands: readonly (Command | CommandGroup)[],
  topics: readonly Pick<Topic, "name" | "title">[],
  bold: boolean,
): string {
  return [
    `mevent ${VERSION} takes bursts of requests into bounded queues and has plugins work them off.`,
    section("Usage", ["  mevent COMMAND [flags]"], bold),
    section("Commands", commands.flatMap(({ name, summary }) => twoColumns(name, summary)), bold),
    section("Topics", topics.flatMap(({ name, title }) => twoColumns(name, title)), bold),
    section("Flags", [HELP_FLAG, VERSION_FLAG].flatMap(flagLines), bold),
    section("Examples", examplesOf(commands.flatMap(firstExample)), bold),
    `"mevent help COMMAND" tells more of a command, "mevent help TOPIC" prints a document.\n`,
  ].join("\n\n");
}

/** The help of a group of commands. */
export function groupHelp({ name, summary, commands }: CommandGroup, bold: boolean): string {
  return [
    summary,
    section("Usage", [`  mevent ${name} COMMAND [flags]`], bold),
    section("Commands", commands.flatMap((each) => twoColumns(each.name, each.summary)), bold),
    section("Flags", flagLines(HELP_FLAG), bold),
    section("Examples", examplesOf(commands.flatMap(firstExample)), bold),
    `"mevent help ${name} COMMAND" tells more of a command.\n`,
  ].join("\n\n");
}

/** The help of one command. */
export function commandHelp(command: Command, bold: boolean): string {
  const paragraphs = (command.details ?? []).map((paragraph) => wrap(paragraph, WIDTH).join("\n"));
  return [
    command.summary,
    section("Usage", [`  mevent ${command.name} ${command.usage}`.trimEnd()], bold),
    ...paragraphs,
    section("Flags", [...command.flags, HELP_FLAG].flatMap(flagLines), bold),
    section("Examples", examplesOf(command.examples), bold),
  ].join("\n\n") + "\n";
}

const VERSION_FLAG: Flag = { name: "version", help: "Prints the version." };

function section(heading: string, lines: readonly string[], bold: boolean): string {
  return [bold ? `\x1b[1m${heading}\x1b[0m` : heading, ...lines].join("\n");
}

function firstExample(command: Command | CommandGroup): readonly string[] {
  return isGroup(command) ? command.commands.slice(0, 1).flatMap(firstExample) : command.examples.slice(0, 1);
}

function examplesOf(examples: readonly string[]): string[] {
  return examples.map((example) => `  ${example}`);
}

function flagLines(flag: Flag): string[] {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const name = flag.negatable ? `[no-]${flag.name}` : flag.name;
  const value = flag.value === undefined ? "" : ` ${flag.value}`;
  const notes = [
    ...flag.repeat ? ["repeatable"] : [],
    ...flag.default === undefined ? [] : [`default ${flag.default}`],
  ];
  const help = notes.length === 0 ? flag.help : `${flag.help.replace(/\.$/, "")} (${notes.join(", ")}).`;
  return twoColumns(`${short}--${name}${value}`, help);
}

function twoColumns(left: string, right: string): string[] {
  const indent = " ".repeat(2 + LEFT_WIDTH + 2);
  const [first = "", ...rest] = wrap(right, WIDTH - indent.length);
  const lines = rest.map((line) => indent + line);
  if (left.length > LEFT_WIDTH) return [`  ${left}`, indent + first, ...lines];
  return [`  ${left.padEnd(LEFT_WIDTH)}  ${first}`, ...lines];
}

/** Breaks text at spaces into lines of at most so many characters; a longer word keeps its line. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

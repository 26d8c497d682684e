import { type Command, type CommandGroup, isGroup } from "../command.ts";
import { type Flag, HELP_FLAG } from "../flag.ts";

/** What the page tells beside the commands. */
export interface ManPageFacts {
  readonly version: string;
  /** Of the page: `2037-01-31`. */
  readonly date: string;
  readonly topics: readonly { readonly name: string; readonly title: string }[];
  readonly exitCodes: readonly (readonly [code: number, meaning: string])[];
}

/** The manual page mevent(1) in roff, all commands with their flags. */
export function manPage(commands: readonly (Command | CommandGroup)[], facts: ManPageFacts): string {
  const { version, date, topics, exitCodes } = facts;
  const all = commands.flatMap((each) => isGroup(each) ? each.commands : [each]);
  return [
    `.TH MEVENT 1 "${date}" "mevent ${escaped(version)}" "User Commands"`,
    ".SH NAME",
    "mevent \\- takes bursts of requests into bounded queues and has plugins work them off",
    ".SH SYNOPSIS",
    ".B mevent",
    ".I COMMAND",
    "[flags]",
    ".br",
    ".B mevent help",
    "[\\fICOMMAND\\fR | \\fITOPIC\\fR]",
    ".SH DESCRIPTION",
    paragraph(
      "mevent stands between fast callers and slow work. It takes requests over TCP, UDP, Unix sockets and HTTP, answers BUSY where its " +
        "queues are full, and lets plugins, which are TypeScript modules, work them off, each at its own pace.",
    ),
    ".SH COMMANDS",
    ...all.flatMap(commandLines),
    ".SH EXIT STATUS",
    ...exitCodes.flatMap(([code, meaning]) => [".TP", `.B ${code}`, text(meaning)]),
    ".SH FILES",
    ".TP",
    ".I mevent.toml",
    text(
      "The config, where it stands in the folder in which the server starts; mevent config --example prints one with every key.",
    ),
    ".TP",
    ".I /etc/mevent/mevent.toml",
    text("The config of the service that mevent install --systemd sets up."),
    ".TP",
    ".I /var/lib/mevent",
    text("What that service keeps: journals and snapshots."),
    ".SH ENVIRONMENT",
    ".TP",
    ".B MEVENT_*",
    text(
      "MEVENT_CONFIG names the config; each key of [server] has a variable of its own, as MEVENT_MAX_FRAME.",
    ),
    ".TP",
    ".B MEVENT_TOKEN",
    text("The token that commands log in with."),
    ".TP",
    ".B MEVENT_CONTROL",
    text("The control socket of the server that is steered."),
    ".TP",
    ".B NO_COLOR",
    text("Where it is not empty nothing is printed in colours."),
    ".SH DOCUMENTS",
    paragraph("The executable carries its documents; mevent help TOPIC prints one:"),
    ...topics.flatMap(({ name, title }) => [".TP", `.B ${escaped(name)}`, text(title)]),
  ].map((line) => `${line}\n`).join("");
}

function commandLines(command: Command): string[] {
  return [
    `.SS "${escaped(`mevent ${command.name} ${command.usage}`.trimEnd()).replaceAll('"', "\\(dq")}"`,
    text(command.summary),
    ...(command.details ?? []).flatMap((details) => [".PP", text(details)]),
    ...[...command.flags, HELP_FLAG].flatMap(flagLines),
    ".PP",
    command.examples.length === 1 ? "Example:" : "Examples:",
    ".PP",
    ".nf",
    ...command.examples.map((example) => text(`    ${example}`)),
    ".fi",
  ];
}

function flagLines(flag: Flag): string[] {
  const short = flag.short === undefined ? "" : `\\fB\\-${flag.short}\\fR, `;
  const name = flag.negatable
    ? `\\fB\\-\\-\\fR[\\fBno\\-\\fR]\\fB${escaped(flag.name)}\\fR`
    : `\\fB\\-\\-${escaped(flag.name)}\\fR`;
  const value = flag.value === undefined ? "" : ` \\fI${escaped(flag.value)}\\fR`;
  const notes = [
    ...flag.repeat ? ["May be given more than once."] : [],
    ...flag.default === undefined ? [] : [`The default is ${flag.default}.`],
  ];
  return [".TP", `${short}${name}${value}`, text([flag.help, ...notes].join(" "))];
}

function paragraph(words: string): string {
  return text(words);
}

/** Text as roff takes it: nothing in it is read as a request or an escape. */
function text(words: string): string {
  const safe = escaped(words);
  return /^[.']/.test(safe) ? `\\&${safe}` : safe;
}

function escaped(words: string): string {
  return words.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("~", "\\(ti").replaceAll(
    "^",
    "\\(ha",
  )
    .replaceAll("`", "\\(ga").replaceAll("'", "\\(aq");
}

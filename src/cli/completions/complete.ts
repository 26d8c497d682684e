import { type Command, type CommandGroup, isGroup } from "../command.ts";
import { type Flag, HELP_FLAG } from "../flag.ts";
import { type About, aboutWord } from "./about_word.ts";

/** A word that may stand where the cursor is. */
export interface Candidate {
  readonly word: string;
  /** One line; "" where there is nothing to say. */
  readonly help: string;
}

/** What may stand where the cursor is. */
export interface Completion {
  readonly candidates: readonly Candidate[];
  /** Whether a file's or a folder's name may, which shells complete themselves. */
  readonly files: "none" | "files" | "folders";
}

/** What completions are made of. */
export interface CompletionSources {
  /** Commands and groups, all of them loaded. */
  commands(): Promise<readonly (Command | CommandGroup)[]>;
  /** Names of documents, as `mevent help` takes them. */
  topics(): Promise<readonly Candidate[]>;
  /** Plugins of the server that the flags name; none where nobody answers soon. */
  plugins(command: Command, flags: readonly string[]): Promise<readonly Candidate[]>;
}

const NOTHING: Completion = { candidates: [], files: "none" };

/**
 * What may stand in place of the last of the words, which is what is typed of it so far.
 *
 * @param words those behind `mevent`, at least one; bash takes `--flag=value` apart into three of them
 */
export async function complete(words: readonly string[], sources: CompletionSources): Promise<Completion> {
  const current = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const all = await sources.commands();
  const [first, ...behindFirst] = before;
  if (first === undefined) return fitting(commandCandidates(all, ""), current);
  if (first === "help") return await completeHelp(behindFirst, current, all, sources);
  const found = all.find(({ name }) => name === first);
  if (found === undefined) return NOTHING;
  if (!isGroup(found)) return await completeOf(found, behindFirst, current, sources);
  const [second, ...behindSecond] = behindFirst;
  if (second === undefined) return fitting(commandCandidates(found.commands, `${first} `), current);
  const command = found.commands.find(({ name }) => name === `${first} ${second}`);
  return command === undefined ? NOTHING : await completeOf(command, behindSecond, current, sources);
}

function commandCandidates(commands: readonly (Command | CommandGroup)[], prefix: string): Candidate[] {
  return [
    ...commands.map(({ name, summary }) => ({ word: name.slice(prefix.length), help: summary })),
    { word: "--help", help: HELP_FLAG.help },
    ...prefix === "" ? [{ word: "--version", help: "Prints the version." }] : [],
  ];
}

async function completeHelp(
  before: readonly string[],
  current: string,
  all: readonly (Command | CommandGroup)[],
  sources: CompletionSources,
): Promise<Completion> {
  const [first] = before;
  if (first === undefined) {
    const topics = current.startsWith("-") ? [] : await sources.topics();
    return fitting([...commandCandidates(all, "").slice(0, -1), ...topics], current);
  }
  const group = all.find(({ name }) => name === first);
  if (before.length > 1 || group === undefined || !isGroup(group)) return NOTHING;
  return fitting(commandCandidates(group.commands, `${first} `).slice(0, -1), current);
}

async function completeOf(
  command: Command,
  before: readonly string[],
  current: string,
  sources: CompletionSources,
): Promise<Completion> {
  const flags = [...command.flags, HELP_FLAG];
  const typed = typedOf(flags, before);
  const about = (what: About, prefix = "", start = current) =>
    completeWord(what, prefix, start, command, typed, sources);
  const { pending } = typed;
  if (pending !== null) {
    // "--flag", "=" and what is typed of the value.
    return await about(aboutWord(pending.value ?? ""), "", current === "=" ? "" : current);
  }
  if (current.startsWith("-") && !typed.isOver) {
    const at = current.indexOf("=");
    if (at < 0) return fitting(flagCandidates(flags, typed.given), current);
    const flag = flags.find(({ name }) => `--${name}` === current.slice(0, at));
    return flag?.value === undefined ? NOTHING : await about(aboutWord(flag.value), current.slice(0, at + 1));
  }
  const found = command.positionals ? await about(argumentOf(command, typed.positionals)) : NOTHING;
  const isUnknown = found.candidates.length === 0 && found.files === "none";
  return isUnknown && current === "" && !typed.isOver
    ? fitting(flagCandidates(flags, typed.given), "")
    : found;
}

/** What a command line has before the cursor. */
interface Typed {
  /** The flag whose value comes next. */
  readonly pending: Flag | null;
  readonly given: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly positionals: number;
  /** Behind `--` there are no flags. */
  readonly isOver: boolean;
}

function typedOf(flags: readonly Flag[], words: readonly string[]): Typed {
  const given = new Set<string>();
  const values = new Map<string, string>();
  let positionals = 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === "--") {
      return { pending: null, given, values, positionals: positionals + words.length - at - 1, isOver: true };
    }
    if (!word.startsWith("-") || word === "-") {
      positionals++;
      continue;
    }
    const [name = "", ...value] = word.split("=");
    const flag = flags.find((each) =>
      `--${each.name}` === name || `-${each.short}` === name || `--no-${each.name}` === name
    );
    if (flag === undefined) continue;
    given.add(flag.name);
    if (flag.value === undefined) continue;
    if (value.length > 0) {
      values.set(flag.name, value.join("="));
      continue;
    }
    if (words[at + 1] === "=") at++;
    const next = words[++at];
    if (next === undefined) return { pending: flag, given, values, positionals, isOver: false };
    values.set(flag.name, next);
  }
  return { pending: null, given, values, positionals, isOver: false };
}

/** What the usage says of the argument of that place: `PLUGIN [ID] [flags]`. */
function argumentOf({ usage }: Command, place: number): About {
  // Flags that the usage names are no arguments, nor are their values.
  const names = usage.replace(/\[flags\].*|--\S+ \S+/g, "").replace(/[[\]]/g, "").trim().split(/\s+/);
  const known = names.filter((name) => name !== "…");
  // "FILE …" is any number of them.
  const name = known[place] ?? (names.includes("…") ? known.at(-1) : undefined);
  return aboutWord(name ?? "");
}

async function completeWord(
  about: About,
  prefix: string,
  current: string,
  command: Command,
  { values }: Typed,
  sources: CompletionSources,
): Promise<Completion> {
  if (about === "files" || about === "folders") return { candidates: [], files: about };
  const words = about === "plugins"
    ? await sources.plugins(command, [...values].map(([name, value]) => `--${name}=${value}`))
    : about.map((word) => ({ word, help: "" }));
  return fitting(words.map(({ word, help }) => ({ word: prefix + word, help })), current);
}

function flagCandidates(flags: readonly Flag[], given: ReadonlySet<string>): Candidate[] {
  return flags.filter(({ name, repeat }) => repeat === true || !given.has(name)).flatMap((flag) => [
    { word: `--${flag.name}`, help: flag.help },
    ...flag.negatable ? [{ word: `--no-${flag.name}`, help: flag.help }] : [],
  ]);
}

function fitting(candidates: readonly Candidate[], current: string): Completion {
  return { candidates: candidates.filter(({ word }) => word.startsWith(current)), files: "none" };
}

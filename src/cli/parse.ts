import { parseArgs } from "@std/cli";
import { didYouMean } from "../nearest.ts";
import type { Command } from "./command.ts";
import { type Flag, HELP_FLAG } from "./flag.ts";
import { ParsedCommand } from "./parsed_command.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Reads the arguments behind a command's name. Throws UsageError.
 *
 * parseArgs guesses: it takes `-5` for a flag, `true` for the value of the flag before it, and says nothing of a flag
 * without its value. So it gets its arguments in the one form that leaves nothing to guess: `--name` or `--name=value`.
 */
export function parseCommand(command: Command, args: readonly string[]): ParsedCommand {
  const flags = [...command.flags, HELP_FLAG];
  const withValue = flags.filter((flag) => flag.value !== undefined).map((flag) => flag.name);
  const switches = flags.filter((flag) => flag.value === undefined).map((flag) => flag.name);
  const { canonical, positionals } = canonicalArgs(command, flags, args);
  const parsed = parseArgs(canonical, {
    string: withValue,
    collect: withValue,
    boolean: switches,
    negatable: flags.filter((flag) => flag.negatable).map((flag) => flag.name),
    // undefined tells a switch that was not given from its --no- form.
    default: Object.fromEntries(switches.map((name) => [name, undefined])),
  });
  return new ParsedCommand(
    command,
    new Map(withValue.map((name) => [name, textsOf(parsed[name])])),
    new Map(switches.flatMap((name) => typeof parsed[name] === "boolean" ? [[name, parsed[name]]] : [])),
    positionals,
  );
}

/** Splits the arguments into flags, each as `--name` or `--name=value`, and those that belong to no flag. */
function canonicalArgs(command: Command, flags: readonly Flag[], args: readonly string[]) {
  const canonical: string[] = [];
  const positionals: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "--") {
      positionals.push(...args.slice(at + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      positionals.push(arg);
      continue;
    }
    const [written, value] = splitAtEquals(arg);
    const name = longName(command, flags, written);
    const flag = flags.find((each) => each.name === name);
    if (flag?.value === undefined) {
      if (value !== undefined) {
        throw new UsageError(`${written} takes no value, got ${JSON.stringify(value)}`);
      }
      canonical.push(`--${name}`);
    } else {
      canonical.push(`--${name}=${value ?? valueBehind(written, flag.value, args[++at])}`);
    }
  }
  const [first] = positionals;
  if (first !== undefined && !command.positionals) {
    throw new UsageError(`unexpected argument ${JSON.stringify(first)}${meantText(command, first)}`);
  }
  return { canonical, positionals };
}

function splitAtEquals(arg: string): [written: string, value: string | undefined] {
  const at = arg.indexOf("=");
  return at < 0 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}

/** The name behind the dashes as parseArgs is to see it: `json`, `config` for `-c`, `no-async-reply`. */
function longName(command: Command, flags: readonly Flag[], written: string): string {
  const short = flags.find((flag) => flag.short !== undefined && written === `-${flag.short}`);
  if (short !== undefined) return short.name;
  const known = flags.flatMap(({ name, negatable }) =>
    negatable ? [`--${name}`, `--no-${name}`] : [`--${name}`]
  );
  if (known.includes(written)) return written.slice(2);
  throw new UsageError(`unknown flag ${written}${didYouMean(written, known) || meantText(command, written)}`);
}

function meantText({ meant }: Command, argument: string): string {
  const instead = meant?.(argument);
  return instead === undefined ? "" : `; did you mean ${instead}?`;
}

/** The argument behind a flag that needs a value. One that begins with two dashes is a flag more likely than a value. */
function valueBehind(written: string, placeholder: string, next: string | undefined): string {
  if (next !== undefined && !next.startsWith("--")) return next;
  throw new UsageError(`${written} needs a value: ${written}=${placeholder}`);
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

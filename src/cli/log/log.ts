import { LOG_LEVELS } from "../../observe/log_levels.ts";
import { MAX_KEPT_LINES } from "../../observe/log_ring.ts";
import type { JsonObject } from "../../plugin.ts";
import type { Command } from "../command.ts";
import { CONTROL_EXIT_CODES, CONTROL_FLAGS, controlCall } from "../control/call.ts";
import type { ParsedCommand } from "../parsed_command.ts";
import { UsageError } from "../usage_error.ts";
import { followLog } from "./follow.ts";
import { linesText } from "./lines.ts";

export const logCommand: Command = {
  name: "log",
  summary: "Shows the last lines of a server's log, or sets from which level on it writes.",
  usage: "[level [PLUGIN] [LEVEL]] [flags]",
  details: [
    `A server keeps its last ${MAX_KEPT_LINES} lines in memory. What its level leaves out is not among them.`,
    "mevent log level shows the levels. With a LEVEL it sets the server's, with a PLUGIN and a LEVEL that of the lines about " +
    "the plugin, until the server ends; the level config is what the config says again.",
    CONTROL_EXIT_CODES,
  ],
  flags: [
    { name: "follow", help: "Goes on with the lines to come, until it is interrupted." },
    { name: "level", value: "LEVEL", help: "Of that level and above: debug, info, warn or error." },
    { name: "plugin", value: "PLUGIN", help: "About that plugin." },
    { name: "text", value: "TEXT", help: "With that text in the message or a field, whatever its case." },
    {
      name: "limit",
      value: "N",
      default: "100",
      help: `The newest, at most so many: 1 to ${MAX_KEPT_LINES}.`,
    },
    ...CONTROL_FLAGS,
  ],
  positionals: true,
  examples: [
    "mevent log --follow --level warn",
    "mevent log --plugin echo --text refused --json",
    "mevent log level",
    "mevent log level echo debug",
    "mevent log level echo config",
  ],
  async run(args, io) {
    const [word, ...rest] = args.positionals;
    if (word !== undefined && word !== "level") {
      throw new UsageError(`unexpected argument ${JSON.stringify(word)}`);
    }
    if (word === "level") {
      for (const name of ["follow", "level", "plugin", "text"]) {
        if (args.text(name) !== undefined || args.isOn(name) === true) {
          throw new UsageError(`mevent log level has no --${name}: mevent log level PLUGIN LEVEL`);
        }
      }
      const request = levelRequest(rest);
      return await controlCall(args, io, {
        request,
        text: request["command"] === "log-levels" ? levelsText : levelText,
      });
    }
    const request = linesRequest(args);
    if (args.isOn("follow") === true) return await followLog(args, io, request);
    return await controlCall(args, io, { request, text: (result) => linesText(result, io) });
  },
};

function linesRequest(args: ParsedCommand): JsonObject {
  const request: JsonObject = { command: "log", limit: args.int("limit", 1, MAX_KEPT_LINES) };
  const level = args.text("level");
  if (level !== undefined) request["level"] = checkedLevel(level);
  for (const name of ["plugin", "text"]) {
    const value = args.text(name);
    if (value !== undefined) request[name] = value;
  }
  return request;
}

function levelRequest(words: readonly string[]): JsonObject {
  if (words.length === 0) return { command: "log-levels" };
  if (words.length > 2) throw new UsageError(`unexpected argument ${JSON.stringify(words[2])}`);
  const level = words.at(-1)!;
  return {
    command: "log-level",
    plugin: words.length === 2 ? words[0]! : null,
    level: level === "config" ? null : checkedLevel(level),
  };
}

function checkedLevel(text: string): string {
  if (LOG_LEVELS.some((level) => level === text)) return text;
  throw new UsageError(`expected a level, ${LOG_LEVELS.join(", ")}, got ${JSON.stringify(text)}`);
}

function levelsText({ server, plugins }: JsonObject): string {
  const rows = Object.entries(plugins as JsonObject);
  const width = Math.max(...rows.map(([name]) => name.length), 0);
  const own = rows.map(([name, level]) => `  ${name.padEnd(width)}  ${level ?? `${server}, the server's`}\n`);
  return `the server: ${server}\n${own.join("")}`;
}

function levelText({ plugin, level, note }: JsonObject): string {
  const what = plugin === null ? "lines" : `lines about plugin ${plugin}`;
  return `${what} are written from ${level ?? "the server's level"} on; ${note}\n`;
}

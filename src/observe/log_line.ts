import type { JsonObject } from "../plugin.ts";
import { besides } from "./log_fields.ts";
import type { LogLevel } from "./log_levels.ts";

const COLOURS: Record<LogLevel, string> = { debug: "\x1b[2m", info: "", warn: "\x1b[33m", error: "\x1b[31m" };

/** A line for machines, with its end. */
export function lineOfJson(time: Date, level: LogLevel, message: string, fields: JsonObject): string {
  return `${JSON.stringify(besides({ time: time.toISOString(), level, message }, fields))}\n`;
}

/** A line for people, with its end. */
export function lineOfText(
  time: Date,
  level: LogLevel,
  message: string,
  fields: JsonObject,
  colour: boolean,
): string {
  const pairs = Object.entries(fields).map(([name, value]) => ` ${oneLine(name)}=${textValue(value)}`).join(
    "",
  );
  const line = `${time.toISOString().slice(11, 23)} ${level.padEnd(5)} ${oneLine(message)}${pairs}`;
  return colour && COLOURS[level] !== "" ? `${COLOURS[level]}${line}\x1b[0m\n` : `${line}\n`;
}

function textValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return oneLine(/[\s"=]/.test(text) || text === "" ? JSON.stringify(text) : text);
}

/** Keeps what a caller or a plugin wrote from forging lines of its own. */
function oneLine(message: string): string {
  return message.replace(/\p{Cc}/gu, (char) => char === "\n" ? "\\n" : " ");
}

import { LOG_LEVELS } from "../../observe/log_levels.ts";
import { lineOfText } from "../../observe/log_line.ts";
import type { JsonObject, JsonValue } from "../../plugin.ts";
import { AnswerError, isObject } from "../control/client.ts";
import type { Io } from "../io.ts";

/** The lines of an answer for people, as the server's log has them. Throws AnswerError. */
export function linesText(result: JsonObject, io: Io): string {
  const colour = io.stdout.isTerminal && !io.noColor;
  return listed(result).map((line) => lineText(line, colour)).join("");
}

/** The lines of an answer. Throws AnswerError. */
export function listed({ lines }: JsonObject): readonly JsonObject[] {
  if (Array.isArray(lines) && lines.every(isObject)) return lines;
  throw new AnswerError("the server's answer has no lines: is it of this version?");
}

function lineText({ at, level, message, fields }: JsonObject, colour: boolean): string {
  const known = LOG_LEVELS.find((each) => each === level) ?? "info";
  return lineOfText(new Date(Number(at)), known, String(message), objectOf(fields), colour);
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

import { exactAsText } from "../exact_json.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";
import { cut, textOf, toldText } from "../text_of.ts";

/** A log line of a plugin carries so many UTF-16 units of message and as many of fields; "…" says what was cut. */
export const MAX_LOG_TEXT = 4096;

/** What a plugin hands to its log as text: never throws, and never longer than {@link MAX_LOG_TEXT}. */
export function plainMessage(message: unknown): string {
  return cut(textOf(message), MAX_LOG_TEXT);
}

/**
 * The fields as plain JSON, whatever they were: a bigint or a number that JSON has not as its digits, an error as its
 * sentence, what JSON cannot write (a cycle) as a remark. Together at most {@link MAX_LOG_TEXT}: what is too long
 * is cut, and how many fields found no room stands in `fields_left_out`. Never throws.
 */
export function plainFields(fields: unknown): JsonObject {
  if (fields === undefined) return {};
  try {
    if (typeof fields !== "object" || fields === null || Array.isArray(fields) || fields instanceof Error) {
      return plainEntries([["fields", fields]]);
    }
    return plainEntries(Object.entries(fields));
  } catch (error) {
    return { fields: `(cannot be written: ${cut(textOf(error), MAX_LOG_TEXT / 2)})` };
  }
}

function plainEntries(entries: [string, unknown][]): JsonObject {
  const plain: [string, JsonValue][] = [];
  let room = MAX_LOG_TEXT;
  for (const [name, value] of entries) {
    const text = jsonOf(value);
    if (text === undefined) continue;
    room -= name.length + 1;
    if (room <= 0) {
      plain.push(["fields_left_out", entries.length - plain.length]);
      break;
    }
    const fitting = text.length <= room
      ? JSON.parse(text)
      : cut(typeof value === "string" ? toldText(value) : text, room);
    plain.push([name, fitting]);
    room -= Math.min(text.length, room);
  }
  // Not by assignment: a field may be called __proto__.
  return Object.fromEntries(plain);
}

/** Undefined where JSON leaves a field out: it is undefined. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_, inner: unknown) => {
      if (typeof inner === "string") return toldText(inner);
      if (typeof inner === "function" || typeof inner === "symbol") return String(inner);
      if (typeof inner === "number" && !Number.isFinite(inner)) return String(inner);
      return inner instanceof Error ? textOf(inner) : exactAsText("", inner);
    });
  } catch (error) {
    return JSON.stringify(`(cannot be written: ${cut(textOf(error), MAX_LOG_TEXT / 2)})`);
  }
}

import { stringify } from "@std/toml";
import { keyText } from "./config_error.ts";
import { isTable } from "./is_table.ts";

/** A value as it is written behind its key, on one line. */
export function tomlText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlText).join(", ")}]`;
  if (isTable(value)) {
    const members = Object.entries(value).map(([key, each]) => `${keyText([key])} = ${tomlText(each)}`);
    return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
  }
  // DEL is a control character that JSON writes as it is, and the library with it.
  return stringify({ x: value }).trim().slice("x = ".length).replaceAll("\x7f", "\\u007F");
}

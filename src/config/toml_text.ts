import { stringify } from "@std/toml";
import { type KeyPath, keyText } from "./config_error.ts";
import { isTable } from "./is_table.ts";

/** A key and its value on one line, without a character that a terminal does not show as it stands there. */
export function tomlLine(key: KeyPath, value: unknown): string {
  // Such characters stand between quotes alone.
  return `${keyText(key)} = ${tomlText(value)}`.replace(/\p{C}/gu, (char) => {
    const hex = char.codePointAt(0)!.toString(16).toUpperCase();
    return hex.length <= 4 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
  });
}

/** A value as it is written behind its key, on one line. */
export function tomlText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlText).join(", ")}]`;
  // The library leaves out the zone.
  if (value instanceof Date) return value.toISOString().replace(/\.0+(?=\D|$)/, "");
  if (isTable(value)) {
    const members = Object.entries(value).map(([key, each]) => `${keyText([key])} = ${tomlText(each)}`);
    return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
  }
  if (Object.is(value, -0)) return "-0.0";
  return stringify({ x: value }).trim().slice("x = ".length);
}

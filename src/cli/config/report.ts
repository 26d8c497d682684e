import type { ConfigEntry } from "../../config/entries.ts";
import { isTable } from "../../config/is_table.ts";
import { keyText } from "../../config/config_error.ts";
import { tomlLine } from "../../config/toml_text.ts";
import { printable } from "../aligned.ts";

/** Keys whose values are told to nobody; not those that name where a secret is. */
const SECRET = /(?:secret|password|passwd|token|credential|authorization|api_?key|private_?key)s?$/i;
/** Keys of `[[receiver]]` that are secret as a whole. */
const SECRET_OF_RECEIVER = ["webhook", "headers", "command"];
/** A URL's password. */
const URL_PASSWORD = /^([a-z][a-z\d+.-]*:\/\/[^/?#\s:@]*):[^/?#\s@]+@/i;
/** What stands behind the host in a URL of HTTP: that of a webhook often has a secret there. */
const URL_PATH = /^(https?:\/\/[^/?#\s]+\/)[^\s]+$/i;
const HIDDEN = "***";
/** The widest that keys and values are for their origins to stand in a column, in characters. */
const WIDTH = 60;

/** The entries without what is secret: passwords in URLs, and what stands at keys that are called so. */
export function withoutSecrets(entries: readonly ConfigEntry[]): ConfigEntry[] {
  return entries.map((entry) => {
    const isSecret = (entry.key[0] === "config" && entry.key.some((name) => SECRET.test(name))) ||
      (entry.table[0] === "receiver" && SECRET_OF_RECEIVER.includes(entry.key[0]!));
    if (isSecret) return { ...entry, value: HIDDEN };
    const value = hidden(entry.value);
    const isUrl = entry.key[0] === "config" && typeof value === "string";
    return { ...entry, value: isUrl ? value.replace(URL_PATH, `$1${HIDDEN}`) : value };
  });
}

function hidden(value: unknown): unknown {
  if (typeof value === "string") return value.replace(URL_PASSWORD, `$1:${HIDDEN}@`);
  if (Array.isArray(value)) return value.map(hidden);
  if (!isTable(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, SECRET.test(key) ? HIDDEN : hidden(each)]),
  );
}

/** A config file with every key, and as a comment where each value comes from. */
export function configText(entries: readonly ConfigEntry[]): string {
  const lines: string[] = [];
  // What stands in no table comes first.
  let table = "";
  for (const { table: path, key, value, place } of entries) {
    const name = keyText(path);
    if (name !== table) {
      lines.push(...lines.length === 0 ? [] : [""], path.length === 1 ? `[${name}]` : `[[${path[0]}]]`);
      table = name;
    }
    const set = value === undefined ? `# ${keyText(key)} =` : tomlLine(key, value);
    lines.push(`${set.padEnd(WIDTH)}  # ${printable(place)}`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** The same for programs. */
export function configJson(file: string | undefined, entries: readonly ConfigEntry[]) {
  return {
    config: file ?? null,
    keys: entries.map(({ table, key, value, origin, place }) => ({
      key: keyText([...table, ...key]),
      value: value ?? null,
      origin,
      place,
    })),
  };
}

import { isDeepStrictEqual } from "node:util";
import { isTable, type Table } from "./is_table.ts";
import { formatBytes, formatDuration } from "./units.ts";

/** Keys whose numbers are times in ms, and those whose numbers are bytes. */
const DURATION = /(timeout|grace|ttl|delay|backoff|window|interval|idle|operation)$/i;
const BYTES = /(bytes|frame|memory|disk)$/i;
/** Keys whose values may hold secrets and are not repeated. */
const SECRET = new Set(["config"]);
/** The longest value that is shown, in UTF-16 units. */
const SHOWN_LENGTH = 60;

/** What differs between two tables of the config, keys as in the file: `queue.max_bytes 1 MiB -> 2 MiB`. */
export function differences(before: object, after: object, path = ""): string[] {
  const old = new Map<string, unknown>(Object.entries(before));
  return Object.entries(after).flatMap(([key, value]: [string, unknown]) => {
    const was = old.get(key);
    if (isDeepStrictEqual(was, value)) return [];
    const name = path + key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (SECRET.has(key)) return [`${name} changed`];
    if (isTable(was) && isTable(value)) return differences(was, value, `${name}.`);
    return [`${name} ${shown(key, was)} -> ${shown(key, value)}`];
  });
}

function shown(key: string, value: unknown): string {
  if (value === undefined) return "none";
  if (typeof value === "number" && DURATION.test(key)) return formatDuration(value);
  if (typeof value === "number" && BYTES.test(key)) return formatBytes(value);
  const text = typeof value === "string" ? value : isTable(value) ? inline(value) : JSON.stringify(value);
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}

/** A table as it stands in one line of a file. */
function inline(table: Table): string {
  const entries = Object.entries(table).flatMap(([key, value]) => {
    if (value === undefined) return [];
    const isAmount = typeof value === "number" && (DURATION.test(key) || BYTES.test(key));
    return [`${key} = ${isAmount ? JSON.stringify(shown(key, value)) : JSON.stringify(value)}`];
  });
  return `{ ${entries.join(", ")} }`;
}

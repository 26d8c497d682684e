import { mismatch } from "./config_error.ts";
import { isTable, type Table } from "./is_table.ts";

/** A Unix socket to listen on. */
export interface UnixSocket {
  readonly path: string;
  /** Permission bits of its file; who may write to it may connect. */
  readonly mode: number;
  /** The group of its file, by name or number; undefined leaves it that of the process. */
  readonly group: string | undefined;
}

/** The process's own user and group. */
const DEFAULT_MODE = 0o660;
const EXPECTED = 'a path, "PATH?mode=0660&group=NAME" or { path = "…", mode = "0660", group = "…" }';
const KEYS = ["path", "mode", "group"];
/** What may stand behind the path in a text, where there are no tables: flags, MEVENT_UNIX. */
const SUFFIX = /\?((?:mode|group)=[^?&]*(?:&(?:mode|group)=[^?&]*)*)$/;

/** `"/run/m.sock"`, `"/run/m.sock?mode=0660&group=www-data"`, or the same as a table. Throws ConfigError. */
export function parseUnixSocket(value: unknown): UnixSocket {
  if (typeof value === "string") return fromText(value);
  if (!isTable(value)) throw mismatch(EXPECTED, value);
  const unknown = Object.keys(value).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw mismatch(`path, mode and group as keys of a Unix socket`, unknown);
  return fromTable(value);
}

function fromText(text: string): UnixSocket {
  const suffix = SUFFIX.exec(text);
  if (suffix === null) return fromTable({ path: text });
  const pairs = suffix[1]!.split("&").map((pair) => pair.split("=", 2));
  const given = Object.fromEntries(pairs);
  if (Object.keys(given).length < pairs.length) throw mismatch("mode and group once each", text);
  return fromTable({ path: text.slice(0, suffix.index), ...given });
}

function fromTable({ path, mode, group }: Table): UnixSocket {
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw mismatch(EXPECTED, path ?? "no path");
  }
  if (mode !== undefined && (typeof mode !== "string" || !/^0?[0-7]{3}$/.test(mode))) {
    throw mismatch('the permission bits of a Unix socket as an octal text, such as "0660"', mode);
  }
  if (group !== undefined && (typeof group !== "string" || !/^[^\s:,]+$/.test(group))) {
    throw mismatch("the name or the number of a group as a text", group);
  }
  return { path, mode: mode === undefined ? DEFAULT_MODE : Number.parseInt(mode, 8), group };
}

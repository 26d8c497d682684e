import { closestString } from "@std/text";
import { SERVER_DEFAULTS } from "./defaults.ts";

/** A layer of `[server]` and the problems met while reading it. */
export interface Layer {
  readonly values: Record<string, unknown>;
  readonly problems: readonly string[];
}

const PREFIX = "MEVENT_";
const FILE_VARIABLE = "MEVENT_CONFIG";
const VARIABLES = new Map(Object.keys(SERVER_DEFAULTS).map((key) => [PREFIX + key.toUpperCase(), key]));

/** The keys of `[server]` that MEVENT_* variables set: MEVENT_MAX_FRAME is max_frame. */
export function environmentLayer(env: Readonly<Record<string, string>>): Layer {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || name === FILE_VARIABLE) continue;
    const key = VARIABLES.get(name);
    if (key === undefined) {
      const nearest = closestString(name, [FILE_VARIABLE, ...VARIABLES.keys()]);
      problems.push(`${name}: unknown variable; the nearest known one is ${nearest}`);
    } else {
      values[key] = fromText(key, text);
    }
  }
  return { values, problems };
}

/** The config file that the environment names, or undefined. */
export function environmentFile(env: Readonly<Record<string, string>>): string | undefined {
  return env[FILE_VARIABLE] || undefined;
}

/** The keys of `[server]` that flags set; texts become what their keys need, other values stay. */
export function flagLayer(flags: Readonly<Record<string, unknown>>): Layer {
  const entries = Object.entries(flags).map((
    [key, value],
  ) => [key, typeof value === "string" ? fromText(key, value) : value]);
  return { values: Object.fromEntries(entries), problems: [] };
}

/** A text as the kind of value that the key has; a text that cannot be one stays, for the schema to refuse. */
function fromText(key: string, text: string): unknown {
  const kind = typeof Object.entries(SERVER_DEFAULTS).find(([each]) => each === key)?.[1];
  if (kind === "number" && /^\d[\d_]*$/.test(text)) return Number(text.replaceAll("_", ""));
  if (kind === "boolean" && (text === "true" || text === "1")) return true;
  if (kind === "boolean" && (text === "false" || text === "0")) return false;
  if (["tcp", "udp", "unix"].includes(key) && text.includes(",")) {
    return text.split(",").map((each) => each.trim());
  }
  return text;
}

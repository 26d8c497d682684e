import { didYouMean } from "../nearest.ts";
import { SERVER_DEFAULTS } from "./defaults.ts";

/** A layer of `[server]`. */
export interface Layer {
  readonly values: Record<string, unknown>;
}

/** What the environment says, and what of it is no setting, a sentence each. */
export interface EnvironmentLayer extends Layer {
  readonly warnings: readonly string[];
}

/** In place of the path of a config file: there is to be none. */
export const NO_FILE = "none";

const PREFIX = "MEVENT_";
const FILE_VARIABLE = "MEVENT_CONFIG";
/** What clients read. */
const OF_CLIENTS = ["MEVENT_TOKEN", "MEVENT_CLIENT_CONFIG"];
const VARIABLES = new Map(Object.keys(SERVER_DEFAULTS).map((key) => [variableOf(key), key]));

/** What Kubernetes, and Docker's links, call the variables of a service named mevent, mevent-tcp and so on. */
const OF_A_SERVICE =
  /^MEVENT(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;
/** How they write an address. */
const SERVICE_URL = /^(tcp|udp|sctp):\/\//;

/** The keys of `[server]` that MEVENT_* variables set: MEVENT_MAX_FRAME is max_frame. */
export function environmentLayer(env: Readonly<Record<string, string>>): EnvironmentLayer {
  const values: Record<string, unknown> = {};
  const warnings: string[] = [];
  const ofServices: string[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || name === FILE_VARIABLE || OF_CLIENTS.includes(name)) continue;
    const key = VARIABLES.get(name);
    const isOfService = OF_A_SERVICE.test(name) && (key === undefined || SERVICE_URL.test(text));
    if (isOfService) ofServices.push(name);
    else if (key !== undefined) values[key] = fromText(key, text);
    else {
      const meant = didYouMean(
        name.slice(PREFIX.length),
        [...VARIABLES.keys(), FILE_VARIABLE].map(withoutPrefix),
      );
      warnings.push(`${name}: unknown variable, it sets nothing${meant.replace("mean ", `mean ${PREFIX}`)}`);
    }
  }
  if (ofServices.length > 0) {
    warnings.push(
      `${
        ofServices.join(", ")
      }: as Kubernetes sets them beside a service of that name; they set nothing here ` +
        "(enableServiceLinks: false leaves them out)",
    );
  }
  return { values, warnings };
}

function withoutPrefix(variable: string): string {
  return variable.slice(PREFIX.length);
}

/** The variable that sets a key of `[server]`. */
export function variableOf(key: string): string {
  return PREFIX + key.toUpperCase();
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
  return { values: Object.fromEntries(entries) };
}

/** A text as the kind of value that the key has; a text that cannot be one stays, for the schema to refuse. */
function fromText(key: string, text: string): unknown {
  const kind = typeof Object.entries(SERVER_DEFAULTS).find(([each]) => each === key)?.[1];
  if (kind === "number" && /^\d[\d_]*$/.test(text)) return Number(text.replaceAll("_", ""));
  if (kind === "boolean" && (text === "true" || text === "1")) return true;
  if (kind === "boolean" && (text === "false" || text === "0")) return false;
  if (["tcp", "udp", "unix", "http", "cors", "http_hosts", "allow"].includes(key) && text.includes(",")) {
    return text.split(",").map((each) => each.trim());
  }
  return text;
}

import { GRANT_KINDS, type GrantKind, grantLine, type Grants } from "../modules/grants.ts";

/** What Deno says where a worker asks for more than it may. */
const REQUIRES = /Requires (\w+) access(?: to ("(?:[^"\\]|\\.)*"|<[^>]*>|[^\s,]+))?/;
/** What the executable's Deno says where the system does not let a module be read: EACCES. */
const UNREADABLE_MODULE = "JsErrorBox { inner: Os { code: 13,";
/** How far the causes of an error are followed: a driver wraps what it met. */
const MAX_CAUSES = 8;

const MAY_NOT: { readonly [kind in GrantKind]: (value: string) => string } = {
  net: (value) => `may not use the network at ${value}`,
  read: (value) => `may not read ${value}`,
  write: (value) => `may not write ${value}`,
  env: (value) => `may not read the environment variable ${value}`,
  run: (value) => `may not run ${value}`,
  sys: (value) => `may not ask the system for ${value}`,
  ffi: (value) => `may not load the library ${value}`,
  import: (value) => `may not import from ${value}`,
};
const EVERYTHING: { readonly [kind in GrantKind]: string } = {
  net: "the whole network",
  read: "to read every file",
  write: "to write every file",
  env: "the whole environment",
  run: "to run every program",
  sys: "to ask the system for everything",
  ffi: "to load every library",
  import: "to import from everywhere",
};

/**
 * The sentence that says which grant a plugin lacks and which line of its config gives it; undefined where that is not
 * what was thrown. Never throws.
 */
export function missingGrant(thrown: unknown, plugin: string, grants: Grants): string | undefined {
  const message = refusalIn(thrown);
  const found = message?.match(REQUIRES);
  if (found === undefined || found === null) return message === undefined ? undefined : unnamed(plugin);
  const value = named(found[2]);
  const own = ownMessage(thrown);
  const before = own === message || own === "" ? "" : `${own}: `;
  // The memory of the process, and what else would give everything.
  if (found[1] === "all") {
    return `${before}plugin ${plugin} may not open ${JSON.stringify(value)}, which no grant gives`;
  }
  const kind = GRANT_KINDS.find((each) => each === found[1]);
  if (kind === undefined) return undefined;
  const what = value === undefined
    ? `plugin ${plugin} is not granted ${EVERYTHING[kind]}`
    : `plugin ${plugin} ${MAY_NOT[kind](JSON.stringify(value))}`;
  return `${before}${what}; grant it in its [[plugin]] table: ${grantLine(grants, kind, value)}`;
}

/** Of an import that the kernel refused: Deno does not say what was imported. */
function unnamed(plugin: string): string {
  return `plugin ${plugin} may not read a module that code made at run time imports; grant its file in the [[plugin]] table: ` +
    `permissions = { read = ["…"] }`;
}

function ownMessage(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : "";
  } catch {
    return "";
  }
}

/** What Deno's message says was asked for and refused: its kind, and what of it; undefined where it says no such thing. */
export function askedFor(message: string): { kind: string; value: string | undefined } | undefined {
  const found = message.match(REQUIRES);
  return found === null ? undefined : { kind: found[1]!, value: named(found[2]) };
}

/** What stands in the quotes; undefined where everything of the kind was asked for, or something that has no name. */
function named(text: string | undefined): string | undefined {
  if (text === undefined || text.startsWith("<")) return undefined;
  if (!text.startsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}

/** Deno's message, of the error itself, one of its causes or one of those that it gathers. */
function refusalIn(thrown: unknown, depth = 0): string | undefined {
  if (depth > MAX_CAUSES) return undefined;
  try {
    if (!(thrown instanceof Error)) return undefined;
    const message = String(thrown.message);
    // What a plugin's own worker met may be handed on as any error.
    if (message.includes(UNREADABLE_MODULE)) return message;
    // An import that may not be is a TypeError.
    if (thrown instanceof Deno.errors.NotCapable || thrown instanceof TypeError) {
      if (REQUIRES.test(message)) return message;
    }
    const inside: unknown[] = thrown instanceof AggregateError ? [...thrown.errors].slice(0, MAX_CAUSES) : [];
    for (const each of [thrown.cause, ...inside]) {
      const refusal = refusalIn(each, depth + 1);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  } catch {
    // A proxy, or a getter that throws.
    return undefined;
  }
}

import { type Asked, GRANT_KINDS, type GrantKind, grantLine, type Grants } from "../modules/grants.ts";

/** What Deno says where a worker asks for more than it may. */
const REQUIRES = /Requires (\w+) access(?: to ("(?:[^"\\]|\\.)*"|<[^>]*>|[^\s,]+))?/;
/** What the executable's Deno says where the system does not let a module be read: EACCES. */
const UNREADABLE_MODULE = "JsErrorBox { inner: Os { code: 13,";
/** So many errors are looked at, of the causes of one and those that it gathers: a driver wraps what it met. */
const MAX_ERRORS = 16;

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
 * The sentence that says which grants a plugin lacks and which line of its config gives them; undefined where that is not
 * what was thrown. Never throws.
 */
export function missingGrant(thrown: unknown, plugin: string, grants: Grants): string | undefined {
  const refusals = refusalsIn(thrown);
  const own = ownMessage(thrown);
  const who = `${own === "" || refusals.includes(own) ? "" : `${own}: `}plugin ${plugin}`;
  const asked = refusals.flatMap((message) => askedFor(message) ?? []);
  // The memory of the process, and what else would give everything.
  const all = asked.find(({ kind }) => kind === "all");
  if (all !== undefined) return `${who} may not open ${JSON.stringify(all.value)}, which no grant gives`;
  const lacking = asked.flatMap(({ kind: name, value }): Asked[] => {
    const kind = GRANT_KINDS.find((each) => each === name);
    return kind === undefined ? [] : [{ kind, value }];
  });
  if (lacking.length === 0) return refusals.some(isUnreadable) ? unnamed(plugin) : undefined;
  const what = lacking.map(({ kind, value }) =>
    value === undefined ? `is not granted ${EVERYTHING[kind]}` : MAY_NOT[kind](JSON.stringify(value))
  );
  return `${who} ${what.join(" and ")}; grant it in its [[plugin]] table: ${grantLine(grants, ...lacking)}`;
}

/** Of an import that the kernel refused: Deno does not say what was imported. */
function unnamed(plugin: string): string {
  return `plugin ${plugin} may not read a module that code made at run time imports; grant its file in the [[plugin]] table: ` +
    `permissions = { read = ["…"] }`;
}

function isUnreadable(message: string): boolean {
  return message.includes(UNREADABLE_MODULE);
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

/** Deno's messages: of the error itself, its causes and those that it gathers. */
function refusalsIn(thrown: unknown): string[] {
  const refusals = new Set<string>();
  const errors = new Set([thrown]);
  // It goes on to those that are added meanwhile.
  for (const error of errors) {
    try {
      if (!(error instanceof Error)) continue;
      const message = String(error.message);
      // An import that may not be is a TypeError.
      const isRefusal = error instanceof Deno.errors.NotCapable || error instanceof TypeError;
      // What a plugin's own worker met may be handed on as any error.
      if (isUnreadable(message) || (isRefusal && REQUIRES.test(message))) refusals.add(message);
      const inside: unknown[] = error instanceof AggregateError ? error.errors : [];
      for (const each of [error.cause, ...inside.slice(0, MAX_ERRORS)]) {
        if (errors.size < MAX_ERRORS) errors.add(each);
      }
    } catch {
      // A proxy, or a getter that throws.
    }
  }
  return [...refusals];
}

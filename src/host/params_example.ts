import type { SchemaResult, StandardSchema } from "../plugin.ts";
import { isThenable } from "./execution.ts";

/** Values that are tried where something is missing or wrong, the plainest first. */
const CANDIDATES: readonly unknown[] = [
  "text",
  1,
  true,
  "name@example.org",
  "https://example.org/",
  "2026-01-31",
  "2026-01-31T12:00:00Z",
  "12:00:00",
  "8c7d1d5e-3c1f-4b52-9b1a-0d6f7a3c9e55",
  100,
  "10",
  [],
  {},
  ["text"],
  [1],
  [{}],
];
/** A schema is asked so often at most. */
const MAX_TRIES = 300;
/** The longest example, in UTF-16 units; a longer one helps nobody. */
export const MAX_EXAMPLE_CHARS = 500;

type Issue = NonNullable<SchemaResult<unknown>["issues"]>[number];
type Key = string | number;

/**
 * Params that a schema takes, as JSON: found by asking it, so that it may be of any library. Null where none is found in
 * a few tries, or the schema takes its time.
 */
export function exampleParams(schema: StandardSchema): string | null {
  let params: unknown = {};
  const tried = new Map<string, number>();
  try {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const issues = issuesOf(schema, params);
      if (issues === null) return null;
      if (issues.length === 0) return short(JSON.stringify(params));
      const issue = issues.find(({ path }) => path !== undefined && path.length > 0);
      if (issue === undefined) return null;
      const path = keysOf(issue);
      const name = JSON.stringify(path);
      const at = tried.get(name) ?? 0;
      tried.set(name, at + 1);
      const candidates = [...CANDIDATES, ...namedIn(String(issue.message))];
      if (at >= candidates.length) return null;
      params = withValue(params, path, candidates[at]);
    }
  } catch {
    // A schema that throws is told of with the first operation.
  }
  return null;
}

/** Null where the schema gives a promise. */
function issuesOf(schema: StandardSchema, params: unknown): readonly Issue[] | null {
  const result = schema["~standard"].validate(structuredClone(params));
  if (!isThenable<SchemaResult<unknown>>(result)) return result.issues ?? [];
  result.then(undefined, () => {});
  return null;
}

function keysOf({ path = [] }: Issue): Key[] {
  return path.map((step) => typeof step === "object" ? step.key : step)
    .map((key) => typeof key === "number" ? key : String(key));
}

/** What a sentence such as `expected "a" or "b"`, `expected at least 18` names. */
function namedIn(message: string): unknown[] {
  const texts = [...message.matchAll(/"([^"]+)"|'([^']+)'/g)].map(([, double, single]) => double ?? single);
  const numbers = [...message.matchAll(/-?\d+(?:\.\d+)?/g)].map(([digits]) => Number(digits));
  const long = numbers.filter((number) => number > 0 && number <= MAX_EXAMPLE_CHARS).map((number) =>
    "x".repeat(number)
  );
  return [...texts, ...numbers, ...numbers.map((number) => number + 1), ...long];
}

/** The same with another value at that place; what is no container on the way there becomes one. */
function withValue(container: unknown, [key, ...rest]: readonly Key[], value: unknown): unknown {
  if (key === undefined) return value;
  const known = typeof container === "object" && container !== null ? container : {};
  if (typeof key === "number" && (Array.isArray(container) || known !== container)) {
    const items: unknown[] = Array.isArray(container) ? [...container] : [];
    if (key <= items.length) items[key] = withValue(items[key], rest, value);
    return items;
  }
  const entries = new Map<string, unknown>(Object.entries(known));
  entries.set(String(key), withValue(entries.get(String(key)), rest, value));
  return Object.fromEntries(entries);
}

function short(text: string): string | null {
  return text.length <= MAX_EXAMPLE_CHARS ? text : null;
}

import type { PluginConfig } from "./config.ts";
import { ConfigError } from "./config_error.ts";
import { pluginConfig } from "./load.ts";
import { isTable, type Table } from "./is_table.ts";
import { PLUGIN_SCHEMA, problemsOf } from "./schema.ts";
import * as v from "valibot";

/**
 * A plugin's config with some keys changed, as a config's file would write them: `{"queue.max_ops": 500}`. A number of workers leaves open
 * what was open of them. Throws ConfigError with all that is wrong.
 */
export function editedPlugin(
  config: PluginConfig,
  edits: Readonly<Record<string, unknown>>,
): PluginConfig {
  let document: Table = { name: config.name, module: config.module };
  for (const [key, value] of Object.entries(edits)) document = withValue(document, key.split("."), value);
  const problems = problemsOf(PLUGIN_SCHEMA, document);
  if (problems.length > 0) {
    throw new ConfigError(problems.map(({ path, message }) => ({ path, message })));
  }
  const parsed = pluginConfig(v.parse(PLUGIN_SCHEMA, document), undefined);
  let edited = config;
  for (const key of Object.keys(edits)) {
    edited = key === "workers"
      ? withWorkers(edited, parsed.workers)
      : copied(edited, parsed, key.split(".").map(memberOf));
  }
  return edited;
}

/** The same with one value, at that path. */
function withValue(table: Table, [first = "", ...rest]: readonly string[], value: unknown): Table {
  const below = Object.hasOwn(table, first) ? table[first] : undefined;
  return {
    ...table,
    [first]: rest.length === 0 ? value : withValue(isTable(below) ? below : {}, rest, value),
  };
}

/** The same with one member of another; those are tables alike. */
function copied<T extends object>(target: T, source: object, [first = "", ...rest]: readonly string[]): T {
  const [into, from]: [unknown, unknown] = [Reflect.get(target, first), Reflect.get(source, first)];
  const value = rest.length > 0 && isTable(into) && isTable(from) ? copied(into, from, rest) : from;
  return { ...target, [first]: value };
}

function withWorkers(config: PluginConfig, workers: number): PluginConfig {
  const { minWorkers } = config;
  return {
    ...config,
    workers,
    minWorkers: typeof minWorkers === "number" ? Math.min(minWorkers, workers) : minWorkers,
  };
}

/** `max_ops` is `maxOps`. */
function memberOf(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

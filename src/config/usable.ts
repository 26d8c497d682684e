import type { Config } from "./config.ts";
import { startText } from "./config_file.ts";
import { ConfigError, type ConfigProblem } from "./config_error.ts";
import { parseDocument } from "./document.ts";
import { isTable, type Table } from "./is_table.ts";
import { Layers } from "./layers.ts";
import { type ConfigSources, emptinessOf, loadConfig } from "./load.ts";
import { misplacedKeys } from "./misplaced.ts";
import { environmentLayer, flagLayer, NO_FILE } from "./overrides.ts";

/** A config, or what can be used of one that is wrong in places: for whoever wants to know all that is wrong. */
export interface UsableConfig {
  readonly problems: readonly ConfigProblem[];
  /** Without the plugins and listeners that have a problem; null where nothing can be used. */
  readonly config: Config | null;
  /** What is said of it all the same, a sentence each. */
  readonly warnings: readonly string[];
  /** The positions of the whole file. */
  readonly layers: Layers | null;
  /** By the index of a plugin in the config: that of its table in the file. */
  readonly plugins: readonly number[];
  /** The same of its `[[listener]]` tables. */
  readonly listeners: readonly number[];
}

/** Never throws ConfigError. */
export function usableConfig(sources: ConfigSources): UsableConfig {
  // Read once: what is looked at twice is to be the same.
  let read = sources;
  try {
    const { file, text } = sources;
    if (file !== undefined && file !== NO_FILE && text === undefined) {
      read = { ...sources, text: startText(file) };
    }
    const config = loadConfig(read);
    const { document } = config.layers;
    const { layers, warnings } = config;
    return { ...kept(document, []), problems: [], config, warnings, layers };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { problems: error.details, ...rest(read, error.details) };
  }
}

function rest(
  { file, text, env, flags }: ConfigSources,
  problems: readonly ConfigProblem[],
): Omit<UsableConfig, "problems"> {
  const nothing = { config: null, warnings: [], layers: null, plugins: [], listeners: [] };
  if (problems.some(({ path = [] }) => path.length === 0)) return nothing;
  const { values, positions } = text === undefined || file === undefined
    ? { values: {}, positions: null }
    : parseDocument(text, file);
  const named = (source: string) =>
    problems.filter((each) => each.source === source).map(({ path }) => path![0]);
  const elsewhere = [...named("environment"), ...named("command line")];
  const inFile = problems.filter(({ source }) => source !== "environment" && source !== "command line");
  const { document, plugins, listeners } = kept(values, inFile);
  try {
    const config = loadConfig({
      ...file === undefined ? {} : { file },
      document,
      env: without(env, elsewhere),
      flags: without(flags, elsewhere),
    });
    const environment = environmentLayer(env).values;
    const layers = new Layers(values, { file, positions, environment, flags: flagLayer(flags).values });
    // Those that name places are to name those of the whole file; that nothing is there holds of the whole alone.
    const ofTheRest = [...misplacedKeys(config.layers), ...emptinessOf(config)];
    const warnings = [
      ...misplacedKeys(layers),
      ...config.warnings.filter((each) => !ofTheRest.includes(each)),
    ];
    return { config, warnings, layers, plugins, listeners };
  } catch (error) {
    if (error instanceof ConfigError) return nothing;
    throw error;
  }
}

/** The document without what has a problem, and the indexes that are left. */
function kept(document: Table, problems: readonly ConfigProblem[]) {
  const isWrong = (table: string, index: number) =>
    problems.some(({ path = [] }) => path[0] === table && (path[1] === index || path.length === 1));
  const left = (table: string) => {
    const items: unknown[] = Array.isArray(document[table]) ? document[table] : [];
    return [...items.keys()].filter((index) => !isWrong(table, index));
  };
  const [plugins, listeners] = [left("plugin"), left("listener")];
  const pick = (table: string, indexes: readonly number[]) => {
    const items: unknown = document[table];
    if (items === undefined) return {};
    return { [table]: Array.isArray(items) ? indexes.map((index) => items[index]) : [] };
  };
  const wrongKeys = problems.filter(({ path = [] }) => path[0] === "server").map(({ path }) => path![1]);
  const server = isTable(document["server"]) ? document["server"] : {};
  return {
    document: {
      server: without(server, wrongKeys),
      ...pick("plugin", plugins),
      ...pick("listener", listeners),
      ...pick("token", left("token")),
      ...pick("certificate", left("certificate")),
    },
    plugins,
    listeners,
  };
}

function without<T>(table: Readonly<Record<string, T>>, keys: readonly unknown[]): Record<string, T> {
  return Object.fromEntries(Object.entries(table).filter(([key]) => !keys.includes(key)));
}

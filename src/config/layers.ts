import type { Clash } from "./clashes.ts";
import type { ConfigProblem, KeyPath } from "./config_error.ts";
import { SERVER_DEFAULTS } from "./defaults.ts";
import { isTable, type Table } from "./is_table.ts";
import type { Position, TomlPositions } from "./toml_positions.ts";

/** Where a value comes from. */
export type Origin = "flag" | "environment" | "file" | "default";

/** What {@link Layers} are made of. */
export interface LayerSources {
  /** The config file's path as it was given, or undefined where there is none. */
  readonly file: string | undefined;
  /** Null where the values come from no text. */
  readonly positions: TomlPositions | null;
  /** Keys of `[server]`. */
  readonly environment: Table;
  readonly flags: Table;
}

/** Where a sentence on a plugin leads in the config. */
export interface PluginPlace extends Partial<Position> {
  readonly source: string | undefined;
  readonly path: KeyPath;
}

/** A key of a plugin's own config, as its sentences name it: `config.endpoints.billing.url`. */
const CONFIG_KEY =
  /(?:^|[\s"`(])config((?:\.(?:[\w-]+|"(?:[^"\\]|\\.)*")|\[\d+\])*)(?: has no key ("(?:[^"\\]|\\.)*"))?/;

/** The values that a config is made of, as they were written, and where each of them comes from. */
export class Layers {
  readonly file: string | undefined;
  readonly environment: Table;
  readonly flags: Table;
  /** `[server]` with every key. */
  readonly server: Table;
  readonly #positions: TomlPositions | null;
  readonly #fileServer: Table;

  /** @param document what the file holds, the plugins that there are without one included */
  constructor(readonly document: Table, { file, positions, environment, flags }: LayerSources) {
    this.file = file;
    this.environment = environment;
    this.flags = flags;
    this.#positions = positions;
    this.#fileServer = isTable(document["server"]) ? document["server"] : {};
    this.server = { ...SERVER_DEFAULTS, ...this.#fileServer, ...environment, ...flags };
  }

  /** Where a key of `[server]` comes from. */
  originOf(key: string): Origin {
    if (Object.hasOwn(this.flags, key)) return "flag";
    if (Object.hasOwn(this.environment, key)) return "environment";
    return Object.hasOwn(this.#fileServer, key) ? "file" : "default";
  }

  /** Whether a key stands in the file's text. */
  has(path: KeyPath): boolean {
    return this.#positions?.has(path) ?? false;
  }

  /** `mevent.toml:12:1` of a key, as far as it is known; the nearest table above it where the key is none of the file's. */
  placeOf(path: KeyPath): string {
    const position = this.#positions?.key(path);
    return [this.file, position?.line, position?.column].filter((part) => part !== undefined).join(":");
  }

  /** Where a sentence on the plugin at an index leads: to the key of its config that it names, else to its module. */
  placeOfPlugin(index: number, sentence: string): PluginPlace {
    const [, keys, unknown] = CONFIG_KEY.exec(sentence) ?? [];
    if (keys === undefined) {
      const path = ["plugin", index, "module"];
      return { source: this.file, ...this.#positions?.value(path), path };
    }
    const path = ["plugin", index, "config", ...keysOf(keys)];
    if (unknown === undefined) return { source: this.file, ...this.#positions?.value(path), path };
    const whole = [...path, String(JSON.parse(unknown))];
    return { source: this.file, ...this.#positions?.key(whole), path: whole };
  }

  /** A problem with where it stands in the file. */
  inFile(problem: ConfigProblem & { readonly path: KeyPath }, isOfKey: boolean): ConfigProblem {
    const { path, message } = problem;
    const position: Position | undefined = isOfKey
      ? this.#positions?.key(path)
      : this.#positions?.value(path);
    return { source: this.file ?? "built-in config", ...position, path, message };
  }

  /** A problem with where its key's value comes from, the file or elsewhere. */
  inPlace(problem: { readonly path: KeyPath; readonly message: string }): ConfigProblem {
    const { path, message } = problem;
    if (this.#isInFile(path)) return this.inFile(problem, false);
    const origin = this.originOf(String(path[1]));
    const source = origin === "flag" ? "command line" : origin === "environment" ? "environment" : undefined;
    return { source, path, message };
  }

  /** The same of a clash, with the place that was there first. */
  clash(clash: Clash): ConfigProblem {
    const { first, message } = clash;
    const line = this.#isInFile(first) ? this.#positions?.key(first).line : undefined;
    const told = line === undefined ? message : message.replace(/ already$/, ` (line ${line}) already`);
    return this.inFile({ ...clash, message: told }, false);
  }

  /** An address of `[server]` may come from elsewhere. */
  #isInFile([table, key]: KeyPath): boolean {
    if (this.file === undefined) return false;
    return table !== "server" || this.originOf(String(key)) === "file";
  }
}

/** `.rows[2]."a b"` as a path. */
function keysOf(text: string): (string | number)[] {
  return [...text.matchAll(/\.([\w-]+)|\.("(?:[^"\\]|\\.)*")|\[(\d+)\]/g)].map(([, bare, quoted, index]) =>
    index !== undefined ? Number(index) : quoted === undefined ? bare! : JSON.parse(quoted)
  );
}

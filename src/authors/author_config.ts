import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Config, PluginConfig } from "../config/config.ts";
import { ConfigError } from "../config/config_error.ts";
import type { PluginPlace } from "../config/layers.ts";
import { loadConfig } from "../config/load.ts";

/** A module as an author names it, `builtin:NAME`, a URL, or a path relative to the file at `from`, as the server names it. */
export function moduleUrl(module: string, from: string): string {
  if (module.startsWith("builtin:") || module.startsWith("file:")) return module;
  return pathToFileURL(resolve(fileURLToPath(new URL(".", from)), module)).href;
}

/** The URL of a folder's file that does not exist: what is relative to it is relative to the folder. */
export function inFolder(path: string): string {
  return pathToFileURL(`${resolve(path)}/-`).href;
}

/** What a plugin is to be run with. */
export interface AuthorConfig extends Pick<Config, "server"> {
  readonly plugin: PluginConfig;
  /** Where in its config a sentence on it leads; undefined where no file says anything of it. */
  readonly place: ((message: string) => PluginPlace) | undefined;
}

/** The config of a plugin that no file says anything of. Throws ConfigError where the name is none. */
export function plainConfig(module: string, name: string): AuthorConfig {
  const { server, plugins } = loadConfig({
    file: "plugin",
    document: { plugin: [{ name, module }] },
    env: {},
    flags: {},
  });
  return { server, plugin: plugins[0]!, place: undefined };
}

/** Which table of a config is meant. */
export interface TableChoice {
  /** Of several tables of a module the one with that name. */
  readonly name?: string | undefined;
  /** It is no mistake where there is none. */
  readonly isOptional?: boolean;
}

/** What a config file says of a module; null where it says nothing and need not. Throws ConfigError. */
export function configOf(module: string, file: string, choice: TableChoice = {}): AuthorConfig | null {
  const { name, isOptional = false } = choice;
  const { server, plugins, layers } = loadConfig({ file, env: {}, flags: {} });
  const fitting = [...plugins.entries()].filter(([, plugin]) =>
    plugin.module === module && (name === undefined || plugin.name === name)
  );
  const [first, second] = fitting;
  const wanted = `module ${module}${name === undefined ? "" : ` and name ${name}`}`;
  if (first === undefined) {
    if (isOptional) return null;
    const known = plugins.map((each) => `${each.name} (${each.module})`).join(", ");
    throw new ConfigError([`${file}: has no [[plugin]] with ${wanted}; it has ${known || "none"}`]);
  }
  if (second !== undefined) {
    const names = fitting.map(([, each]) => each.name).join(", ");
    throw new ConfigError([`${file}: ${names} have ${wanted}: say which with --name`]);
  }
  const [index, plugin] = first;
  return { server, plugin, place: (message) => layers.placeOfPlugin(index, message) };
}

import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Config, PluginConfig } from "../config/config.ts";
import { ConfigError } from "../config/config_error.ts";
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
}

/** The config of a plugin that no file says anything of. Throws ConfigError where the name is none. */
export function plainConfig(module: string, name: string): AuthorConfig {
  const { server, plugins } = loadConfig({
    file: "plugin",
    document: { plugin: [{ name, module }] },
    env: {},
    flags: {},
  });
  return { server, plugin: plugins[0]! };
}

/** What a config file says of a module, of several tables the one with that name. Throws ConfigError. */
export function configOf(module: string, file: string, name?: string): AuthorConfig {
  const { server, plugins } = loadConfig({ file, env: {}, flags: {} });
  const fitting = plugins.filter((plugin) =>
    plugin.module === module && (name === undefined || plugin.name === name)
  );
  const [plugin, second] = fitting;
  const wanted = `module ${module}${name === undefined ? "" : ` and name ${name}`}`;
  if (plugin === undefined) {
    const known = plugins.map((each) => `${each.name} (${each.module})`).join(", ");
    throw new ConfigError([`${file}: has no [[plugin]] with ${wanted}; it has ${known || "none"}`]);
  }
  if (second !== undefined) {
    const names = fitting.map((each) => each.name).join(", ");
    throw new ConfigError([`${file}: ${names} have ${wanted}: say which with --name`]);
  }
  return { server, plugin };
}

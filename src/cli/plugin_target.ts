import { type AuthorConfig, configOf, inFolder, moduleUrl, plainConfig } from "../authors/author_config.ts";
import { inspectPlugin, stemOf } from "../authors/inspect_plugin.ts";
import type { Inspection } from "../authors/inspection.ts";
import { ConfigError } from "../config/config_error.ts";
import type { Flag } from "./command.ts";
import type { ParsedCommand } from "./parsed_command.ts";
import { positiveDuration } from "./server_address.ts";
import { UsageError } from "./usage_error.ts";

/** The flags that say what a plugin is given. */
export const TARGET_FLAGS: readonly Flag[] = [
  {
    name: "config",
    short: "c",
    value: "FILE",
    help: "Gives it what its [[plugin]] table there says: config, permissions.",
  },
  {
    name: "name",
    value: "NAME",
    help: "With --config: the table of that name, where several name the module.",
  },
];

/** The module that a command line names: `builtin:NAME`, or the URL of a file. Throws UsageError. */
export function moduleArg(file: string | undefined): string {
  if (file === undefined) throw new UsageError("the plugin is missing: a file, or builtin:NAME");
  return moduleUrl(file, inFolder("."));
}

/** A plugin that was loaded to see what it is. */
export interface PluginTarget {
  readonly module: string;
  readonly inspection: Inspection;
  /** Null where it does not load and no config gives it a name. */
  readonly config: AuthorConfig | null;
}

/** Loads the plugin with what the config gives it. Throws UsageError, ConfigError. */
export async function pluginTarget(args: ParsedCommand, file: string | undefined): Promise<PluginTarget> {
  const module = moduleArg(file);
  const timeoutMs = positiveDuration(args, "timeout");
  const configFile = args.text("config");
  const name = args.text("name");
  if (configFile === undefined) {
    if (name !== undefined) throw new UsageError("--name needs --config");
    return unconfigured(module, await inspectPlugin(module, { name: stemOf(module), config: {} }, timeoutMs));
  }
  const config = configOf(module, configFile, name);
  return { module, inspection: await inspectPlugin(module, config.plugin, timeoutMs), config };
}

/** It has the name that its module says, where that can be one. */
function unconfigured(module: string, inspection: Inspection): PluginTarget {
  const { plugin } = inspection;
  if (plugin === null) return { module, inspection, config: null };
  try {
    return { module, inspection, config: plainConfig(module, plugin.name) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problem = `its name cannot be used: ${error.message.replace(/^.*?\.name: /, "")}`;
    return { module, inspection: { ...inspection, plugin: null, problem }, config: null };
  }
}

import {
  type AuthorConfig,
  configOf,
  inFolder,
  moduleUrl,
  plainConfig,
} from "../../authors/author_config.ts";
import { inspectPlugin, stemOf } from "../../authors/inspect_plugin.ts";
import type { Inspection } from "../../authors/inspection.ts";
import { ConfigError } from "../../config/config_error.ts";
import type { Flag } from "../flag.ts";
import { CONFIG_FLAG, configSource, foundText } from "../config/source.ts";
import type { Io } from "../io.ts";
import type { ParsedCommand } from "../parsed_command.ts";
import { positiveDuration } from "../server_address.ts";
import { UsageError } from "../usage_error.ts";

/** The flags that say what a plugin is given. */
export const TARGET_FLAGS: readonly Flag[] = [
  {
    ...CONFIG_FLAG,
    help: "Gives it what its [[plugin]] table there says: config, permissions. Without it, as for serve.",
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
  /** The config that has a table of it; undefined where there is none. */
  readonly configFile: string | undefined;
}

/** Loads the plugin with what the config gives it; says which config that is, where nobody named it. Throws UsageError, ConfigError. */
export async function pluginTarget(
  args: ParsedCommand,
  file: string | undefined,
  io: Io,
): Promise<PluginTarget> {
  const module = moduleArg(file);
  const timeoutMs = positiveDuration(args, "timeout");
  const { file: configFile, isFound } = configSource(args, io);
  const name = args.text("name");
  if (configFile === undefined && name !== undefined) throw new UsageError("--name needs --config");
  const config = configFile === undefined
    ? null
    : configOf(module, configFile, { name, isOptional: isFound && name === undefined });
  if (configFile === undefined || config === null) {
    return unconfigured(module, await inspectPlugin(module, { name: stemOf(module), config: {} }, timeoutMs));
  }
  if (isFound) await io.stderr.write(`mevent ${args.command.name}: ${foundText(configFile)}\n`);
  return { module, inspection: await inspectPlugin(module, config.plugin, timeoutMs), config, configFile };
}

/** It has the name that its module says, where that can be one. */
function unconfigured(module: string, inspection: Inspection): PluginTarget {
  const { plugin } = inspection;
  const configFile = undefined;
  if (plugin === null) return { module, inspection, config: null, configFile };
  try {
    return { module, inspection, config: plainConfig(module, plugin.name), configFile };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problem = `its name cannot be used: ${error.message.replace(/^.*?\.name: /, "")}`;
    return {
      module,
      inspection: { ...inspection, plugin: null, problems: [problem] },
      config: null,
      configFile,
    };
  }
}

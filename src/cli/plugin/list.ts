import { inspectPlugin } from "../../authors/inspect_plugin.ts";
import { modulePath } from "../../authors/module_copy.ts";
import type { PluginPermissions } from "../../config/config.ts";
import { loadConfig } from "../../config/load.ts";
import { BUILTIN_MODULES } from "../../host/loader.ts";
import { aligned, printable } from "../aligned.ts";
import type { Command } from "../command.ts";
import { CONFIG_FLAG, configSource, foundText } from "../config/source.ts";
import { ExitCode } from "../exit_codes.ts";
import { permissionsText } from "./permissions.ts";

/** How long a built-in plugin may take to load, in ms. */
const LOAD_TIMEOUT_MS = 30_000;

export const pluginListCommand: Command = {
  name: "plugin list",
  summary: "Lists the built-in plugins, and those of a config.",
  usage: "[flags]",
  details: ["Exit codes: 0; 78 for a config that cannot be used; 64 for a wrong command line."],
  flags: [
    { ...CONFIG_FLAG, help: "Lists the plugins of this config, too. Without it, as for serve." },
    { name: "json", help: "Prints JSON instead of tables." },
  ],
  positionals: false,
  examples: ["mevent plugin list", "mevent plugin list --config mevent.toml --json"],
  async run(args, io) {
    const { file, isFound } = configSource(args, io);
    if (file !== undefined && isFound) await io.stderr.write(`mevent plugin list: ${foundText(file)}\n`);
    const configured = file === undefined ? null : configuredPlugins(file);
    const builtin = await Promise.all(BUILTIN_MODULES.map(builtinPlugin));
    const report = { builtin, ...configured === null ? {} : { configured } };
    await io.stdout.write(
      args.isOn("json") === true
        ? `${JSON.stringify(report, null, io.stdout.isTerminal ? 2 : 0)}\n`
        : [builtinText(builtin), ...configured === null ? [] : ["\n", configuredText(configured)]].join(""),
    );
    return ExitCode.Ok;
  },
};

interface BuiltinPlugin {
  readonly module: string;
  readonly biz: number | null;
  /** Null where its config says which it has. */
  readonly commands: number | null;
  readonly description: string;
  /** What it says without a config, where it needs one. */
  readonly needs?: string;
}

interface ConfiguredPlugin {
  readonly name: string;
  /** Null where the module says it. */
  readonly biz: number | null;
  /** `builtin:NAME` or a path. */
  readonly module: string;
  readonly workers: number;
  readonly isolation: string;
  readonly permissions: PluginPermissions;
}

async function builtinPlugin(module: string): Promise<BuiltinPlugin> {
  const { plugin, problems: [problem = ""] } = await inspectPlugin(module, { config: {} }, LOAD_TIMEOUT_MS);
  if (plugin === null) {
    const needs = problem.split("\n", 1)[0]!;
    return { module, biz: null, commands: null, description: "", needs };
  }
  return { module, biz: plugin.biz, commands: plugin.commands.length, description: plugin.description };
}

function configuredPlugins(file: string): ConfiguredPlugin[] {
  return loadConfig({ file, env: {}, flags: {} }).plugins.map((plugin) => ({
    name: plugin.name,
    biz: plugin.biz ?? null,
    module: modulePath(plugin.module),
    workers: plugin.workers,
    isolation: plugin.isolation,
    permissions: plugin.permissions,
  }));
}

function builtinText(plugins: readonly BuiltinPlugin[]): string {
  const rows = plugins.map(({ module, biz, commands, description, needs }) => [
    module,
    biz === null ? "-" : String(biz),
    commands === null ? "-" : String(commands),
    needs === undefined ? description : `needs its config: ${printable(needs)}`,
  ]);
  return lines([["built in", "biz", "commands", "description"], ...rows], [0, 3]);
}

function configuredText(plugins: readonly ConfiguredPlugin[]): string {
  const rows = plugins.map(({ name, biz, module, workers, isolation, permissions }) => [
    printable(name),
    biz === null ? "module's" : String(biz),
    `${workers}${isolation === "process" ? " processes" : ""}`,
    printable(module),
    permissionsText(permissions, !module.startsWith("builtin:")),
  ]);
  return lines([["plugin", "biz", "workers", "module", "permissions"], ...rows], [0, 3, 4]);
}

function lines(rows: readonly (readonly string[])[], left: readonly number[]): string {
  return aligned(rows, left).map((line) => `${line}\n`).join("");
}

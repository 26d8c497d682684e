import { configEntries } from "../../config/entries.ts";
import { loadConfig } from "../../config/load.ts";
import { NO_FILE } from "../../config/overrides.ts";
import type { Command } from "../command.ts";
import { configJson, configText, withoutSecrets } from "./report.ts";
import { configSource, foundText } from "./source.ts";
import { exampleConfig } from "../documents.ts";
import { ExitCode } from "../exit_codes.ts";
import { meantByServer, SERVE_FLAGS, serverOverrides } from "../serve_flags.ts";

export const configCommand: Command = {
  name: "config",
  summary: "Prints every key of the config, its value and where that comes from.",
  usage: "[flags]",
  details: [
    "Reads the config as serve does, flags and MEVENT_* variables included, and prints it as TOML: behind each key stands the " +
    "file with line and column, the variable, the command line, or that it is the default. Passwords and other secrets are " +
    "printed as ***.",
    "Exit codes: 0; 78 for a config that cannot be used; 64 for a wrong command line.",
  ],
  flags: [
    ...SERVE_FLAGS,
    {
      name: "example",
      help: "Prints the documented example in place of that: every key, its default and unit.",
    },
    { name: "secrets", help: "Prints secrets as they are." },
    { name: "json", help: "Prints JSON instead of TOML." },
  ],
  positionals: false,
  meant: meantByServer,
  examples: [
    "mevent config",
    "mevent config --example > mevent.toml",
    "mevent config --config mevent.toml --json",
  ],
  async run(args, io) {
    if (args.isOn("example") === true) {
      await io.stdout.write(await exampleConfig());
      return ExitCode.Ok;
    }
    const { file, isFound } = configSource(args, io);
    if (file !== undefined && isFound) await io.stderr.write(`mevent config: ${foundText(file)}\n`);
    const { layers, warnings } = loadConfig({
      file: file ?? NO_FILE,
      env: io.env,
      flags: serverOverrides(args),
    });
    for (const warning of warnings) await io.stderr.write(`mevent config: warning: ${warning}\n`);
    const all = configEntries(layers);
    const entries = args.isOn("secrets") === true ? all : withoutSecrets(all);
    await io.stdout.write(
      args.isOn("json") === true
        ? `${JSON.stringify(configJson(file, entries), null, io.stdout.isTerminal ? 2 : 0)}\n`
        : configText(entries),
    );
    return ExitCode.Ok;
  },
};

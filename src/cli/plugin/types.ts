import { typeDeclarations } from "../../authors/type_declarations.ts";
import type { Command } from "../command.ts";
import { ExitCode } from "../exit_codes.ts";

export const pluginTypesCommand: Command = {
  name: "plugin types",
  summary: "Prints the type declarations for plugins and their tests.",
  usage: "> mevent.d.ts",
  details: [
    "They declare the modules mevent/plugin and mevent/testing. A file that begins with " +
    '/// <reference path="./mevent.d.ts" /> has its types checked by editors, tsc and deno check. `mevent plugin new` ' +
    "writes them beside the plugin.",
  ],
  flags: [],
  positionals: false,
  examples: ["mevent plugin types > mevent.d.ts"],
  async run(_args, io) {
    await io.stdout.write(await typeDeclarations());
    return ExitCode.Ok;
  },
};

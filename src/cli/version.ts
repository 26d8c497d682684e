import manifest from "../../deno.json" with { type: "json" };
import type { Command } from "./command.ts";
import { ExitCode } from "./exit_codes.ts";

/** mevent's own version: `0.1.0`. */
export const VERSION = manifest.version;

/** One line: mevent, and what it runs on. */
export function versionLine(): string {
  const { deno, v8 } = Deno.version;
  return `mevent ${VERSION} (deno ${deno}, v8 ${v8}, ${Deno.build.target})`;
}

export const versionCommand: Command = {
  name: "version",
  summary: "Prints the version; so does mevent --version.",
  usage: "",
  flags: [],
  positionals: false,
  examples: ["mevent version"],
  async run(_args, io) {
    await io.stdout.write(`${versionLine()}\n`);
    return ExitCode.Ok;
  },
};

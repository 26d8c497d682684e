import { NO_FILE } from "../../config/overrides.ts";
import { printable } from "../aligned.ts";
import { type CheckFindings, checkFindings } from "./check_findings.ts";
import type { Command } from "../command.ts";
import { configSource } from "./source.ts";
import { ExitCode } from "../exit_codes.ts";
import { meantByServer, SERVE_FLAGS, serverOverrides } from "../serve_flags.ts";
import { countOf } from "../stats/units.ts";

export const checkCommand: Command = {
  name: "check",
  summary: "Says all that is wrong with a config, without starting it.",
  usage: "[flags]",
  details: [
    "Reads the config as serve does, flags and MEVENT_* variables included, loads each plugin in a sandbox without running its " +
    "start, looks at what it is granted, and listens on each address for a moment. Each problem is told with file, line " +
    "and key. Where plugins have journals their folder is written to. An address that is in use is a warning: a server may run with it.",
    "Exit codes: 0 where a server would start, with warnings or without; 78 where it would not; 64 for a wrong command line.",
  ],
  flags: [...SERVE_FLAGS, { name: "json", help: "Prints JSON instead of text." }],
  positionals: false,
  meant: meantByServer,
  examples: ["mevent check", "mevent check --config mevent.toml --json"],
  async run(args, io) {
    const { file } = configSource(args, io);
    const flags = serverOverrides(args);
    const findings = await checkFindings({ file: file ?? NO_FILE, env: io.env, flags });
    const name = file ?? "a server without a config";
    await io.stdout.write(
      args.isOn("json") === true
        ? `${JSON.stringify({ config: file ?? null, ...findings }, null, io.stdout.isTerminal ? 2 : 0)}\n`
        : checkText(name, findings),
    );
    return findings.findings.some(({ severity }) => severity === "error") ? ExitCode.Config : ExitCode.Ok;
  },
};

function checkText(name: string, { findings, plugins, addresses }: CheckFindings): string {
  const told = findings.map(({ severity, text }) => {
    const lines = text.split("\n").map(printable).join("\n");
    return severity === "warning" ? `warning: ${lines}\n` : `${lines}\n`;
  });
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.length - errors;
  const holds = `${countOf(plugins?.length ?? 0, "plugin")}, ${
    countOf(addresses ?? 0, "address", "addresses")
  }`;
  const verdict = errors > 0
    ? `cannot be used: ${countOf(errors, "problem")}, ${countOf(warnings, "warning")}`
    : `can be used: ${holds}${warnings === 0 ? "" : `; ${countOf(warnings, "warning")}`}`;
  return `${told.join("")}${name} ${verdict}\n`;
}

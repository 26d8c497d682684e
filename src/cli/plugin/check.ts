import { PluginServer, PluginStartError } from "../../authors/plugin_server.ts";
import type { Command } from "../command.ts";
import { endCleanly } from "../end_cleanly.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import type { ParsedCommand } from "../parsed_command.ts";
import { checkReport, checkText } from "./check_report.ts";
import { type PluginTarget, pluginTarget, TARGET_FLAGS } from "./target.ts";
import { TalkLog } from "../talk_log.ts";
import { UsageError } from "../usage_error.ts";
import { VERSION } from "../version.ts";

export const pluginCheckCommand: Command = {
  name: "plugin check",
  summary: "Loads a plugin in a sandbox, and says what it is and what is wrong.",
  usage: "FILE|builtin:NAME [flags]",
  details: [
    "Loads it as the server would, in a worker that may read the plugin's own files and nothing else, or what the config " +
    "grants, and reports its name, commands, timers, what it asked for and was refused, and problems with file, line and " +
    "column. Its start does not run, unless --start is given.",
    "Exit codes: 0 where it loads; 65 where it does not, or does not start; 78 for a config that cannot be used; 64 for a " +
    "wrong command line.",
  ],
  flags: [
    ...TARGET_FLAGS,
    { name: "start", help: "Runs start, health and stop, too, in a real server." },
    { name: "timeout", value: "TIME", default: "30s", help: "How long it may take to load." },
    { name: "json", help: "Prints JSON instead of text." },
  ],
  positionals: true,
  examples: [
    "mevent plugin check orders.ts",
    "mevent plugin check orders.ts --config mevent.toml --start --json",
  ],
  async run(args, io) {
    const [file, ...others] = args.positionals;
    if (others.length > 0) throw new UsageError(`expected one plugin, got ${JSON.stringify(others[0])} too`);
    return await endCleanly(() => check(args, file, io));
  },
};

async function check(args: ParsedCommand, file: string | undefined, io: Io): Promise<number> {
  const target = await pluginTarget(args, file, io);
  const failure = args.isOn("start") === true ? await startFailure(target, io) : "";
  const report = checkReport(target, failure);
  const json = () => JSON.stringify(report, null, io.stdout.isTerminal ? 2 : 0);
  await io.stdout.write(args.isOn("json") === true ? `${json()}\n` : checkText(report));
  return report.problems.length === 0 ? ExitCode.Ok : ExitCode.Data;
}

/** Why it does not start; "" where it does, or does not even load. */
async function startFailure({ inspection, config }: PluginTarget, io: Io): Promise<string> {
  if (config === null || inspection.plugin === null) return "";
  const log = new TalkLog("warn", io);
  const { plugin, server } = config;
  try {
    const running = await PluginServer.start({ plugins: [plugin], server, log, version: VERSION });
    await running[Symbol.asyncDispose]();
    return "";
  } catch (error) {
    if (error instanceof PluginStartError) return error.message;
    throw error;
  } finally {
    await log.written();
  }
}

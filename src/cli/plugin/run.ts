import { PluginServer, PluginStartError } from "../../authors/plugin_server.ts";
import { TimeoutError } from "../../client/errors.ts";
import { LOG_LEVELS, type LogLevel } from "../../observe/log.ts";
import { clientFailure } from "../client_failure.ts";
import type { Command } from "../command.ts";
import { endCleanly } from "../end_cleanly.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import type { ParsedCommand } from "../parsed_command.ts";
import { pluginTarget, TARGET_FLAGS } from "./target.ts";
import { OPERATION_FLAGS, sendBody } from "../send/body.ts";
import { InputError } from "../send/input.ts";
import { sendOnce } from "../send/once.ts";
import { positiveDuration } from "../server_address.ts";
import { TalkLog } from "../talk_log.ts";
import { UsageError } from "../usage_error.ts";
import { VERSION } from "../version.ts";

export const pluginRunCommand: Command = {
  name: "plugin run",
  summary: "Runs one operation of a plugin, without a server of yours.",
  usage: "FILE|builtin:NAME --cmd NUMBER [flags] [key=value | key:=json …]",
  details: [
    "Starts the real server around the plugin for this one operation, on a Unix socket in a temporary folder, sends it as " +
    "`mevent send` does, and stops: start, health and stop of the plugin run. The reply goes to stdout; its code, and " +
    "what is logged, to stderr.",
    "Exit codes: those of mevent send; 78 where the plugin does not load or start.",
  ],
  flags: [
    ...OPERATION_FLAGS,
    { name: "async", help: "Queues it, as for a caller that does not wait, and waits until it is done." },
    ...TARGET_FLAGS,
    {
      name: "timeout",
      value: "TIME",
      default: "60s",
      help: "How long to wait for the plugin, and for the reply.",
    },
    { name: "log-level", value: "LEVEL", default: "warn", help: "debug, info, warn or error." },
  ],
  positionals: true,
  examples: [
    "mevent plugin run orders.ts --cmd 1001 price:=2.5 pieces:=4",
    `mevent plugin run orders.ts --config mevent.toml --cmd 1001 --json '{"price": 2.5}'`,
    "mevent plugin run builtin:echo --cmd 1001 uid:=7",
  ],
  run: (args, io) => endCleanly(() => runOne(args, io)),
};

async function runOne(args: ParsedCommand, io: Io): Promise<number> {
  const [file, ...keyed] = args.positionals;
  const command = args.int("cmd", 1, 65_535);
  const timeoutMs = positiveDuration(args, "timeout");
  const level = logLevel(args);
  const sync = args.isOn("async") === undefined;
  const log = new TalkLog(level, io);
  try {
    const body = await sendBody(args, io, keyed);
    const { inspection, config } = await pluginTarget(args, file, io);
    if (config === null) {
      throw new PluginStartError(`the plugin does not load: ${inspection.problems.join("\n")}`);
    }
    await using server = await PluginServer.start({
      plugins: [config.plugin],
      server: config.server,
      log,
      version: VERSION,
    });
    const address = { transport: "unix", path: server.socket } as const;
    const request = { plugin: config.plugin.name, command, sync, body };
    const exitCode = await sendOnce({ target: { address, options: {} }, timeoutMs, request, raw: false }, io);
    if (sync) return exitCode;
    if (await server.idle(timeoutMs)) {
      return exitCode === ExitCode.Ok && server.failed > 0 ? ExitCode.Failed : exitCode;
    }
    throw new TimeoutError(`the operation is not done after ${timeoutMs} ms`);
  } catch (error) {
    const exitCode = exitCodeOf(error);
    if (exitCode === undefined || !(error instanceof Error)) throw error;
    await io.stderr.write(`mevent plugin run: ${error.message}\n`);
    return exitCode;
  } finally {
    await log.written();
  }
}

function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof InputError) return ExitCode.Data;
  if (error instanceof PluginStartError) return ExitCode.Config;
  return clientFailure(error);
}

function logLevel(args: ParsedCommand): LogLevel {
  const text = args.required("log-level");
  const level = LOG_LEVELS.find((each) => each === text);
  if (level !== undefined) return level;
  throw new UsageError(`--log-level: expected one of ${LOG_LEVELS.join(", ")}, got ${JSON.stringify(text)}`);
}

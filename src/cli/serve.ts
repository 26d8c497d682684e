import { resolve } from "node:path";
import { loadPage } from "../admin/load_page.ts";
import type { Config } from "../config/config.ts";
import { reloadText, startText } from "../config/config_file.ts";
import { loadConfig } from "../config/load.ts";
import { NO_FILE } from "../config/overrides.ts";
import { Log } from "../observe/log.ts";
import { ControlError } from "../server/control.ts";
import { ListenError } from "../server/listeners.ts";
import { Server } from "../server/server.ts";
import { PluginsError } from "../server/plugins_error.ts";
import { runUntilStopped, StopSignals } from "../server/stop_signals.ts";
import { ServiceManager } from "../server/service_manager.ts";
import { StoppedMeanwhile } from "../server/unless_stopped.ts";
import type { Command } from "./command.ts";
import { configSource, foundText } from "./config/source.ts";
import { ExitCode } from "./exit_codes.ts";
import { type Io, OutputClosed, OutputError } from "./io.ts";
import { LogOutput } from "./log_output.ts";
import type { ParsedCommand } from "./parsed_command.ts";
import { meantByServer, SERVE_FLAGS, serverOverrides } from "./serve_flags.ts";
import { VERSION } from "./version.ts";
import { type StartedListener, type StartedPlugin, whatNext } from "./what_next.ts";

/** Log lines that nobody reads hold up the end of the process for so long; in ms. */
const LOG_GRACE_MS = 1000;

export const serveCommand: Command = {
  name: "serve",
  summary: "Starts the server.",
  usage: "[flags]",
  details: [
    "Without a config it listens on TCP and UDP at 127.0.0.1:26000 and runs the built-in plugins skeleton and echo. " +
    "A mevent.toml in the folder where it starts is its config. Flags go before MEVENT_* variables (MEVENT_TCP, " +
    "MEVENT_MAX_FRAME, one for each key of [server]), those before the config file. `mevent check` says whether it would " +
    "start, `mevent config` what is in effect.",
    "TERM and INT let it work off what is queued and stop; a second one after half a second stops it at once. HUP and `mevent reload` load the " +
    "config again and take over what has changed, without dropping a connection or an operation. While it runs, pause, " +
    "peek, drain and the like steer it over its control socket, --set control=PATH or none.",
  ],
  flags: SERVE_FLAGS,
  positionals: false,
  meant: meantByServer,
  examples: [
    "mevent serve",
    "mevent serve --config config.toml --log-level debug",
    "mevent serve --listen 127.0.0.1:0 --no-udp --unix /tmp/mevent.sock --set drain_timeout=5s",
  ],
  run: serve,
};

/** Starts the server, says where it listens, and runs it until a signal ends it. */
export async function serve(args: ParsedCommand, io: Io): Promise<number> {
  const { file = NO_FILE, isFound } = configSource(args, io);
  const flags = serverOverrides(args);
  const folder = Deno.cwd();
  const path = resolve(folder, file);
  const load = (text: string | undefined) => {
    // A plugin's thread may have changed it, which is the whole process's; paths of the config may be relative.
    Deno.chdir(folder);
    return loadConfig({ file, ...text === undefined ? {} : { text }, env: io.env, flags });
  };
  const config = load(file === NO_FILE ? undefined : startText(file, path));
  // From here on they are heard: one that comes during the start ends it in order.
  using signals = new StopSignals();
  const { log, output } = createLog(config, io);
  if (isFound) log.info(foundText(file));
  for (const warning of config.warnings) log.warn(warning);
  using manager = new ServiceManager(io.env, log);
  let server: Server;
  try {
    const { stop, stopNow } = signals;
    server = await Server.start({
      config,
      log,
      version: VERSION,
      page: loadPage,
      reloading: (isReloading) => manager.reloading(isReloading),
      env: io.env,
      loadConfig: async (read) => load(file === NO_FILE ? undefined : await reloadText(file, read, path)),
      stop,
      stopNow,
    });
  } catch (error) {
    const isStopped = error instanceof StoppedMeanwhile;
    if (isStopped) log.info("stopped before the start was over");
    log.flush();
    await output.flush(LOG_GRACE_MS);
    if (isStopped) return ExitCode.Ok;
    const problem = error instanceof PluginsError
      ? error.in(config)
      : error instanceof Error
      ? error.message
      : error;
    await io.stderr.write(`mevent serve: ${problem}\n`);
    return error instanceof ListenError || error instanceof ControlError
      ? ExitCode.Unreachable
      : ExitCode.Config;
  }
  // Signals are heard before the banner is out: who reads it may send one at once.
  const stopped = runUntilStopped(server, signals);
  manager.ready(server);
  await greet(server, config, io);
  const { abandoned, unstopped } = await stopped;
  await output.flush(LOG_GRACE_MS);
  return abandoned > 0 || unstopped.length > 0 ? ExitCode.Failed : ExitCode.Ok;
}

/** Says where the server listens. It serves on where nobody reads that or it cannot be written. */
async function greet(server: Server, config: Config, io: Io): Promise<void> {
  try {
    await io.stdout.write(banner(server, config));
  } catch (error) {
    if (!(error instanceof OutputClosed || error instanceof OutputError)) throw error;
  }
}

function createLog(config: Config, io: Io): { log: Log; output: LogOutput } {
  const { logFormat, logLevel } = config.server;
  const text = logFormat === "text" || (logFormat === "auto" && io.stderr.isTerminal);
  const output = new LogOutput(
    (bytes) => Deno.stderr.write(bytes),
    (lines) => log.warn("log lines were dropped: nobody read them", { lines_since_start: lines }),
  );
  const log = new Log({
    level: logLevel,
    format: text ? "text" : "json",
    colour: text && io.stderr.isTerminal && !io.noColor,
    maxLines: config.server.maxLogLines,
    write: (line) => output.write(line),
    clock: () => new Date(),
  });
  return { log, output };
}

function banner(server: Server, config: Config): string {
  const { plugins } = server.registry;
  const lines = [`mevent ${VERSION} listens on`, ...server.addresses.map((address) => `  ${address}`)];
  lines.push("and holds the plugins");
  const width = Math.max(0, ...plugins.map(({ name }) => name.length));
  for (const plugin of plugins) {
    const biz = plugin.biz === undefined ? "no biz" : `biz ${plugin.biz}`;
    const description = plugin.pool.declaration?.description ?? "";
    const workers = `${plugin.workers} worker${plugin.workers === 1 ? "" : "s"}`;
    lines.push(
      `  ${plugin.name.padEnd(width)}  ${biz.padEnd(9)} ${workers.padEnd(10)} ${description}`.trimEnd(),
    );
  }
  const streams = startedListeners(server, config);
  const next = whatNext({
    streams: streams.filter(({ isHttp }) => !isHttp),
    datagrams: server.datagrams.map(({ address }) => address),
    http: streams.filter(({ isHttp }) => isHttp),
    controls: server.controlAddresses,
    plugins: plugins.map((plugin) => startedPlugin(plugin, config)),
  });
  return `${lines.join("\n")}\n${next}`;
}

/** The server's streams are those of its config, in that order. */
function startedListeners(
  server: Server,
  config: Config,
): (StartedListener & { readonly isHttp: boolean })[] {
  const configs = config.listeners.filter(({ transport }) => transport !== "udp");
  return configs.map((listener, at) => ({
    address: server.streams[at]!.address,
    tls: listener.transport === "unix" ? null : listener.tls,
    auth: listener.auth,
    isHttp: listener.transport === "http",
  }));
}

function startedPlugin(
  { name, biz, pool }: Server["registry"]["plugins"][number],
  config: Config,
): StartedPlugin {
  const { commands = [], example = null } = pool.declaration ?? {};
  const module = config.plugins.find((plugin) => plugin.name === name)?.module ?? "";
  return { name, biz, module, commands: commands.map(({ number }) => number), example };
}

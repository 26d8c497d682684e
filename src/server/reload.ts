import type { Config, ServerConfig } from "../config/config.ts";
import type { ReadFile } from "../config/config_file.ts";
import { differences } from "../config/differences.ts";
import type { Forwards } from "../forward/forwards.ts";
import type { AuditLog } from "../control/audit_log.ts";
import type { Log } from "../observe/log.ts";
import type { ContentLimits } from "../protocol/content_limits.ts";
import type { QueueBudget } from "../queue/operation_queue.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import { alertChanges, type Alerting } from "./alerting.ts";
import type { ListenerPlan, Listeners } from "./listeners.ts";
import type { PluginPlan } from "./plugin_plan.ts";
import type { PluginSet } from "./plugin_set.ts";
import type { RealtimePriority } from "./realtime_priority.ts";
import { PluginsError } from "./plugins_error.ts";
import type { ServerOptions } from "./server_options.ts";
import { grantChanges, serverAsWritten } from "./entrance.ts";
import { systemReason } from "../system_reason.ts";
import { ReloadError, type ReloadReport } from "../control/reload_report.ts";
import { unlessStopped } from "./unless_stopped.ts";

/** What a reload works on. */
export interface ReloadTarget {
  readonly realtime: RealtimePriority;
  /** What is in effect. */
  config: Config;
  /** The limits as the sockets see them; written in place. */
  readonly limits: { -readonly [Key in keyof ServerConfig]: ServerConfig[Key] };
  /** What params may cost, as the main thread applies it; written in place. */
  readonly contentLimits: { -readonly [Key in keyof ContentLimits]: ContentLimits[Key] };
  /** Limits that the system allows. */
  fit(limits: ServerConfig): ServerConfig;
  readonly log: Log;
  readonly audit: AuditLog;
  readonly budget: QueueBudget;
  readonly plugins: PluginSet;
  readonly forwards: Forwards;
  readonly alerting: Alerting;
  readonly listeners: Listeners;
  /** Resolves when the server is told to stop, and when it is to do so at once. */
  readonly stopping: Promise<void>;
  readonly hurry: Promise<void>;
  /** Works off a plugin that nobody can reach any more, in the background. */
  leave(plugin: RoutedPlugin): void;
}

/** Keys of `[server]` that are read at the start alone. */
const FIXED = ["control", "controlTcp", "logFormat"] as const satisfies readonly (keyof ServerConfig)[];

/**
 * Takes over a config: prepares all that is new beside what runs, and when nothing can fail any more switches to it in
 * one go. Rejects with ReloadError where something is wrong; nothing has changed then.
 *
 * @param only the one plugin whose module is looked at anew; without it all are
 */
export async function reload(target: ReloadTarget, wanted: Config, only?: string): Promise<ReloadReport> {
  const { listeners } = target;
  const { config: before } = target;
  const prepared = await prepare(target, wanted, only, true);
  const { server, plugins, sockets } = prepared;
  // From here to the end nothing waits: nobody sees half of the change.
  target.config = { ...wanted, server };
  Object.assign(target.limits, target.fit(server));
  target.contentLimits.depth = server.maxDepth;
  target.contentLimits.keys = server.maxKeys;
  target.realtime.set(server.realtime);
  target.log.levels.configure(server.logLevel);
  target.log.maxLines = server.maxLogLines;
  target.budget.bound(server.maxQueueBytes);
  for (const plugin of target.plugins.take(plugins)) target.leave(plugin);
  target.forwards.replace(server.forward);
  target.alerting.take(wanted);
  listeners.entrance.take(wanted);
  listeners.take(sockets);
  return reportOf(before, wanted, prepared);
}

/**
 * What {@link reload} would change: all is prepared but the workers and the journals of new plugins, and given up again. Rejects with ReloadError where something is
 * wrong before they start.
 */
export async function previewReload(
  target: ReloadTarget,
  wanted: Config,
  only?: string,
): Promise<ReloadReport> {
  const served = new Set(target.config.plugins.map(({ name }) => name));
  // The journal of one that is new would be made, or read, for nothing.
  const plugins = wanted.plugins.map((each) =>
    served.has(each.name) ? each : { ...each, durability: "memory" as const }
  );
  const prepared = await prepare(target, { ...wanted, plugins }, only, false);
  const report = reportOf(target.config, wanted, prepared);
  await target.listeners.drop(prepared.sockets);
  await prepared.plugins.drop(target.hurry);
  return report;
}

/** All that is new, beside what runs. */
interface Prepared {
  readonly server: ServerConfig;
  readonly plugins: PluginPlan;
  readonly sockets: ListenerPlan;
}

/** @param starts whether its workers are started */
async function prepare(
  target: ReloadTarget,
  wanted: Config,
  only: string | undefined,
  starts: boolean,
): Promise<Prepared> {
  const { listeners, config: before } = target;
  const server = withFixed(wanted.server, before.server);
  checkData(target, before.server.data, server.data);
  const planned = target.plugins.plan(wanted.plugins, server, only);
  let plugins: PluginPlan | null = null;
  let sockets: ListenerPlan | null = null;
  try {
    // A server that stops waits neither for the modules nor for the workers.
    plugins = await unlessStopped(planned, target.stopping, (late) => late.drop(target.hurry));
    sockets = await listeners.plan(wanted.listeners);
    if (starts) await unlessStopped(plugins.start(), target.stopping);
    if (starts) openAudit(target.audit, server.audit);
    return { server, plugins, sockets };
  } catch (error) {
    if (sockets !== null) await listeners.drop(sockets);
    await plugins?.drop(target.hurry);
    throw new ReloadError(problemOf(wanted, error));
  }
}

function reportOf(before: Config, wanted: Config, { server, plugins, sockets }: Prepared): ReloadReport {
  const changed = [
    ...grantChanges(before, wanted),
    ...alertChanges(before, wanted),
    ...differences(serverAsWritten(before.server), serverAsWritten(server)).map((what) => `server: ${what}`),
    ...sockets.changed,
    ...plugins.changed,
  ];
  const kept = differences(server, wanted.server).map((what) => `server: ${what} waits for the next start`);
  return { changed, kept, unchanged: changed.length === 0 };
}

/** Opens the audit file, anew where it is the same: another program may have moved it away. Throws what kept it from that. */
export function openAudit(audit: AuditLog, path: string): void {
  try {
    audit.open(path);
  } catch (error) {
    throw new Error(`server: audit: cannot write ${path}: ${systemReason(error, "file")}`);
  }
}

/** Says in the log what a reload has done. */
export function tellReload(
  { changed, kept, unchanged }: ReloadReport,
  log: Log,
  level: "debug" | "info",
): void {
  const fields = { changed: [...changed], kept: [...kept] };
  log[level](unchanged ? "reloaded: nothing has changed" : "reloaded", fields);
}

/**
 * The config, loaded anew. Rejects with ReloadError where there is none to load, it cannot be used, or the server is told to
 * stop meanwhile.
 */
export async function configAgain(
  loadConfig: ServerOptions["loadConfig"],
  read: ReadFile,
  stopping: Promise<void>,
): Promise<Config> {
  if (loadConfig === undefined) {
    throw new ReloadError("the server was started without a config to load again");
  }
  try {
    return await unlessStopped(Promise.resolve(loadConfig(read)), stopping);
  } catch (error) {
    throw new ReloadError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Throws where journals that are open would have to move. */
function checkData({ plugins }: ReloadTarget, before: string, wanted: string): void {
  const [first] = plugins.inJournals;
  if (before === wanted || first === undefined) return;
  throw new ReloadError(
    `server: data cannot change while plugins have journals there (${first}): restart the server`,
  );
}

function withFixed(wanted: ServerConfig, before: ServerConfig): ServerConfig {
  const fixed = Object.fromEntries(FIXED.map((key) => [key, before[key]]));
  return { ...wanted, ...fixed };
}

function problemOf(wanted: Config, error: unknown): string {
  if (error instanceof PluginsError) return error.in(wanted);
  const { file } = wanted;
  const problem = error instanceof Error ? error.message : String(error);
  return file === undefined ? problem : `${file}: ${problem}`;
}

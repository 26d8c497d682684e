import type { JsonObject } from "../plugin.ts";
import type { ServerStats } from "../observe/server_stats.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import { ALERT_COMMANDS } from "./alert_commands.ts";
import { LOG_COMMANDS } from "./log_commands.ts";
import { MAX_LISTED } from "../pool/administration.ts";
import type { ControlCommand } from "./control_command.ts";
import { ControlRefusal, type ControlRequest } from "./control_request.ts";
import { LIMITS_COMMAND } from "./limits_command.ts";
import { ReloadError } from "./reload_report.ts";
import type { ControlTarget } from "./control_target.ts";
import { OPERATION_COMMANDS, refuseWhileStopping } from "./operation_commands.ts";
import { doneOf, type StopReport } from "./stop_report.ts";

/** Listed where nothing is said. */
const DEFAULT_LISTED = 20;
/** Dead letters that one request puts back, so that sockets get their turn in between. */
export const MAX_RETRIED = 10_000;

const PLUGIN = ["plugin"];

/** Every control command by its name. */
export const CONTROL_COMMANDS: ReadonlyMap<string, ControlCommand> = new Map<string, ControlCommand>([
  ["stats", { keys: [], changes: false, run: (target) => target.stats() }],
  ["pause", { keys: PLUGIN, changes: true, run: (target, request) => setPaused(target, request, true) }],
  ["resume", { keys: PLUGIN, changes: true, run: (target, request) => setPaused(target, request, false) }],
  ["peek", { keys: ["plugin", "dead", "limit"], changes: false, run: peek }],
  ["purge", { keys: ["plugin", "dead", "id"], changes: true, run: purge }],
  ["retry-dead", { keys: ["plugin", "limit", "id"], changes: true, run: retryDead }],
  ["cancel", { keys: ["plugin", "id"], changes: true, run: cancel }],
  ["limits", LIMITS_COMMAND],
  ...OPERATION_COMMANDS,
  ["reload", { keys: [], changes: true, run: reload }],
  ["drain", { keys: [], changes: true, progress: left, run: drain }],
  ["stop", { keys: ["now"], changes: true, progress: left, run: stop }],
  ...LOG_COMMANDS,
  ...ALERT_COMMANDS,
]);

function setPaused(target: ControlTarget, request: ControlRequest, paused: boolean): JsonObject {
  const plugin = pluginOf(target, request);
  const before = plugin.paused;
  if (!isDry(request)) {
    if (paused) plugin.pause();
    else plugin.resume();
  }
  return { plugin: plugin.name, paused, before, queued: plugin.queue.ops };
}

function peek(target: ControlTarget, request: ControlRequest): JsonObject {
  const plugin = pluginOf(target, request);
  const limit = request.int("limit", 1, MAX_LISTED, DEFAULT_LISTED);
  if (request.flag("dead")) {
    return { plugin: plugin.name, total: plugin.pool.dead.count, dead: plugin.peekDead(limit) };
  }
  const { durability, ops } = plugin.queue;
  const { unsynced = 0, unsynced_bytes = 0, spilled = 0 } = durability?.figures() ?? {};
  const journal = durability === null ? {} : { unsynced, unsynced_bytes, on_disk_alone: spilled };
  return { plugin: plugin.name, total: ops, ...journal, operations: plugin.peek(limit) };
}

function purge(target: ControlTarget, request: ControlRequest): JsonObject {
  const plugin = pluginOf(target, request);
  const dead = request.flag("dead");
  const id = idOf(request);
  if (id !== undefined && !dead) {
    throw new ControlRefusal(
      "purge takes an id of dead letters alone; cancel takes one operation out of the queue",
      "wrong",
    );
  }
  refuseWhereClosed(plugin);
  if (isDry(request)) {
    const { pool: { dead: letters }, queue } = plugin;
    if (id !== undefined && letters.find(id) === null) throw noLetter(plugin, id);
    const purged = dead ? (id === undefined ? letters.count : 1) : plugin.purgeable;
    return { plugin: plugin.name, dead, purged, running: dead ? queue.ops : queue.ops - purged };
  }
  const purged = dead ? plugin.purgeDead(id) : plugin.purge();
  if (id !== undefined && purged === 0) throw noLetter(plugin, id);
  return { plugin: plugin.name, dead, purged, running: plugin.queue.ops };
}

function retryDead(target: ControlTarget, request: ControlRequest): JsonObject {
  const plugin = pluginOf(target, request);
  refuseWhileStopping(target);
  const id = idOf(request);
  if (id !== undefined) return retryOne(plugin, id, request);
  const limit = request.int("limit", 1, MAX_RETRIED, MAX_RETRIED);
  if (isDry(request)) {
    const retried = plugin.retryableDead(limit);
    return { plugin: plugin.name, retried, left: plugin.pool.dead.count - retried };
  }
  const retried = plugin.retryDead(limit);
  return { plugin: plugin.name, retried, left: plugin.pool.dead.count };
}

function retryOne(plugin: RoutedPlugin, id: number, request: ControlRequest): JsonObject {
  if (request.values["limit"] !== undefined) {
    throw new ControlRefusal("give an id or a limit, not both", "wrong");
  }
  if (isDry(request)) {
    const { dead } = plugin.pool;
    if (dead.find(id) === null) throw noLetter(plugin, id);
    return { plugin: plugin.name, retried: 1, left: dead.count - 1 };
  }
  const outcome = plugin.retryOne(id);
  if (outcome === "unknown") throw noLetter(plugin, id);
  if (outcome === "full") {
    throw new ControlRefusal(`the queue of plugin ${plugin.name} has no room for it now; it is kept`);
  }
  return { plugin: plugin.name, retried: 1, left: plugin.pool.dead.count };
}

/** It is only to be told what would be done. */
function isDry(request: ControlRequest): boolean {
  return request.flag("dry_run");
}

/** Of one operation; undefined where none is given. */
function idOf(request: ControlRequest): number | undefined {
  return request.values["id"] === undefined ? undefined : request.int("id", 0, Number.MAX_SAFE_INTEGER);
}

function noLetter({ name }: RoutedPlugin, id: number): ControlRefusal {
  return new ControlRefusal(
    `plugin ${name} has no dead letter ${id}: it was retried or dropped, or never was; peek --dead shows those there are`,
    "unknown",
  );
}

function cancel(target: ControlTarget, request: ControlRequest): JsonObject {
  const plugin = pluginOf(target, request);
  const id = request.int("id", 0, Number.MAX_SAFE_INTEGER);
  refuseWhereClosed(plugin);
  const outcome = isDry(request) ? cancelOutcome(plugin, id) : plugin.cancel(id);
  if (outcome === "unknown") {
    throw new ControlRefusal(
      `plugin ${plugin.name} has no operation ${id}: it has ended, or never was`,
      "unknown",
    );
  }
  return { plugin: plugin.name, id, outcome };
}

/** What a cancel would come to. */
function cancelOutcome({ pool }: RoutedPlugin, id: number): "cancelled" | "cancelling" | "unknown" {
  const state = pool.stateOf(id)?.state;
  return state === undefined ? "unknown" : state === "running" ? "cancelling" : "cancelled";
}

async function drain(target: ControlTarget, request: ControlRequest): Promise<JsonObject> {
  if (isDry(request)) return stopping(target);
  return result(await target.drain());
}

async function stop(target: ControlTarget, request: ControlRequest): Promise<JsonObject> {
  const now = request.flag("now");
  if (isDry(request)) return stopping(target);
  if (now) return result(await target.stopNow());
  // Whoever wants to know how it ends asks for a drain; a failure is in the log.
  target.drain().catch(() => {});
  return stopping(target);
}

function stopping(target: ControlTarget): JsonObject {
  return { ...left(target), drain_timeout_ms: target.drainTimeout() };
}

async function reload(target: ControlTarget, request: ControlRequest): Promise<JsonObject> {
  try {
    const { changed, kept, unchanged } = await target.reload(isDry(request));
    return { changed: [...changed], kept: [...kept], unchanged };
  } catch (error) {
    throw error instanceof ReloadError ? new ControlRefusal(error.message) : error;
  }
}

/** What is changed when the journal is closed would be as before at the next start. */
function refuseWhereClosed({ name, queue }: RoutedPlugin): void {
  if (queue.durability?.isClosed !== true) return;
  throw new ControlRefusal(
    `the journal of plugin ${name} is closed: what is in it can be changed after the next start`,
  );
}

/** Operations that are not done, and the plugins that will not do theirs by themselves. */
function left(target: ControlTarget): JsonObject {
  const plugins = target.stats().plugins.map((plugin) => ({ ...plugin, operations: operationsOf(plugin) }));
  return {
    left: plugins.reduce((sum, { operations }) => sum + operations, 0),
    paused: plugins.filter(({ paused, operations }) => paused && operations > 0).map(({ name }) => name),
  };
}

/** What a stop waits for; what a journal keeps is not. */
function operationsOf(plugin: ServerStats["plugins"][number]): number {
  const { queued, in_flight, delayed, retrying, journal } = plugin;
  if (journal !== null) return in_flight + journal.unsynced;
  return queued + in_flight + delayed + retrying;
}

function result(report: StopReport): JsonObject {
  const { pending, abandoned, kept, unstopped } = report;
  return { pending, done: doneOf(report), abandoned, kept, unstopped: [...unstopped] };
}

function pluginOf(target: ControlTarget, request: ControlRequest): RoutedPlugin {
  return target.pluginOf(request.text("plugin"));
}

import { LOG_LEVELS, type LogLevel } from "../observe/log_levels.ts";
import { type LineFilter, MAX_KEPT_LINES } from "../observe/log_ring.ts";
import type { JsonObject } from "../plugin.ts";
import type { ControlCommand } from "./control_command.ts";
import { ControlRefusal, type ControlRequest, shown } from "./control_request.ts";
import type { ControlTarget } from "./control_target.ts";

/** What is asked of the log, and said to it. */
export const LOG_COMMANDS: readonly (readonly [string, ControlCommand])[] = [
  ["log", { keys: ["after", "level", "plugin", "text", "limit"], changes: false, run: log }],
  ["log-levels", { keys: [], changes: false, run: (target) => levelsOf(target) }],
  ["log-level", { keys: ["plugin", "level"], changes: true, run: setLevel }],
];

/** Said with every level that is set. */
const NOTE = "it holds until the server ends; log_level in the config is what lasts";

function log(target: ControlTarget, request: ControlRequest): JsonObject {
  const { values } = request;
  return linesOf(target, {
    after: request.int("after", 0, Number.MAX_SAFE_INTEGER, 0),
    level: values["level"] === undefined ? "debug" : levelOf(request),
    // Lines are also there of a plugin that has gone.
    plugin: values["plugin"] === undefined ? null : nameOf(target, request.text("plugin")),
    text: values["text"] === undefined || values["text"] === "" ? "" : request.text("text"),
    limit: request.int("limit", 1, MAX_KEPT_LINES, MAX_KEPT_LINES),
    maySee: () => true,
  });
}

/** The lines that are kept and that a filter lets through. */
export function linesOf(target: Pick<ControlTarget, "log">, filter: LineFilter): JsonObject {
  const { lines, ...found } = target.log.ring.find(filter);
  return { lines: lines.map((line) => ({ ...line })), ...found };
}

/** The level of the server, and those of its plugins. */
export function levelsOf(target: ControlTarget): JsonObject {
  const { log: { levels } } = target;
  return {
    server: levels.server,
    plugins: Object.fromEntries(target.plugins().map((name) => [name, levels.of(name)])),
  };
}

function setLevel(target: ControlTarget, request: ControlRequest): JsonObject {
  const { plugin: given = null, level: wanted } = request.values;
  const plugin = given === null ? null : target.pluginOf(request.text("plugin")).name;
  if (wanted === undefined) levelOf(request);
  const level = wanted === null ? null : levelOf(request);
  const { levels } = target.log;
  const before = plugin === null ? levels.server : levels.of(plugin);
  if (request.flag("dry_run")) return { plugin, level, before, note: NOTE };
  levels.set(plugin, level);
  return { plugin, level: plugin === null ? levels.server : levels.of(plugin), before, note: NOTE };
}

function levelOf(request: ControlRequest): LogLevel {
  const text = request.text("level");
  const level = LOG_LEVELS.find((each) => each === text);
  if (level !== undefined) return level;
  throw new ControlRefusal(`level: expected one of ${LOG_LEVELS.join(", ")}, got ${shown(text)}`, "wrong");
}

/** Its name, also where it was told by its number. */
function nameOf(target: ControlTarget, plugin: string): string {
  return target.plugin(plugin)?.name ?? plugin;
}

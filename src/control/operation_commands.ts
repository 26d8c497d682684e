import { parseJson, stringifyJson } from "../exact_json.ts";
import type { FailureFilter, FailureLook } from "../operations/failures.ts";
import type { NamedOperation } from "../operations/operations.ts";
import { runTimer } from "../operations/timer_details.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";
import { ReplyCode } from "../protocol/codes.ts";
import type { ControlCommand } from "./control_command.ts";
import { ControlRefusal, type ControlRequest } from "./control_request.ts";
import type { ControlTarget } from "./control_target.ts";

const SEND_KEYS = ["plugin", "to", "params", "sync", "instead_of"];
const FILTER_KEYS = ["plugin", "command", "code", "fingerprint", "until_at"];

/** The control commands for single operations by their ids, and for many of them. */
export const OPERATION_COMMANDS: readonly (readonly [string, ControlCommand])[] = [
  ["operation", { keys: ["id"], changes: false, run: (target, request) => operation(target, request) }],
  ["cancel-operation", { keys: ["plugin", "id", "generation"], changes: true, run: cancelOperation }],
  ["retry-operation", { keys: ["plugin", "id", "generation"], changes: true, run: retryOperation }],
  ["send", { keys: SEND_KEYS, changes: true, run: send, noted: ({ result: _, ...told }) => told }],
  ["failures", { keys: ["filter"], changes: false, run: failures }],
  ["retry-failures", { keys: ["plugin", "filter"], changes: true, run: retryFailures }],
  ["purge-failures", { keys: ["plugin", "filter"], changes: true, run: purgeFailures }],
  ["run-timer", { keys: ["plugin", "timer"], changes: true, run: runNow }],
  ["undo", { keys: ["undo"], changes: true, run: undo }],
];

function operation({ operations }: ControlTarget, request: ControlRequest): JsonObject {
  return operations.details(operations.named(request.text("id")), true);
}

function cancelOperation(target: ControlTarget, request: ControlRequest): JsonObject {
  const { id, number, plugin, found } = unchanged(target, request);
  if (found.kind === "dead" || found.kind === "ended") {
    throw new ControlRefusal(`operation ${id} has ended: there is nothing to cancel`);
  }
  if (plugin.queue.durability?.isClosed === true) {
    throw new ControlRefusal(
      `the journal of plugin ${plugin.name} is closed: cancel it after the next start`,
    );
  }
  const isRunning = found.kind === "live" && found.record.state === "running";
  const outcome = request.flag("dry_run") ? (isRunning ? "cancelling" : "cancelled") : plugin.cancel(number);
  if (outcome === "unknown") throw new ControlRefusal(`operation ${id} has ended meanwhile`);
  return { id, plugin: plugin.name, outcome };
}

function retryOperation(target: ControlTarget, request: ControlRequest): JsonObject {
  refuseWhileStopping(target);
  const { id, number, plugin, found } = unchanged(target, request);
  if (found.kind !== "dead") {
    throw new ControlRefusal(`operation ${id} is no dead letter: it is not to be retried`);
  }
  if (!request.flag("dry_run") && plugin.retryOne(number) !== "retried") {
    throw new ControlRefusal(`the queue of plugin ${plugin.name} has no room for it now; it is kept`);
  }
  return { id, plugin: plugin.name, outcome: "retried" };
}

/** The operation that a request names, where it has the generation still that the request knows. */
function unchanged(target: ControlTarget, request: ControlRequest): NamedOperation {
  const { operations } = target;
  const id = request.text("id");
  // Who may change one plugin names it, and may change that one alone.
  const plugin = request.values["plugin"] === undefined ? null : request.text("plugin");
  if (plugin !== null && operations.named(id).plugin !== target.plugin(plugin)) {
    throw new ControlRefusal(`plugin ${plugin.slice(0, 80)} has no operation ${id}`, "unknown");
  }
  return operations.unchanged(id, request.text("generation"));
}

async function send(target: ControlTarget, request: ControlRequest): Promise<JsonObject> {
  refuseWhileStopping(target);
  const plugin = target.pluginOf(request.text("plugin"));
  // On a control socket "command" is the name of what is to be done.
  const key = typeof request.values["command"] === "number" ? "command" : "to";
  const command = request.int(key, 1001, 65535);
  if (!plugin.hasCommand(command)) {
    throw new ControlRefusal(
      `plugin ${plugin.name} has no command ${command}; it has ${plugin.knownCommands}`,
      "unknown",
    );
  }
  const params = request.values["params"] ?? {};
  if (!isObject(params)) throw new ControlRefusal("params: expected an object", "wrong");
  const sync = request.flag("sync");
  if (request.values["instead_of"] !== undefined) request.text("instead_of");
  const nothing = { id: null, code: ReplyCode.Ok, result: null, took_ms: 0 };
  if (request.flag("dry_run")) return { plugin: plugin.name, command, ...nothing };
  const begun = performance.now();
  const { code, content } = await target.operations.requests.send(
    plugin.name,
    command,
    stringifyJson(params),
    sync,
  );
  const took_ms = Math.round(performance.now() - begun);
  const value = content === null || content === "" ? null : parseJson(content);
  const isQueued = !sync && code >= ReplyCode.Ok && isObject(value);
  const id = isQueued && typeof value["id"] === "string" ? value["id"] : null;
  return { plugin: plugin.name, command, id, code, result: isQueued ? null : value, took_ms };
}

function failures({ operations }: ControlTarget, request: ControlRequest): Promise<JsonObject> {
  const filter = filterIn(request, {});
  return operations.failures(operations.plugins, filter, () => true);
}

async function retryFailures(target: ControlTarget, request: ControlRequest): Promise<JsonObject> {
  refuseWhileStopping(target);
  return await target.operations.changes.retry(lookOf(target, request), request.flag("dry_run"));
}

async function purgeFailures(target: ControlTarget, request: ControlRequest): Promise<JsonObject> {
  return await target.operations.changes.purge(lookOf(target, request), request.flag("dry_run"));
}

function runNow(target: ControlTarget, request: ControlRequest): JsonObject {
  refuseWhileStopping(target);
  const plugin = target.pluginOf(request.text("plugin"));
  const timer = request.text("timer");
  return { plugin: plugin.name, timer, outcome: runTimer(plugin, timer, request.flag("dry_run")) };
}

async function undo({ operations }: ControlTarget, request: ControlRequest): Promise<JsonObject> {
  return await operations.changes.undo(request.text("undo"), request.flag("dry_run"));
}

function lookOf({ operations }: ControlTarget, request: ControlRequest): FailureLook {
  const filter = filterIn(request);
  // Who may change one plugin names it, and may change that one alone.
  const plugin = request.values["plugin"] === undefined ? filter.plugin : request.text("plugin");
  if (filter.plugin !== null && filter.plugin !== plugin) {
    throw new ControlRefusal("the filter is for another plugin than the request", "wrong");
  }
  return operations.look(operations.plugins, { ...filter, plugin });
}

function filterIn(request: ControlRequest, otherwise?: JsonObject): FailureFilter {
  const filter = request.values["filter"] ?? otherwise;
  if (filter === undefined || !isObject(filter)) {
    throw new ControlRefusal("filter: expected an object; {} matches every dead letter", "wrong");
  }
  const strange = Object.keys(filter).find((key) => !FILTER_KEYS.includes(key));
  if (strange !== undefined) {
    throw new ControlRefusal(
      `filter: unknown key ${JSON.stringify(strange.slice(0, 80))}; expected ${FILTER_KEYS.join(", ")}`,
      "wrong",
    );
  }
  return filterOf(filter);
}

/** What a filter says; null of what it does not. Throws ControlRefusal. */
function filterOf(values: JsonObject): FailureFilter {
  const text = (key: string): string | null => {
    const value = values[key];
    if (value === undefined) return null;
    if (typeof value === "string" && value !== "") return value;
    throw new ControlRefusal(`${key}: expected a text`, "wrong");
  };
  const count = (key: string): number | null => {
    const value = values[key];
    if (value === undefined) return null;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    throw new ControlRefusal(`${key}: expected a whole number from 0 on`, "wrong");
  };
  return {
    plugin: text("plugin"),
    command: count("command"),
    code: count("code"),
    fingerprint: text("fingerprint"),
    untilAt: count("until_at"),
  };
}

/** A server that stops takes nothing new. */
export function refuseWhileStopping(target: ControlTarget): void {
  const { state } = target.stats();
  if (state !== "running") throw new ControlRefusal(`the server is ${state} and takes nothing new`);
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import { LOG_LEVELS } from "../observe/log.ts";
import { MAX_BATCH, MAX_BATCH_WAIT } from "../host/batch_bounds.ts";
import { MAX_REQUEST_ID } from "../protocol/request.ts";
import { MAX_HOPS } from "../queue/record.ts";
import type { FromHost } from "../ring/messages.ts";
import { MAX_EXAMPLE_CHARS } from "../host/params_example.ts";
import { MAX_SCHEMA_CHARS } from "../host/params_form.ts";
import { MAX_PROGRESS } from "../host/progress_reporter.ts";
import { MAX_FIGURE_NAME, MAX_FIGURES } from "../host/stats_reporter.ts";
import { MAX_NOTE_CHARS, MAX_TIMER_NAME, MAX_TIMERS } from "../ring/messages.ts";

type Known = Readonly<Record<string, unknown>>;

/** Longest text of a log line or a failure that the main thread takes, in UTF-16 units: twice what a worker sends. */
const MAX_TEXT = 8192;
const MAX_CONCURRENCY = 65536;
/** The most remarks on a module that are taken. */
const MAX_REMARKS = 1000;
/** Longest name of a plugin that is called, in UTF-16 units; those that there are have 64 bytes. */
const MAX_CALLED_NAME = 256;
/** Longest schedule of a timer, in UTF-16 units. */
const MAX_SCHEDULE = 512;

/**
 * Whether a message of a worker is one of mevent's own: a plugin shares the worker's globals, may get hold of the host's
 * port, and then post what it likes. The fields of a log line are left to the log.
 */
export function isFromHost(value: unknown): value is FromHost {
  if (!isObject(value)) return false;
  switch (value.kind) {
    case "ready":
      return isDeclaration(value.declaration);
    case "surveying":
      return isCount(value.index);
    case "surveyed":
      return isCount(value.index) && (value.survey === null || isSurvey(value.survey));
    case "failed":
      return typeof value.message === "string" && value.message.length <= MAX_TEXT;
    case "stopped":
      return value.problem === null || isText(value.problem, MAX_TEXT);
    case "overdue":
      return typeof value.command === "number";
    case "health":
      return value.problem === null ||
        (typeof value.problem === "string" && value.problem.length <= MAX_TEXT);
    case "log":
      return LOG_LEVELS.some((level) => level === value.level) && typeof value.message === "string" &&
        value.message.length <= MAX_TEXT && isObject(value.fields);
    case "stats":
      return isFigures(value.counters) && isFigures(value.gauges) && isObject(value.limits) &&
        [value.limits.depth, value.limits.keys, value.limits.figures].every(isCount);
    case "cache":
      return typeof value.id === "number" && isCacheRequest(value.request);
    case "call":
      return isCall(value);
    case "uncall":
      return typeof value.id === "number";
    case "taken":
      return isCount(value.chars);
    case "progress":
      return Array.isArray(value.operations) && value.operations.length <= MAX_PROGRESS &&
        value.operations.every(isProgress);
    case "timers told":
      return Array.isArray(value.timers) && value.timers.length <= MAX_TIMERS &&
        value.timers.every(isTimerReport);
    case "timers ended":
      return true;
    default:
      return false;
  }
}

function isSurvey(value: unknown): boolean {
  return isObject(value) && isDeclaration(value.declaration) && Array.isArray(value.remarks) &&
    value.remarks.length <= MAX_REMARKS && value.remarks.every((text: unknown) => isText(text, MAX_TEXT));
}

function isDeclaration(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { biz, concurrency, description, commands, timers, example } = value;
  return (biz === undefined || typeof biz === "number") && typeof description === "string" &&
    typeof concurrency === "number" && Number.isInteger(concurrency) && concurrency >= 1 &&
    concurrency <= MAX_CONCURRENCY && Array.isArray(commands) &&
    commands.every((command: unknown) =>
      isObject(command) && typeof command.number === "number" && typeof command.name === "string" &&
      typeof command.description === "string" && typeof command.idempotent === "boolean" &&
      (command.batch === null || isBatch(command.batch)) &&
      (command.schema === undefined || isSchema(command.schema))
    ) &&
    (example === null || isText(example, MAX_EXAMPLE_CHARS)) && typeof value.isStanding === "boolean" &&
    Array.isArray(timers) && timers.length <= MAX_TIMERS &&
    timers.every((timer: unknown) =>
      isObject(timer) && isText(timer.name, MAX_TIMER_NAME) && isText(timer.schedule, MAX_SCHEDULE)
    );
}

/** It is JSON text: it is told to others as that. */
function isSchema(value: unknown): boolean {
  if (typeof value !== "string" || value.length > MAX_SCHEMA_CHARS) return false;
  try {
    return isObject(JSON.parse(value));
  } catch {
    return false;
  }
}

function isBatch(value: unknown): boolean {
  return isObject(value) && Number.isInteger(value.max) && Number(value.max) >= 1 &&
    Number(value.max) <= MAX_BATCH && typeof value.wait === "number" && value.wait >= 0 &&
    value.wait < MAX_BATCH_WAIT;
}

/** How long its params may be is for who takes them to say: the limit may have changed. */
function isCall({ id, plugin, command, sync, params, hops, operation }: Known): boolean {
  return isCount(id) && Number(id) <= MAX_REQUEST_ID && isText(plugin, MAX_CALLED_NAME) && isCount(command) &&
    Number(command) <= 65535 &&
    typeof sync === "boolean" && typeof params === "string" && isCount(hops) && Number(hops) >= 1 &&
    Number(hops) <= MAX_HOPS && (operation === null || isPlace(operation));
}

function isPlace(value: unknown): boolean {
  return isObject(value) && isCount(value.slot) && isCount(value.sequence);
}

function isProgress(value: unknown): boolean {
  return isObject(value) && isPlace(value) && isAmount(value.done) &&
    (value.total === null || isAmount(value.total)) && isText(value.note, MAX_NOTE_CHARS);
}

function isTimerReport(value: unknown): boolean {
  return isObject(value) && isText(value.name, MAX_TIMER_NAME) &&
    [value.begunAt, value.dueAt].every((at) => at === null || isAmount(at)) &&
    (value.last === null || isTimerOutcome(value.last));
}

function isTimerOutcome(value: unknown): boolean {
  return isObject(value) && isAmount(value.at) && isAmount(value.tookMs) &&
    ["done", "failed", "aborted"].some((outcome) => outcome === value.outcome) &&
    (value.message === null || isText(value.message, MAX_TEXT));
}

function isAmount(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isFigures(value: unknown): boolean {
  return Array.isArray(value) && value.length <= MAX_FIGURES &&
    value.every((figure: unknown) =>
      Array.isArray(figure) && typeof figure[0] === "string" && figure[0].length <= MAX_FIGURE_NAME &&
      Number.isFinite(figure[1])
    );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isCacheRequest(value: unknown): boolean {
  if (!isObject(value)) return false;
  switch (value.operation) {
    case "get":
    case "delete":
      return typeof value.key === "string";
    case "set":
      return typeof value.key === "string" && typeof value.value === "string" && isExpire(value.expire);
    case "incr":
      return typeof value.key === "string" && Number.isSafeInteger(value.by) && isExpire(value.expire);
    case "cas":
      return typeof value.key === "string" && typeof value.value === "string" && isExpire(value.expire) &&
        (value.expected === null || typeof value.expected === "string");
    case "walk":
      return typeof value.walk === "number" && typeof value.begins === "boolean";
    case "end walk":
      return typeof value.walk === "number";
    case "clear":
      return true;
    default:
      return false;
  }
}

function isExpire(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isText(value: unknown, most: number): boolean {
  return typeof value === "string" && value.length <= most;
}

function isObject(value: unknown): value is Known {
  return typeof value === "object" && value !== null;
}

import { LOG_LEVELS } from "../observe/log.ts";
import { MAX_BATCH, MAX_BATCH_WAIT } from "./batch_bounds.ts";
import type { FromHost } from "./messages.ts";
import { MAX_FIGURE_NAME, MAX_FIGURES } from "./stats_reporter.ts";

type Known = Readonly<Record<string, unknown>>;

/** Longest text of a log line or a failure that the main thread takes, in UTF-16 units: twice what a worker sends. */
const MAX_TEXT = 8192;
const MAX_CONCURRENCY = 65536;

/**
 * Whether a message of a worker is one of mevent's own: a plugin shares the worker's globals, may get hold of the host's
 * port, and then post what it likes. The fields of a log line are left to the log.
 */
export function isFromHost(value: unknown): value is FromHost {
  if (!isObject(value)) return false;
  switch (value.kind) {
    case "ready":
      return isDeclaration(value.declaration);
    case "failed":
      return typeof value.message === "string" && value.message.length <= MAX_TEXT;
    case "stopped":
      return true;
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
    default:
      return false;
  }
}

function isDeclaration(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { biz, concurrency, description, commands } = value;
  return (biz === undefined || typeof biz === "number") && typeof description === "string" &&
    typeof concurrency === "number" && Number.isInteger(concurrency) && concurrency >= 1 &&
    concurrency <= MAX_CONCURRENCY && Array.isArray(commands) &&
    commands.every((command: unknown) =>
      isObject(command) && typeof command.number === "number" && typeof command.name === "string" &&
      typeof command.description === "string" && typeof command.idempotent === "boolean" &&
      (command.batch === null || isBatch(command.batch))
    );
}

function isBatch(value: unknown): boolean {
  return isObject(value) && Number.isInteger(value.max) && Number(value.max) >= 1 &&
    Number(value.max) <= MAX_BATCH && typeof value.wait === "number" && value.wait >= 0 &&
    value.wait < MAX_BATCH_WAIT;
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
      return typeof value.key === "string" && typeof value.value === "string" &&
        typeof value.expire === "number" && value.expire >= 0;
    case "clear":
      return true;
    default:
      return false;
  }
}

function isObject(value: unknown): value is Known {
  return typeof value === "object" && value !== null;
}

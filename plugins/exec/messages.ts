import type { JsonObject, JsonValue } from "mevent/plugin";
import { parseJson } from "../../src/exact_json.ts";
import { isTable } from "../config_table.ts";
import { type Level, LEVELS } from "./speech.ts";

const FIRST_OWN_ERROR = 25;
const LAST_ERROR = 999;
const ERROR = 14;
const FIRST_SUCCESS = 1000;
const LAST_SUCCESS = 0xffffffff;
/** The message of an error without one. */
const NOTHING_MORE = "the child said nothing more";
const decoder = new TextDecoder("utf-8", { fatal: true });

/** An operation, as the child reads it. */
export interface OperationMessage {
  readonly id: number;
  readonly command: number;
  /** The command's name. */
  readonly name: string;
  /** What no other operation has, the same in all attempts of this one. */
  readonly operation: string;
  readonly sync: boolean;
  /** In ms since 1970. */
  readonly deadline: number;
  readonly params: JsonObject;
}

/** What an operation has come to. */
export type Answer =
  | { readonly code: number; readonly result: JsonValue | undefined }
  | { readonly error: ChildError };

/** An error, as the child has it. */
export interface ChildError {
  readonly code: number;
  readonly message: string;
  /** Whether it may be tried again. */
  readonly retry: boolean;
  /** What is to pass before that, in ms. */
  readonly retryAfter: number;
}

/** One line of the child. */
export type ChildMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "answer"; readonly id: number; readonly answer: Answer }
  | { readonly kind: "log"; readonly level: Level; readonly message: string; readonly fields: JsonObject }
  | { readonly kind: "stats"; readonly count: [string, number][]; readonly gauge: [string, number][] };

/** A line that says nothing that is understood. */
export class LineError extends Error {
  override readonly name = "LineError";

  constructor(
    message: string,
    /** The operation that it was about; "none" where it is no answer, "unknown" where it may be one. */
    readonly about: number | "none" | "unknown" = "unknown",
  ) {
    super(message);
  }
}

/** What a line of the child says. Throws LineError. */
export function readLine(line: Uint8Array): ChildMessage {
  const value = parse(line);
  if (Object.hasOwn(value, "id")) return answerOf(value);
  if (value["ready"] === true) return { kind: "ready" };
  if (Object.hasOwn(value, "log")) return logOf(value["log"]);
  if (Object.hasOwn(value, "stats")) return statsOf(value["stats"]);
  throw new LineError("it has neither id, ready, log nor stats");
}

function parse(line: Uint8Array): JsonObject {
  let text: string;
  try {
    text = decoder.decode(line);
  } catch {
    throw new LineError("it is not UTF-8");
  }
  let value: JsonValue;
  try {
    value = parseJson(text);
  } catch {
    throw new LineError("it is not JSON");
  }
  if (!isTable(value)) throw new LineError("it is no JSON object");
  return value;
}

function answerOf(message: JsonObject): ChildMessage {
  const { id, error, result, code = FIRST_SUCCESS } = message;
  if (typeof id !== "number" || !Number.isSafeInteger(id)) {
    throw new LineError("its id is not a whole number");
  }
  // As JSON-RPC has it, and PHP's habit: an error that is there and says that there is none.
  if (error !== undefined && error !== null && error !== false) {
    return { kind: "answer", id, answer: { error: errorOf(error, id) } };
  }
  if (!isWhole(code, FIRST_SUCCESS, LAST_SUCCESS)) {
    throw new LineError(`its code is not a whole number from ${FIRST_SUCCESS} on`, id);
  }
  return { kind: "answer", id, answer: { code, result } };
}

function errorOf(value: JsonValue, id: number): ChildError {
  if (typeof value === "string") {
    return { code: ERROR, message: value || NOTHING_MORE, retry: true, retryAfter: 0 };
  }
  if (!isTable(value)) throw new LineError("its error is neither a text nor an object", id);
  const { code = ERROR, message = "", retry = true, retry_after = 0 } = value;
  if (code !== ERROR && !isWhole(code, FIRST_OWN_ERROR, LAST_ERROR)) {
    throw new LineError(
      `its error.code is neither ${ERROR} nor from ${FIRST_OWN_ERROR} to ${LAST_ERROR}`,
      id,
    );
  }
  if (typeof message !== "string") throw new LineError("its error.message is no text", id);
  if (typeof retry !== "boolean") throw new LineError("its error.retry is not true or false", id);
  if (typeof retry_after !== "number" || retry_after < 0) {
    throw new LineError("its error.retry_after is no number of seconds", id);
  }
  return { code, message: message || NOTHING_MORE, retry, retryAfter: retry_after * 1000 };
}

function logOf(value: JsonValue | undefined): ChildMessage {
  if (typeof value === "string") return { kind: "log", level: "info", message: value, fields: {} };
  if (!isTable(value)) throw notUnderstood("its log is neither a text nor an object");
  const { level = "info", message, fields = {} } = value;
  const known = LEVELS.find((each) => each === level);
  if (known === undefined) throw notUnderstood(`its log.level is none of ${LEVELS.join(", ")}`);
  if (typeof message !== "string") throw notUnderstood("its log.message is no text");
  if (!isTable(fields)) throw notUnderstood("its log.fields are no object");
  return { kind: "log", level: known, message, fields };
}

function statsOf(value: JsonValue | undefined): ChildMessage {
  if (!isTable(value)) throw notUnderstood("its stats are no object");
  return { kind: "stats", count: figures(value["count"]), gauge: figures(value["gauge"]) };
}

function figures(value: JsonValue | undefined): [string, number][] {
  if (value === undefined) return [];
  if (!isTable(value)) throw notUnderstood("stats are { count: { name: number }, gauge: { name: number } }");
  return Object.entries(value).map(([name, figure]) => {
    // Figures are doubles: a large whole one has come as a bigint.
    if (typeof figure === "bigint") return [name, Number(figure)];
    if (typeof figure !== "number") throw notUnderstood("a figure of its stats is no number");
    return [name, figure];
  });
}

function isWhole(value: JsonValue, least: number, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}

/** What is no answer, whatever stands in it. */
function notUnderstood(message: string): LineError {
  return new LineError(message, "none");
}

import * as v from "valibot";
import { stringifyJson } from "../../exact_json.ts";
import type { JsonObject } from "../../plugin.ts";
import type { Progress } from "../../ring/messages.ts";
import { aligned, printable } from "../aligned.ts";
import { AnswerError } from "./client.ts";
import { bytesText, countOf, countText, microsecondsText } from "../stats/units.ts";

/** The widest params and errors of a table, in UTF-16 units; --json has them whole. */
const MAX_CELL = 60;

/** What `peek` answers, for people. Throws AnswerError. */
export function operationTable(result: JsonObject): string {
  const { plugin, total, operations, unsynced = 0, unsynced_bytes = 0, on_disk_alone = 0 } = parsed(
    OPERATIONS,
    result,
  );
  const withProgress = operations.some(({ progress }) => progress !== null);
  const rows = operations.map((each) => [
    String(each.id),
    printable(each.state),
    String(each.command),
    each.sync ? "sync" : "async",
    String(each.attempts),
    durationText(each.age_ms),
    each.due_in_ms === null ? "-" : durationText(each.due_in_ms),
    ...withProgress ? [each.progress === null ? "-" : progressText(each.progress)] : [],
    bytesText(each.bytes),
    cell(each.params),
  ]);
  const header = [
    "id",
    "state",
    "command",
    "mode",
    "failed",
    "age",
    "due in",
    ...withProgress ? ["progress"] : [],
    "size",
    "params",
  ];
  const title = [
    `plugin ${plugin} has ${countOf(total, "operation")}`,
    ...unsynced === 0 ? [] : [`${countText(unsynced)} (${bytesText(unsynced_bytes)}) not on the disk yet`],
    ...on_disk_alone === 0 ? [] : [`${countText(on_disk_alone)} on the disk alone`],
  ];
  return listing([header, ...rows], title.join(", "), total, withProgress ? [0, 1, 3, 7, 9] : [0, 1, 3, 8]);
}

/** What `peek --dead` answers, for people. Throws AnswerError. */
export function deadTable(result: JsonObject): string {
  const { plugin, total, dead } = parsed(DEAD, result);
  const rows = dead.map((each) => [
    String(each.id),
    String(each.command),
    String(each.attempts),
    printable(each.failed_at),
    bytesText(each.bytes),
    cell(each.params),
    cell(each.error),
  ]);
  const header = ["id", "command", "attempts", "failed at", "size", "params", "error"];
  return listing([header, ...rows], `plugin ${plugin} has ${countOf(total, "dead letter")}`, total, [
    0,
    3,
    5,
    6,
  ]);
}

/** `left` are the columns of text, which go to the left. */
function listing(
  rows: readonly (readonly string[])[],
  title: string,
  total: number,
  left: readonly number[],
): string {
  const shown = rows.length - 1;
  const head = printable(title) + (shown < total && shown > 0 ? `; the first ${countText(shown)}:` : "");
  return [head, ...shown === 0 ? [] : ["", ...aligned(rows, left)]].map((line) => `${line}\n`).join("");
}

/** Params are what callers sent: on one line, without control characters, cut. */
function cell(value: unknown): string {
  const text = printable(typeof value === "string" ? value : stringifyJson(value) ?? "");
  return text.length > MAX_CELL ? `${text.slice(0, MAX_CELL)}…` : text;
}

/** `3/10 rows`. */
function progressText({ done, total, note }: Progress): string {
  const amount = total === null ? `${done}` : `${done}/${total}`;
  return note === "" ? amount : `${amount} ${cell(note)}`;
}

function durationText(milliseconds: number): string {
  return microsecondsText(milliseconds * 1000);
}

function parsed<T>(schema: v.GenericSchema<unknown, T>, value: unknown): T {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw new AnswerError(
    "the server's answer lacks what this mevent shows: use --json, or mevent of its version",
  );
}

const OPERATIONS = v.object({
  plugin: v.string(),
  total: v.number(),
  unsynced: v.optional(v.number()),
  unsynced_bytes: v.optional(v.number()),
  on_disk_alone: v.optional(v.number()),
  operations: v.array(v.object({
    id: v.number(),
    state: v.string(),
    command: v.number(),
    sync: v.boolean(),
    attempts: v.number(),
    age_ms: v.number(),
    due_in_ms: v.nullable(v.number()),
    progress: v.optional(
      v.nullable(v.object({ done: v.number(), total: v.nullable(v.number()), note: v.string() })),
      null,
    ),
    bytes: v.number(),
    params: v.unknown(),
  })),
});

const DEAD = v.object({
  plugin: v.string(),
  total: v.number(),
  dead: v.array(v.object({
    id: v.number(),
    command: v.number(),
    attempts: v.number(),
    failed_at: v.string(),
    error: v.string(),
    bytes: v.number(),
    params: v.unknown(),
  })),
});

import { stringifyJson } from "../../exact_json.ts";
import type { JsonObject, JsonValue } from "../../plugin.ts";
import { findParam } from "../../protocol/find_param.ts";
import { aligned, printable } from "../aligned.ts";

/** The rows, by what the server calls them, and how people do. */
const ROWS = [
  ["state", "state"],
  ["plugin", "plugin"],
  ["command", "command"],
  ["attempts", "attempts ended"],
  ["accepted_at", "accepted at"],
  ["ended_at", "ended at"],
  ["due_in_ms", "due in ms"],
  ["code", "code"],
  ["error", "error"],
  ["lost", "lost"],
  ["retried_as", "retried as"],
] as const;

/** Where an operation is and what it came to, for people; what is not known has no row. */
export function stateTable(state: JsonObject): string {
  const progress = progressText(state);
  const rows = [
    ...ROWS.flatMap(([key, name]) => state[key] === undefined ? [] : [[name, cell(state[key])]]),
    ...progress === "" ? [] : [["progress", progress]],
    ...state.result === undefined ? [] : [["result", cell(state.result)]],
  ];
  return aligned(rows, [0, 1]).map((line) => `${line}\n`).join("");
}

/** `3 of 10: rows`; "" where nothing was told. */
function progressText(state: JsonObject): string {
  const done = findParam(state, "progress.done");
  if (done === undefined) return "";
  const total = findParam(state, "progress.total");
  const note = findParam(state, "progress.note");
  return `${cell(done)}${total === undefined ? "" : ` of ${cell(total)}`}${
    note === undefined ? "" : `: ${cell(note)}`
  }`;
}

function cell(value: JsonValue): string {
  return printable(typeof value === "string" ? value : stringifyJson(value) ?? "");
}

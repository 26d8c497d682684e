import { stringifyJson } from "../exact_json.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";
import { decodeContent, Encoding } from "../protocol/body.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { DeadLetter } from "../queue/dead_letters.ts";

/** Longer params are shown as the beginning of their text, in bytes. */
const MAX_SHOWN_BYTES = 1024;
/** The longest error text, in UTF-16 units. */
const MAX_ERROR_CHARS = 1024;

const decoder = new TextDecoder();

/** An operation that has not ended, as `mevent peek` shows it. */
export interface OperationSummary extends JsonObject {
  id: number;
  /** Its id as the plugin sees it. */
  operation: string;
  state: "queued" | "delayed" | "retrying" | "running" | "unsynced";
  command: number;
  sync: boolean;
  /** Attempts that have failed. */
  attempts: number;
  /** Since it was accepted. */
  age_ms: number;
  /** Until it gets in line; null where it is not parked. */
  due_in_ms: number | null;
  /** What its command has told of it; null where it has told nothing. */
  progress: { done: number; total: number | null; note: string } | null;
  /** Of its params. */
  bytes: number;
  /** `hdf`, `json` or `cells`. */
  encoding: string;
  /** Its params, or where they are long or do not decode, the beginning of their text. */
  params: JsonValue;
}

/** A dead letter as `mevent peek --dead` shows it. */
export interface DeadSummary extends JsonObject {
  id: number;
  operation: string;
  command: number;
  attempts: number;
  error: string;
  /** ISO 8601. */
  accepted_at: string;
  failed_at: string;
  bytes: number;
  encoding: string;
  params: JsonValue;
}

/**
 * @param timeOf the time of day of a monotonic time
 * @param idOf the id as the plugin sees it
 */
export function deadSummary(
  letter: DeadLetter,
  timeOf: (ms: number) => Date,
  idOf: (id: number, acceptedAt: number) => string,
): DeadSummary {
  const { id, command, attempts, encoding, content } = letter;
  return {
    id,
    operation: idOf(id, letter.acceptedAt),
    command,
    attempts,
    error: errorText(letter),
    accepted_at: timeOf(letter.acceptedAt).toISOString(),
    failed_at: timeOf(letter.failedAt).toISOString(),
    bytes: content.length,
    encoding: encodingName(encoding),
    params: shownParams(encoding, content),
  };
}

export function encodingName(encoding: number): string {
  return encoding === Encoding.Hdf ? "hdf" : encoding === Encoding.Json ? "json" : "cells";
}

/** The params as JSON; where they are long, or do not decode, the beginning of their text and a mark. */
export function shownParams(encoding: number, content: Uint8Array): JsonValue {
  const isText = encoding !== Encoding.Cells;
  if (isText && content.length > MAX_SHOWN_BYTES) return textOf(content);
  try {
    const value = decodeContent(encoding as Encoding, content);
    return content.length > MAX_SHOWN_BYTES ? cutText(stringifyJson(value) ?? "", MAX_SHOWN_BYTES) : value;
  } catch (error) {
    if (error instanceof ProtocolError) return textOf(content);
    throw error;
  }
}

/** The sentence of an error reply, or all of it where it has none. */
export function errorText({ error }: Pick<DeadLetter, "error">): string {
  if (typeof error === "string") return cutText(error, MAX_ERROR_CHARS);
  const value = error.encoding === 0 ? "" : shownParams(error.encoding, error.content);
  const output = isObject(value) ? value.Output : undefined;
  const message = isObject(output) ? output.errmsg : value;
  return cutText(
    typeof message === "string" ? message : stringifyJson(message ?? value) ?? "",
    MAX_ERROR_CHARS,
  );
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(content: Uint8Array): string {
  const text = decoder.decode(content.subarray(0, MAX_SHOWN_BYTES));
  return content.length > MAX_SHOWN_BYTES ? `${text} … (${content.length} bytes)` : text;
}

function cutText(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)} … (${text.length} characters)` : text;
}

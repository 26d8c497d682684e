import { parseJson, stringifyJson } from "../exact_json.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";
import type { DeadLetter } from "../queue/dead_letters.ts";

/** A dead letter as it stands in an undo file. */
export interface WrittenLetter {
  readonly plugin: string;
  /** What the ids of the plugin's operations began with. */
  readonly run: string;
  /** Times are in ms since 1970. */
  readonly letter: DeadLetter;
}

/** A line of JSON, without its end; bytes are in base64. */
export function letterLine({ plugin, run, letter }: WrittenLetter): string {
  const { content, error, acceptedAt, failedAt, ...rest } = letter;
  return stringifyJson({
    plugin,
    run,
    ...rest,
    accepted_at: acceptedAt,
    failed_at: failedAt,
    content: content.toBase64(),
    error: typeof error === "string" ? error : { ...error, content: error.content.toBase64() },
  });
}

/** Null where a line is none. */
export function parseLetterLine(line: string): WrittenLetter | null {
  let value: JsonValue;
  try {
    value = parseJson(line);
  } catch {
    return null;
  }
  if (!isObject(value)) return null;
  const { plugin, run, id, command, encoding, attempts, code, accepted_at, failed_at } = value;
  const content = bytesOf(value["content"]);
  const error = errorOf(value["error"]);
  const isRight = typeof plugin === "string" && typeof run === "string" && isCount(id) && isCount(command) &&
    command > 0 && command <= 0xffff && isCount(encoding) && encoding >= 1 && encoding <= 3 &&
    isCount(attempts) && (code === null || isCount(code)) && typeof accepted_at === "number" &&
    typeof failed_at === "number" && content !== null && error !== null;
  if (!isRight) return null;
  const letter = {
    id,
    command,
    encoding,
    attempts,
    acceptedAt: accepted_at,
    failedAt: failed_at,
    code,
    content,
    error,
  };
  return { plugin, run, letter };
}

function errorOf(value: JsonValue | undefined): DeadLetter["error"] | null {
  if (typeof value === "string") return value;
  if (!isObject(value)) return null;
  const content = bytesOf(value["content"]);
  const { encoding } = value;
  return content !== null && isCount(encoding) && encoding <= 3 ? { encoding, content } : null;
}

function bytesOf(value: JsonValue | undefined): Uint8Array | null {
  if (typeof value !== "string") return null;
  try {
    return Uint8Array.fromBase64(value);
  } catch {
    return null;
  }
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

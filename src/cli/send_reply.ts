import { stringifyJson } from "../exact_json.ts";
import type { JsonValue } from "../plugin.ts";
import { BodyView, decodeBody, Encoding } from "../protocol/body.ts";

/**
 * The reply's body for stdout, "" where there is none: HDF as it came, anything else as JSON, indented for people, on one
 * line for programs.
 */
export function replyText(body: Uint8Array | null, forPeople: boolean): string {
  if (body === null) return "";
  const view = new BodyView();
  view.locate(body, 0, body.length);
  const text = new TextDecoder().decode(body.subarray(view.at, view.at + view.length));
  if (view.encoding === Encoding.Hdf) return text === "" || text.endsWith("\n") ? text : `${text}\n`;
  const value = decodeBody(body);
  // JSON that is one line goes out as it came.
  const isLine = view.encoding === Encoding.Json && text !== "" && !text.includes("\n");
  if (isLine && !forPeople) return `${text}\n`;
  return `${stringifyJson(value, forPeople ? 2 : 0)}\n`;
}

/** The sentence in an error reply, `Output.errmsg`; undefined where there is none. */
export function replyMessage(body: Uint8Array | null): string | undefined {
  const message = child(child(decodeBody(body), "Output"), "errmsg");
  return typeof message === "string" ? message : undefined;
}

function child(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value[key] : undefined;
}

import { relaidJson, stringifyJson } from "../../exact_json.ts";
import type { JsonValue } from "../../plugin.ts";
import { BodyView, decodeBody, Encoding } from "../../protocol/body.ts";
import { escapeInvisible, invisibleIn, markInvisible } from "../invisible_characters.ts";

const BOM = "\uFEFF";

/** A reply's body as it is printed. */
export interface ShownReply {
  /** For stdout; "" where there is no body. */
  readonly text: string;
  /** What the text does not show, a sentence; "" where it shows all. */
  readonly note: string;
}

/**
 * HDF as it came, anything else as JSON; indented for people, and what they would not see marked, on one line for
 * programs. In JSON unseen characters are always escaped, for that changes no value.
 */
export function shownReply(body: Uint8Array | null, forPeople: boolean): ShownReply {
  if (body === null) return { text: "", note: "" };
  const view = new BodyView();
  view.locate(body, 0, body.length);
  const { text, isUtf8 } = decoded(replyBytes(body));
  if (view.encoding === Encoding.Hdf) {
    const line = text === "" || text.endsWith("\n") ? text : `${text}\n`;
    return { text: forPeople ? markInvisible(line) : line, note: noteOn(isUtf8, invisibleIn(text)) };
  }
  const isJson = view.encoding === Encoding.Json;
  // JSON that is one line goes out as it came.
  const asItCame = isJson && !forPeople && text !== "" && !text.includes("\n");
  const [start, rest] = isJson && text.startsWith(BOM) ? [BOM, text.slice(1)] : ["", text];
  const json = asItCame ? rest : laidOut(body, isJson ? rest : "", forPeople ? 2 : 0);
  const shown = `${forPeople ? markInvisible(start) : start}${escapeInvisible(json)}\n`;
  return { text: shown, note: noteOn(isUtf8 || !isJson, invisibleIn(start + json)) };
}

/** The body as JSON text, of JSON with its numbers as they stand there. */
function laidOut(body: Uint8Array, json: string, indent: number): string {
  const value = decodeBody(body) ?? {};
  return json === "" ? stringifyJson(value, indent) : relaidJson(json, indent);
}

/** The bytes of the reply's text as they came; of cells, which are none, the whole body. */
export function replyBytes(body: Uint8Array): Uint8Array {
  const view = new BodyView();
  view.locate(body, 0, body.length);
  const isText = view.encoding === Encoding.Hdf || view.encoding === Encoding.Json;
  return isText ? body.subarray(view.at, view.at + view.length) : body;
}

/** The sentence in an error reply, `Output.errmsg`; undefined where there is none. */
export function replyMessage(body: Uint8Array | null): string | undefined {
  const message = child(child(decodeBody(body), "Output"), "errmsg");
  return typeof message === "string" ? message : undefined;
}

function decoded(bytes: Uint8Array): { text: string; isUtf8: boolean } {
  try {
    return { text: new TextDecoder("utf-8", { ignoreBOM: true, fatal: true }).decode(bytes), isUtf8: true };
  } catch {
    return { text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes), isUtf8: false };
  }
}

function noteOn(isUtf8: boolean, unseen: string): string {
  const problems = [
    ...isUtf8 ? [] : ["the reply is not UTF-8: what is not stands as U+FFFD"],
    ...unseen === "" ? [] : [`the reply has characters that are not seen: ${unseen}`],
  ];
  return problems.length === 0 ? "" : `${problems.join("; ")}; --raw prints its bytes`;
}

function child(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value[key] : undefined;
}

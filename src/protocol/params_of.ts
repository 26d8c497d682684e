import { isRaw } from "../exact_number.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";
import { ReplyCode } from "./codes.ts";
import { ProtocolError } from "./errors.ts";

/** Decoded content as params; undefined where it is no object. */
export function paramsOf(content: JsonValue): JsonObject | undefined {
  const isObject = typeof content === "object" && content !== null && !Array.isArray(content) &&
    // Looked for first, for that is fast.
    (content["rawJSON"] === undefined || !isRaw(content));
  return isObject ? content : undefined;
}

/** The same; throws ProtocolError (23) where it is no object. */
export function requiredParamsOf(content: JsonValue): JsonObject {
  const params = paramsOf(content);
  if (params === undefined) throw new ProtocolError("the params are not an object", ReplyCode.BadParam);
  return params;
}

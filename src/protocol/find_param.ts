import { isExactNumber } from "../exact_number.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";

/** What stands at a key or a path (`user.address.city`, `rows.0.id`); a key that holds dots itself comes first. */
export function findParam(params: JsonObject, key: string): JsonValue | undefined {
  if (Object.hasOwn(params, key)) return params[key];
  if (!key.includes(".")) return undefined;
  let value: JsonValue | undefined = params;
  for (const step of key.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    if (isExactNumber(value)) return undefined;
    value = Array.isArray(value) ? value[Number(step)] : value[step];
  }
  return value;
}

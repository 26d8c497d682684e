import type { JsonObject } from "../plugin.ts";

/** JSON Schemas of what the admin API tells, for its description. */

export const TEXT = { type: "string" };
export const COUNT = { type: "integer", minimum: 0 };
export const NUMBER = { type: "number" };
export const FLAG = { type: "boolean" };
export const TEXTS = { type: "array", items: TEXT };
export const ANY_OBJECT = { type: "object" };

/** A value, or null. */
export function orNull(schema: JsonObject): JsonObject {
  return { anyOf: [schema, { type: "null" }] };
}

export function listOf(items: JsonObject): JsonObject {
  return { type: "array", items };
}

/** A table whose members are all there; of `optional` they may be missing. */
export function tableOf(
  properties: { readonly [name: string]: JsonObject },
  optional: { readonly [name: string]: JsonObject } = {},
): JsonObject {
  return { type: "object", required: Object.keys(properties), properties: { ...properties, ...optional } };
}

/** What an answer to a change tells; after a dry run it says so. */
export function changed(properties: { readonly [name: string]: JsonObject }): JsonObject {
  return tableOf(properties, { dry_run: { const: true } });
}

import type { JsonObject } from "../plugin.ts";

/** The fields after those that are the line's own; one of the same name gets a trailing `_` for each that is taken. */
export function besides(own: JsonObject, fields: JsonObject): JsonObject {
  const renamed = Object.entries(fields).map(([name, value]): [string, JsonObject[string]] => {
    while (Object.hasOwn(own, name)) name += "_";
    return [name, value];
  });
  return { ...own, ...Object.fromEntries(renamed) };
}

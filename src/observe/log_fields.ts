import type { JsonObject } from "../plugin.ts";

/** The fields after those that are the line's own; one of the same name gets a trailing `_`, more where that name is taken. */
export function besides(own: JsonObject, fields: JsonObject): JsonObject {
  const renamed = Object.entries(fields).map(([name, value]): [string, JsonObject[string]] => {
    if (!Object.hasOwn(own, name)) return [name, value];
    do name += "_"; while (Object.hasOwn(own, name) || Object.hasOwn(fields, name));
    return [name, value];
  });
  return { ...own, ...Object.fromEntries(renamed) };
}

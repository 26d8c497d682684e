import type { JsonObject, Logger } from "../plugin.ts";

/** A plugin's log whose lines carry the id of an operation, where they have no field of that name themselves. */
export function operationLog(log: Logger, id: () => string): Logger {
  return {
    debug: (message, fields) => log.debug(message, withId(fields, id)),
    info: (message, fields) => log.info(message, withId(fields, id)),
    warn: (message, fields) => log.warn(message, withId(fields, id)),
    error: (message, fields) => log.error(message, withId(fields, id)),
  };
}

/** Whatever a plugin hands over as fields, which the log makes plain: what is no object of fields is one field, as without an id. */
function withId(fields: unknown, id: () => string): JsonObject {
  const own = { operation_id: id() };
  if (fields === undefined) return own;
  try {
    if (
      typeof fields === "object" && fields !== null && !Array.isArray(fields) && !(fields instanceof Error)
    ) {
      return { ...own, ...fields };
    }
  } catch {
    // It cannot be looked at: the log says so in its own way.
  }
  return { ...own, fields: fields as JsonObject };
}

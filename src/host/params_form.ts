import type { StandardSchema } from "../plugin.ts";

/** The longest JSON Schema of one command's params, in UTF-16 units; a longer one is not told. */
export const MAX_SCHEMA_CHARS = 16_384;

/**
 * What params a schema takes, as a JSON Schema in text, where its library tells: by `jsonSchema` of the Standard JSON Schema
 * specification. Null where it does not, or cannot for this one.
 */
export function jsonSchemaOf(schema: StandardSchema): string | null {
  try {
    const standard: StandardSchema["~standard"] & { readonly jsonSchema?: unknown } = schema["~standard"];
    const { jsonSchema } = standard;
    if (!isObject(jsonSchema) || typeof jsonSchema["input"] !== "function") return null;
    const made: unknown = jsonSchema["input"]({ target: "draft-2020-12" });
    const text = isObject(made) && !Array.isArray(made) ? JSON.stringify(made) : null;
    return text !== null && text.length <= MAX_SCHEMA_CHARS ? text : null;
  } catch {
    return null;
  }
}

/** Of libraries, functions have members, too. */
function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

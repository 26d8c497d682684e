import fc from "fast-check";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";

/** What a property test makes JSON objects of. */
export interface JsonParts {
  readonly name: fc.Arbitrary<string>;
  readonly text: fc.Arbitrary<string>;
  readonly number: fc.Arbitrary<number | bigint>;
}

/** Objects of such names and values, up to five levels deep. */
export function jsonObjects({ name, text, number }: JsonParts): fc.Arbitrary<JsonObject> {
  return fc.letrec<{ value: JsonValue; object: JsonObject }>((tie) => ({
    object: fc.array(fc.tuple(name, tie("value")), { maxLength: 6 }).map((entries) =>
      Object.fromEntries(entries)
    ),
    value: fc.oneof(
      { maxDepth: 5, depthSize: "small" },
      text,
      number,
      fc.boolean(),
      tie("object"),
      fc.array(tie("value"), { maxLength: 4 }),
    ),
  })).object;
}

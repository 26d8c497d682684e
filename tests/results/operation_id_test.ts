import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { acceptedSecond, operationId, parseOperationId } from "../../src/queue/operation_id.ts";

Deno.test("an operation's id says what it was made of, and nothing else is one", () => {
  const word = fc.integer({ min: 0, max: 0xffffffff });
  const run = fc.stringMatching(/^[0-9a-f]{12}$/);
  fc.assert(fc.property(run, word, word, (run, second, idLow) => {
    assertEquals(parseOperationId(operationId({ run, second, idLow })), { run, second, idLow });
  }));
  fc.assert(fc.property(fc.string(), (text) => {
    const name = parseOperationId(text);
    if (name !== null) assertEquals(parseOperationId(operationId(name)), name);
  }));
  for (
    const text of [
      "",
      "1-1-1",
      "0123456789ab-1z141z4-1",
      "0123456789AB-1-1",
      "0123456789ab-1-1\n",
      " 0123456789ab-1-1",
    ]
  ) {
    assertEquals(parseOperationId(text), null, text);
  }
  assertEquals(acceptedSecond(-1500.5, 1_700_000_000_000), 1_699_999_998);
});

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import { writeU32 } from "../../src/protocol/bytes.ts";
import { CellType, checkCells, decodeCells, encodeCells } from "../../src/protocol/cells.ts";
import { CONTENT_LIMITS } from "../../src/protocol/content_limits.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { concat, fromHex } from "../support/bytes.ts";

/** What cells can say: no null, no boolean, no fraction or negative number, no object that looks like a list. */
const { object } = fc.letrec<{ value: JsonValue; object: JsonObject; list: JsonValue[] }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.nat(0xffffffff),
    fc.maxSafeNat(),
    fc.string({ unit: "grapheme" }),
    tie("list"),
    tie("object").filter((value) => Object.keys(value).length > 0),
  ),
  list: fc.array(tie("value"), { maxLength: 4 }),
  object: fc.dictionary(
    fc.string({ unit: "grapheme", maxLength: 8 }).filter((key) => !/^\d+$/.test(key)),
    tie("value"),
    {
      maxKeys: 5,
      noNullPrototype: true,
    },
  ),
}));

Deno.test("what is encoded as cells is decoded as the same", () => {
  fc.assert(fc.property(object, (value) => {
    const cells = encodeCells(value);
    assertEquals(checkCells(cells, 0, cells.length), cells.length);
    assertEquals(decodeCells(cells, 0, cells.length), value);
  }));
});

Deno.test("arbitrary bytes decode or throw a ProtocolError, nothing else", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), decodesOrRefuses), { numRuns: 500 });
});

Deno.test("cells with a few bytes changed or cut off decode or throw a ProtocolError, nothing else", () => {
  const change = fc.tuple(fc.nat(), fc.nat(255));
  fc.assert(
    fc.property(object, fc.array(change, { maxLength: 4 }), fc.nat(), (value, changes, cutAt) => {
      const cells = encodeCells(value);
      if (cells.length === 0) return;
      for (const [at, byte] of changes) cells[at % cells.length] = byte;
      decodesOrRefuses(cells.subarray(0, 1 + cutAt % cells.length));
    }),
    { numRuns: 300 },
  );
});

Deno.test("nothing is read past the end: what lies behind the message does not change the outcome", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ maxLength: 40 }), (message, behind) => {
      const outcome = (bytes: Uint8Array) => {
        try {
          return decodeCells(bytes, 0, message.length);
        } catch (error) {
          assert(error instanceof ProtocolError);
          return error.message;
        }
      };
      assertEquals(outcome(concat([message, behind])), outcome(message));
    }),
  );
});

Deno.test("every cut of a valid list of cells is refused, but for the cuts between two cells", () => {
  const first = encodeCells({ a: 1 });
  const cells = concat([first, encodeCells({ b: [1, "two", { c: 2 ** 40 }] })]);
  for (let end = 1; end < cells.length; end++) {
    if (end === first.length) continue;
    assertThrows(() => checkCells(cells, 0, end), ProtocolError);
  }
});

Deno.test("a repeated name keeps the last value", () => {
  const cells = concat([encodeCells({ a: 1 }), encodeCells({ b: 2 }), encodeCells({ a: 3 })]);
  assertEquals(decodeCells(cells, 0, cells.length), { a: 3, b: 2 });
});

Deno.test("a ULONG over 2^53 stays exact, as a bigint", () => {
  const cells = fromHex("00000002" + "00000001" + "61" + "ffffffffffffffff");
  assertEquals(decodeCells(cells, 0, cells.length), { a: 18446744073709551615n });
});

Deno.test("a cell named __proto__ is a key like any other", () => {
  const cells = encodeCells(JSON.parse('{"__proto__": {"x": 1}}'));
  const value = decodeCells(cells, 0, cells.length);
  assertEquals(Object.keys(value), ["__proto__"]);
  assertEquals(value["x"], undefined);
});

Deno.test("arrays nest to the limit and no deeper", () => {
  const nested = (levels: number) => {
    const parts: Uint8Array[] = [];
    for (let level = 0; level < levels; level++) {
      const array = new Uint8Array(12);
      writeU32(array, 0, CellType.Array);
      writeU32(array, 8, level === levels - 1 ? 0 : 1);
      parts.push(array);
    }
    return concat(parts);
  };
  const deepest = nested(CONTENT_LIMITS.depth);
  assertEquals(checkCells(deepest, 0, deepest.length), deepest.length);
  for (const levels of [CONTENT_LIMITS.depth + 1, 30_000]) {
    const cells = nested(levels);
    assertThrows(() => checkCells(cells, 0, cells.length), ProtocolError, "deeper");
  }
});

Deno.test("an array that announces 2^32-1 elements is refused at once", () => {
  const cells = fromHex("00000004" + "00000001" + "61" + "ffffffff");
  assertThrows(() => checkCells(cells, 0, cells.length), ProtocolError);
});

Deno.test("null, a number that is not finite and nesting beyond the limit cannot be encoded: 22", () => {
  let deep: JsonValue = 1;
  for (let level = 0; level < 70; level++) deep = [deep];
  for (const value of [null, NaN, Infinity, deep]) {
    assertEquals(assertThrows(() => encodeCells({ a: value }), ProtocolError).code, 22);
  }
});

function decodesOrRefuses(bytes: Uint8Array): void {
  try {
    decodeCells(bytes, 0, bytes.length);
  } catch (error) {
    assert(error instanceof ProtocolError, String(error));
  }
}

import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import { decodeContent, encodeContent, encodeContentOf, Encoding } from "../../src/protocol/body.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { checkJsonLimits } from "../../src/protocol/json_limits.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

const NO_LIMITS = { depth: 1000, keys: 1_000_000 };
const encoder = new TextEncoder();

/** An object of so many levels: `{"a": {"a": … {"a": 1}}}`. */
function nested(levels: number): JsonObject {
  let value: JsonObject = { a: 1 };
  for (let level = 1; level < levels; level++) value = { a: value };
  return value;
}

function keyed(count: number): JsonObject {
  return Object.fromEntries(Array.from({ length: count }, (_, key) => [`k${key}`, "x"]));
}

function limitOf(
  encoding: Encoding,
  value: JsonObject,
  limits: { depth: number; keys: number },
): string | undefined {
  const content = encodeContentOf(encoding, value, NO_LIMITS.depth)!;
  const error = assertThrows(() => decodeContent(encoding, content, limits), ProtocolError);
  assertEquals(error.code, 17);
  return error.limit;
}

Deno.test("content of so many levels and keys passes in every encoding, and one more of either does not", () => {
  for (const encoding of [Encoding.Hdf, Encoding.Json, Encoding.Cells]) {
    // Cells count the arrays in each other: the outermost level is none.
    const levels = encoding === Encoding.Cells ? 11 : 10;
    const limits = { depth: 10, keys: 20 };
    for (const value of [nested(levels), keyed(19)]) {
      assertEquals(decodeContent(encoding, encodeContentOf(encoding, value, 1000)!, limits), value);
    }
    assertEquals(limitOf(encoding, nested(levels + 1), limits), "depth");
    assertEquals(limitOf(encoding, keyed(21), limits), "keys");
  }
});

Deno.test("brackets, quotes and commas inside of strings are no levels and no keys", () => {
  const text = `{"[{[{,,,,": "\\"[[[[\\\\", "b": ["]]", "\\\\\\"{,"]}`;
  checkJsonLimits(encoder.encode(text), { depth: 2, keys: 4 });
  assertThrows(() => checkJsonLimits(encoder.encode(text), { depth: 1, keys: 4 }), ProtocolError);
  assertThrows(() => checkJsonLimits(encoder.encode(text), { depth: 2, keys: 3 }), ProtocolError);
});

Deno.test("the depth that is counted on bytes is that of the value, whatever JSON it is", () => {
  fc.assert(fc.property(fc.json({ maxDepth: 6 }), fc.nat(6), (text, depth) => {
    const isTooDeep = depthOf(JSON.parse(text)) > depth;
    if (isTooDeep) {
      assertThrows(() => checkJsonLimits(encoder.encode(text), { ...NO_LIMITS, depth }), ProtocolError);
    } else checkJsonLimits(encoder.encode(text), { ...NO_LIMITS, depth });
  }));
});

Deno.test("whatever bytes they are, looking them over ends and throws nothing but ProtocolError", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      checkJsonLimits(bytes, { depth: 3, keys: 5 });
    } catch (error) {
      assertEquals(error instanceof ProtocolError, true);
    }
  }));
});

Deno.test("params over max_depth or max_keys are answered 17 and counted, in every encoding", async () => {
  await using server = await TestServer.start({ server: { max_depth: 12, max_keys: 30 } });
  using connection = await server.connect();
  const call = async (encoding: Encoding, params: JsonValue, plugin = "echo", command = 1001) => {
    const body = bodyOf(encoding, params);
    await connection.send(streamRequest({ encoding, plugin, command, body }));
    return await connection.reply();
  };
  for (const encoding of [Encoding.Hdf, Encoding.Json, Encoding.Cells]) {
    for (const params of [nested(14), keyed(40)]) assertEquals((await call(encoding, params)).code, 17);
    assertEquals(valueOf(await call(encoding, nested(12))), nested(12));
    // A system command reads its params on the main thread.
    assertEquals((await call(encoding, nested(14), "echo", 100)).code, 17);
  }
  assertEquals(messageOf(await call(Encoding.Json, nested(14))), "the JSON nests deeper than 12 levels");
  await server.until("all are counted", () => {
    const { limits } = server.stats();
    return limits["max_depth"] === 7 && limits["max_keys"] === 3;
  });
  assertEquals(server.log.filter((line) => line.includes("max_keys")).length > 0, true);
});

Deno.test("with a higher max_depth what is deeper comes back, as result and as params", async () => {
  await using server = await TestServer.start({ server: { max_depth: 900 } });
  using connection = await server.connect();
  for (const encoding of [Encoding.Hdf, Encoding.Json, Encoding.Cells]) {
    await connection.send(streamRequest({ encoding, body: bodyOf(encoding, nested(800)) }));
    assertEquals(valueOf(await connection.reply()), nested(800));
  }
});

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

function bodyOf(encoding: Encoding, params: JsonValue): Uint8Array {
  return encodeContent(encoding, encodeContentOf(encoding, params, NO_LIMITS.depth)!);
}

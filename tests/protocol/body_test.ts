import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { parseJson, stringifyJson } from "../../src/exact_json.ts";
import type { JsonValue } from "../../src/plugin.ts";
import {
  bodyBytes,
  BodyView,
  decodeBody,
  encodeBody,
  encodeContent,
  encodeContentOf,
  Encoding,
} from "../../src/protocol/body.ts";
import { errorBody } from "../../src/protocol/error_content.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { utf8Text } from "../../src/protocol/utf8_text.ts";
import { concat, fromHex, toHex } from "../support/bytes.ts";

const encoding = fc.constantFrom(Encoding.Hdf, Encoding.Json, Encoding.Cells);
const textEncoding = fc.constantFrom(Encoding.Hdf, Encoding.Json);
const json = fc.jsonValue({ noUnicodeString: false }).map((value): JsonValue =>
  JSON.parse(JSON.stringify(value))
);

Deno.test("every JSON value comes back from a JSON body as it went in", () => {
  fc.assert(fc.property(json, (value) => {
    // A whole number beyond 2^53 comes as a bigint: what it is written as is the same.
    const came = decodeBody(encodeBody(Encoding.Json, value));
    assertEquals(stringifyJson(came), stringifyJson(value));
  }));
});

Deno.test("JSON is the same UTF-8 whether it is short, long, or of characters that are no ASCII", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: "binary", maxLength: 80 }), fc.string({ maxLength: 80 })),
      (text) => {
        assertEquals(
          encodeContentOf(Encoding.Json, { text }),
          new TextEncoder().encode(JSON.stringify({ text })),
        );
      },
    ),
  );
});

Deno.test("bytes are read as UTF-8, or refused, as a decoder does that knows no mercy", () => {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  // Beginnings and continuations of sequences, of too short, too long and forbidden ones, too.
  const byte = fc.constantFrom(...fromHex("00417f8090a0bdbfc0c2dfe0e2edefbbf0f4f5ff"));
  const bytes = fc.oneof(
    fc.array(byte, { maxLength: 12 }).map((all) => new Uint8Array(all)),
    fc.string({ unit: "binary", maxLength: 40 }).map((text) => new TextEncoder().encode(text)),
    // Of all that ASCII has, short and long.
    fc.tuple(fc.string({ maxLength: 5 }), fc.constantFrom(1, 500, 3000)).map(([text, times]) =>
      new TextEncoder().encode(text.repeat(times))
    ),
    fc.constantFrom(...["efbfbd", "efbbbf41", "efbbbfefbbbf", "41efbfbd80", "eda080", "c080"].map(fromHex)),
  );
  const read = (decode: () => string) => {
    try {
      return decode();
    } catch (error) {
      return error instanceof TypeError ? "no UTF-8" : error;
    }
  };
  fc.assert(
    fc.property(bytes, fc.nat(5), (bytes, before) => {
      // As they lie in a ring: in shared memory, with others around them.
      const all = new Uint8Array(new SharedArrayBuffer(before + bytes.length + 3)).fill(0xff);
      all.set(bytes, before);
      const own = all.subarray(before, before + bytes.length);
      assertEquals(read(() => utf8Text(own)), read(() => strict.decode(bytes)));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a body's content is found where it lies and as long as it is", () => {
  fc.assert(
    fc.property(textEncoding, fc.string({ unit: "grapheme" }), fc.nat(20), (encoding, text, before) => {
      const content = new TextEncoder().encode(text.replaceAll("\0", ""));
      const body = encodeContent(encoding, content);
      assertEquals(body.length, bodyBytes(encoding, content.length));
      const message = concat([new Uint8Array(before), body]);
      const view = new BodyView();
      view.locate(message, before, message.length);
      assertEquals(view.encoding, encoding);
      assertEquals(message.slice(view.at, view.at + view.length), content);
    }),
  );
});

Deno.test("arbitrary bytes are located and decoded within the message, or refused with a ProtocolError", () => {
  const start = fc.constantFrom(
    "",
    "0000000300000004" + toHex(new TextEncoder().encode("root")),
    "0000000300000004" + toHex(new TextEncoder().encode("json")),
  );
  fc.assert(
    fc.property(
      start,
      fc.uint8Array({ maxLength: 60 }),
      fc.uint8Array({ maxLength: 20 }),
      (start, rest, behind) => {
        const body = concat([fromHex(start), rest]);
        const message = concat([body, behind]);
        const view = new BodyView();
        try {
          view.locate(message, 0, body.length);
          assert(view.at >= 0 && view.at + view.length <= body.length, "the content leaves the message");
          decodeBody(body);
        } catch (error) {
          assert(error instanceof ProtocolError, String(error));
        }
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("the value length of a text cell is checked against the message", () => {
  const root = "00000003" + "00000004" + "726f6f74";
  const locate = (hex: string) => new BodyView().locate(fromHex(hex), 0, hex.length / 2);
  for (const length of ["00000009", "000003e8", "00100000", "7fffffff", "ffffffff"]) {
    assertThrows(() => locate(root + length + "61203d20310a00" + "00"), ProtocolError, "message has");
  }
  locate(root + "00000007" + "61203d20310a00" + "00000000");
  locate(root + "00000007" + "61203d20310a00");
  locate(root + "00000000" + "00000000");
});

Deno.test("an HDF text without a NUL at its end is refused, with one inside it as well", () => {
  const root = "00000003" + "00000004" + "726f6f74";
  const body = fromHex(root + "00000003" + "61203d20310a0000000000");
  assertThrows(() => new BodyView().locate(body, 0, body.length), ProtocolError, "NUL");
});

Deno.test("a reply's body is empty, cells or text exactly as the encoding says", () => {
  assertEquals(
    toHex(encodeBody(Encoding.Json, {})),
    "00000003" + "00000004" + "6a736f6e" + "00000002" + "7b7d" + "00000000",
  );
  assertEquals(
    toHex(encodeBody(Encoding.Hdf, {})),
    "00000003" + "00000004" + "726f6f74" + "00000001" + "00" + "00000000",
  );
  assertEquals(
    toHex(encodeBody(Encoding.Cells, { a: 1 })),
    "00000001" + "00000001" + "61" + "00000001" + "00000000",
  );
});

Deno.test("what an encoding cannot say is refused with 22", () => {
  for (const value of [1, "text", null, [1]]) {
    for (const encoding of [Encoding.Hdf, Encoding.Cells]) {
      assertEquals(assertThrows(() => encodeBody(encoding, value), ProtocolError).code, 22);
    }
  }
  for (const encoding of [Encoding.Hdf, Encoding.Json, Encoding.Cells]) {
    for (const bad of [NaN, Infinity, -Infinity]) {
      assertEquals(assertThrows(() => encodeBody(encoding, { a: { bad } }), ProtocolError).code, 22);
    }
  }
});

Deno.test("an error's sentence can be said in every encoding, whatever is in it", () => {
  fc.assert(fc.property(encoding, fc.string({ unit: "binary" }), (encoding, message) => {
    const value = decodeBody(errorBody(encoding, 40, message));
    assert(typeof value === "object" && value !== null && !Array.isArray(value));
    const output = value["Output"];
    assert(typeof output === "object" && output !== null && !Array.isArray(output));
    assertEquals(Number(output["errcode"]), 40);
  }));
});

Deno.test("a number that is no object cannot be said in HDF and cells, however many digits it has", () => {
  for (const value of [7, 7n, 2n ** 70n, parseJson("1e400"), parseJson("0.1234567890123456789")]) {
    for (const encoding of [Encoding.Hdf, Encoding.Cells]) {
      assertThrows(() => encodeBody(encoding, value), ProtocolError, "only an object");
    }
    assertEquals(decodeBody(encodeBody(Encoding.Json, value)), value === 7n ? 7 : value);
  }
});

Deno.test("JSON is written down to 5000 levels, with brackets in its texts beside", () => {
  const nested = (levels: number) => {
    let value: JsonValue = '"[{'.repeat(5000);
    for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
    return value;
  };
  assertEquals(encodeContentOf(Encoding.Json, nested(5000))?.length, 2 + 4 * 5000 + 2 * 2500 + 6 * 2500);
  assertThrows(() => encodeContentOf(Encoding.Json, nested(5001)), ProtocolError, "nests too deep");
});

Deno.test("a value that nests deeper than a reply can is 22 with a sentence in every encoding", () => {
  let value: JsonValue = 1;
  for (let level = 0; level < 200_000; level++) value = level % 2 === 0 ? [value] : { a: value };
  for (
    const [encoding, sentence] of [[Encoding.Json, "nests too deep for JSON: nest less"], [
      Encoding.Hdf,
      "too deep",
    ], [Encoding.Cells, "deep"]] as const
  ) {
    const error = assertThrows(() => encodeBody(encoding, { a: value }), ProtocolError, sentence);
    assertEquals(error.code, 22);
  }
});

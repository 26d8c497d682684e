import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { BatchLine, LineProblem } from "../../src/http/batch_line.ts";
import { LineBuffer } from "../../src/http/line_buffer.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A line as a JSON text, its members in any order, with white space between. */
const lines = fc.record({
  id: fc.option(fc.oneof(fc.integer(), fc.string({ maxLength: 8 })), { nil: undefined }),
  plugin: fc.oneof(fc.string({ minLength: 1, unit: "binary" }), fc.integer({ min: 1, max: 65_535 })),
  command: fc.integer({ min: 0, max: 65_535 }),
  params: fc.option(fc.dictionary(fc.string(), fc.jsonValue()), { nil: undefined }),
  async: fc.option(fc.boolean(), { nil: undefined }),
  key: fc.option(fc.string({ minLength: 1, unit: "binary" }), { nil: undefined }),
}).chain((line) =>
  fc.tuple(
    fc.constant(line),
    fc.shuffledSubarray(Object.entries(line).filter(([, value]) => value !== undefined), {
      minLength: Object.values(line).filter((value) => value !== undefined).length,
    }),
    fc.constantFrom("", " ", "\t "),
  )
);

function textAt(bytes: Uint8Array, { at, length }: { readonly at: number; readonly length: number }): string {
  return decoder.decode(bytes.subarray(at, at + length));
}

Deno.test("a line of a batch is read as JSON.parse reads it, its id and its params as they stand", () => {
  const line = new BatchLine();
  fc.assert(fc.property(lines, ([wanted, members, space]) => {
    const text = `{${space}${
      members.map(([name, value]) => `"${name}"${space}:${space}${JSON.stringify(value)}`).join(
        `${space},${space}`,
      )
    }${space}}`;
    const bytes = encoder.encode(`x${text}x`);
    line.read(bytes, 1, bytes.length - 1);
    assertEquals(decoder.decode(line.plugin), String(wanted.plugin).toWellFormed());
    assertEquals(line.command, wanted.command);
    assertEquals(line.isAsync, wanted.async ?? false);
    assertEquals(textAt(bytes, line.id), wanted.id === undefined ? "" : JSON.stringify(wanted.id));
    assertEquals(
      textAt(bytes, line.params),
      wanted.params === undefined ? "" : JSON.stringify(wanted.params),
    );
    const key = line.extra === null ? undefined : JSON.parse(`{${decoder.decode(line.extra)}}`)["mevent.key"];
    assertEquals(key, wanted.key);
  }));
});

Deno.test("a line that is cut off or spoilt is a problem, or JSON all the same: nothing else comes of it", () => {
  const line = new BatchLine();
  const text = '{"id":"a","plugin":"echo","command":1001,"params":{"a":["}",{"b":"\\""}]},"key":"k"}';
  fc.assert(
    fc.property(
      fc.nat(text.length - 1),
      fc.constantFrom("", "{", "}", '"', ",", ":", "\\", "[", "0"),
      (at, put) => {
        const spoilt = text.slice(0, at) + put + text.slice(at + 1);
        const bytes = encoder.encode(spoilt);
        try {
          line.read(bytes, 0, bytes.length);
        } catch (error) {
          assert(error instanceof LineProblem, String(error));
          return;
        }
        // What is inside of the params is for whoever gets them.
        const params = textAt(bytes, line.params);
        const rest = spoilt.replace(params, "{}");
        assert(isJson(rest) || !isJson(params), spoilt);
      },
    ),
  );
});

Deno.test("a line with a member twice is refused, whatever stands in it, and keeps the id that came first", () => {
  const line = new BatchLine();
  const members = [
    '"id":1',
    '"plugin":"echo"',
    '"command":1001',
    '"params":{"n":1}',
    '"async":false',
    '"key":"k"',
  ];
  for (const twice of [...members, '"id":2', '"params":null', '"key":null', '"params":{}']) {
    const bytes = encoder.encode(`{${members.join()},${twice}}`);
    const name = twice.slice(0, twice.indexOf(":"));
    assertThrows(() => line.read(bytes, 0, bytes.length), LineProblem, `the member ${name} stands twice`);
    assertEquals(textAt(bytes, line.id), "1");
  }
});

Deno.test("lines are found however they are cut into pieces, and none is longer than it may be", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 12 }).map((text) => text.replaceAll("\n", " "))),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      (wanted, sizes) => {
        const bytes = encoder.encode(wanted.map((line) => `${line}\n`).join("") + "rest");
        const buffer = new LineBuffer();
        const found: string[] = [];
        for (let at = 0, n = 0; at < bytes.length; n++) {
          const piece = bytes.slice(at, at + sizes[n % sizes.length]!);
          at += piece.length;
          for (let next = 0; (next = buffer.next(piece, next, piece.length, 1000)) >= 0;) {
            found.push(decoder.decode(buffer.bytes.subarray(buffer.at, buffer.end)));
          }
        }
        assertEquals(found, wanted.map((line) => line.toWellFormed()));
        assert(buffer.rest());
        assertEquals(decoder.decode(buffer.bytes.subarray(buffer.at, buffer.end)), "rest");
      },
    ),
  );
  const buffer = new LineBuffer();
  assertEquals(buffer.next(encoder.encode("12345"), 0, 5, 8), -1);
  assertEquals(buffer.next(encoder.encode("6789\n"), 0, 5, 8), -2);
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

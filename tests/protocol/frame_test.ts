import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { writeU32 } from "../../src/protocol/bytes.ts";
import { FrameReader } from "../../src/protocol/frame.ts";
import { concat, cut } from "../support/bytes.ts";

const MAX_FRAME = 4096;

Deno.test("messages come out as they went in, however the stream is cut", () => {
  const content = fc.uint8Array({ minLength: 5, maxLength: 300 });
  fc.assert(
    fc.property(
      fc.array(content, { maxLength: 20 }),
      fc.array(fc.nat()),
      fc.nat(64),
      (contents, cuts, first) => {
        const stream = concat(contents.map(framed));
        const offsets = cuts.map((at) => at % (stream.length + 1)).toSorted((a, b) => a - b);
        const reader = new FrameReader(MAX_FRAME, first + 1);
        const got: Uint8Array[] = [];
        for (const piece of cut(stream, ...offsets)) {
          reader.push(piece);
          got.push(...taken(reader));
        }
        assertEquals(got, contents);
        assertEquals(reader.pending, 0);
      },
    ),
  );
});

Deno.test("messages come out as they went in where each read fills what space it is given", () => {
  const lengths = fc.array(fc.integer({ min: 5, max: MAX_FRAME - 4 }), { maxLength: 30 });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 5000 }), (lengths, mostPerRead) => {
      const contents = lengths.map((length, index) => new Uint8Array(length).fill(index));
      const stream = concat(contents.map(framed));
      const reader = new FrameReader(MAX_FRAME, 64);
      const got: Uint8Array[] = [];
      for (let at = 0; at < stream.length;) {
        const space = reader.space();
        assert(space.length > 0, "no space for the next read");
        const count = Math.min(space.length, mostPerRead, stream.length - at);
        space.set(stream.subarray(at, at + count));
        reader.received(count);
        at += count;
        got.push(...taken(reader));
      }
      assertEquals(got, contents);
    }),
    { numRuns: 50 },
  );
});

Deno.test("a total of 8 or less and one over the limit are illegal, 9 and the limit itself are not", () => {
  for (
    const [total, legal] of [[0, false], [4, false], [8, false], [9, true], [64, true], [65, false]] as const
  ) {
    const reader = new FrameReader(64);
    const prefix = new Uint8Array(4);
    writeU32(prefix, 0, total);
    reader.push(prefix);
    assertEquals(reader.next(), legal ? "more" : "illegal", `a total of ${total}`);
  }
});

Deno.test("a length over 2^31 is illegal, not negative", () => {
  const reader = new FrameReader(MAX_FRAME);
  reader.push(new Uint8Array([0xff, 0xff, 0xff, 0xff]));
  assertEquals(reader.next(), "illegal");
});

Deno.test("three bytes of a prefix ask for more", () => {
  const reader = new FrameReader(MAX_FRAME);
  reader.push(new Uint8Array([0, 0, 0]));
  assertEquals(reader.next(), "more");
  assertEquals(reader.pending, 3);
});

Deno.test("a prefix that announces a long message gets room by what has come of it, not by what it says", () => {
  const reader = new FrameReader(1024 * 1024, 64);
  const message = new Uint8Array(1024 * 1024);
  message.set([0, 0x10, 0, 0]);
  for (let sent = 0; sent < message.length - 1000; sent += 1000) {
    reader.push(message.subarray(sent, sent + 1000));
    assertEquals(reader.next(), "more");
    reader.space();
    assert(reader.bytes.length <= Math.min(message.length, 4 * (sent + 1000)));
  }
});

Deno.test("a buffer that grew for one long message shrinks again", () => {
  const reader = new FrameReader(1024 * 1024, 64);
  reader.push(framed(new Uint8Array(900_000)));
  assertEquals(taken(reader).length, 1);
  reader.space();
  assertEquals(reader.bytes.length, 64 * 1024);
});

function framed(content: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + content.length);
  writeU32(frame, 0, frame.length);
  frame.set(content, 4);
  return frame;
}

function taken(reader: FrameReader): Uint8Array[] {
  const messages: Uint8Array[] = [];
  while (reader.next() === "message") messages.push(reader.bytes.slice(reader.at, reader.at + reader.length));
  return messages;
}

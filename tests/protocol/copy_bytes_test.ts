import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { copyBytes, copyWords } from "../../src/protocol/copy_bytes.ts";

const bytes = fc.uint8Array({ minLength: 0, maxLength: 1000 });

Deno.test("bytes are copied from any place to any place, again and again, and nothing around them changes", () => {
  fc.assert(
    fc.property(
      bytes,
      fc.nat(9),
      fc.nat(9),
      fc.nat(9),
      fc.boolean(),
      (content, before, at, behind, shared) => {
        const from = new Uint8Array(before + content.length);
        from.set(content, before);
        const length = at + content.length + behind;
        const to = shared ? new Uint8Array(new SharedArrayBuffer(length + 8), 8) : new Uint8Array(length);
        const wanted = new Uint8Array(length).fill(0xaa);
        wanted.set(content, at);
        // The way of arrays that are used once, and that of those that are used again.
        for (let times = 0; times < 3; times++) {
          to.fill(0xaa);
          copyBytes(from, before, content.length, to, at);
          assertEquals(new Uint8Array(to), wanted);
        }
      },
    ),
  );
});

Deno.test("words are copied to words, and up to three bytes behind them may change", () => {
  fc.assert(fc.property(bytes, fc.nat(3), fc.nat(3), (content, before, at) => {
    const from = memory(4 * before + content.length);
    const to = memory(4 * at + content.length + 8);
    from.bytes.set(content, 4 * before);
    to.bytes.fill(0xaa);
    copyWords(from, 4 * before, content.length, to, 4 * at);
    const end = 4 * at + content.length;
    assertEquals(new Uint8Array(to.bytes.subarray(4 * at, end)), content);
    assertEquals(to.bytes.subarray(0, 4 * at).every((each) => each === 0xaa), true);
    assertEquals(to.bytes.subarray((end + 3) & ~3).every((each) => each === 0xaa), true);
  }));
});

function memory(length: number) {
  const buffer = new SharedArrayBuffer((length + 3) & ~3);
  return { bytes: new Uint8Array(buffer), words: new Uint32Array(buffer) };
}

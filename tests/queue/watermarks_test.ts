import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Watermarks } from "../../src/queue/watermarks.ts";

/** The levels crossed while a queue with bounds of 100 operations and 1000 bytes goes through these fillings. */
function crossings(fillings: readonly (number | "refused")[]): string[] {
  const seen: string[] = [];
  const marks = new Watermarks(100, 1000, (level) => seen.push(level));
  let before = 0;
  for (const ops of fillings) {
    if (ops === "refused") marks.refuse();
    else if (ops >= before) marks.rise(ops, ops);
    else marks.fall(ops, ops);
    if (ops !== "refused") before = ops;
  }
  return seen;
}

Deno.test("each mark is told once on the way up", () => {
  assertEquals(crossings([10, 49]), []);
  assertEquals(crossings([10, 50, 51, 79]), ["info"]);
  assertEquals(crossings([50, 80, 99, 100]), ["info", "warning"]);
  assertEquals(crossings([90]), ["warning"]);
  assertEquals(crossings([100, "refused", "refused", "refused"]), ["warning", "full"]);
});

Deno.test("a level ends a tenth of the bound below its mark, not at it", () => {
  assertEquals(crossings([50, 49, 50, 45, 50]), ["info"]);
  assertEquals(crossings([50, 39]), ["info", "normal"]);
  assertEquals(crossings([100, "refused", 99, 71, "refused"]), ["warning", "full"]);
  assertEquals(crossings([100, "refused", 69, 39]), ["warning", "full", "info", "normal"]);
});

Deno.test("the byte bound counts as the operation bound does", () => {
  const seen: string[] = [];
  const marks = new Watermarks(Infinity, 1000, (level) => seen.push(level));
  marks.rise(1, 800);
  marks.fall(0, 0);
  assertEquals(seen, ["warning", "normal"]);
});

Deno.test("however a queue moves, the same level is never told twice in a row", () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.nat(100), fc.constant("refused" as const))), (fillings) => {
    const seen = crossings(fillings);
    for (let i = 1; i < seen.length; i++) if (seen[i] === seen[i - 1]) throw new Error(seen.join(" "));
  }));
});

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Cache } from "../src/router/cache.ts";

Deno.test("an entry is there until its seconds are over, or for good where it has none", () => {
  let now = 1000;
  const cache = new Cache({ maxEntries: 10, maxBytes: 10_000 }, () => now);
  cache.set("short", "a", 2);
  cache.set("long", "b", 0);
  now += 1999;
  assertEquals([cache.get("short"), cache.get("long")], ["a", "b"]);
  now += 1;
  assertEquals([cache.get("short"), cache.get("long")], [undefined, "b"]);
  assertEquals(cache.entries, 1);
});

Deno.test("an expired entry counts as none when it is deleted", () => {
  let now = 0;
  const cache = new Cache({ maxEntries: 10, maxBytes: 10_000 }, () => now);
  cache.set("k", "v", 1);
  now = 1000;
  assertEquals([cache.delete("k"), cache.delete("k"), cache.entries, cache.bytes], [false, false, 0, 0]);
});

Deno.test("an empty value is a value", () => {
  const cache = new Cache({ maxEntries: 10, maxBytes: 10_000 }, () => 0);
  assert(cache.set("k", "", 0));
  assertEquals([cache.get("k"), cache.delete("k")], ["", true]);
});

Deno.test("where the cache is full, what was used longest ago goes first", () => {
  let full = 0;
  const cache = new Cache({ maxEntries: 2, maxBytes: 10_000 }, () => 0, () => full++);
  cache.set("a", "1", 0);
  cache.set("b", "2", 0);
  cache.get("a");
  assertEquals(full, 0);
  cache.set("c", "3", 0);
  assertEquals(full, 1);
  assertEquals([cache.get("a"), cache.get("b"), cache.get("c")], ["1", undefined, "3"]);
});

Deno.test("an entry larger than the whole cache is refused, and leaves the others", () => {
  const cache = new Cache({ maxEntries: 10, maxBytes: 1000 }, () => 0);
  cache.set("a", "1", 0);
  assertEquals(cache.set("b", "x".repeat(1000), 0), false);
  assertEquals([cache.get("a"), cache.get("b")], ["1", undefined]);
});

Deno.test("whatever is done, the bounds hold and the bytes are those of the entries", () => {
  const step = fc.tuple(fc.constantFrom("set", "get", "delete", "clear", "wait"), fc.nat(8), fc.nat(200));
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    let now = 0;
    const cache = new Cache({ maxEntries: 4, maxBytes: 1500 }, () => now);
    for (const [what, key, size] of steps) {
      if (what === "set") cache.set(`k${key}`, "x".repeat(size), size % 5);
      else if (what === "get") cache.get(`k${key}`);
      else if (what === "delete") cache.delete(`k${key}`);
      else if (what === "wait") now += size * 10;
      else if (size > 190) cache.clear();
      assert(cache.entries <= 4 && cache.bytes <= 1500);
    }
    for (let key = 0; key <= 8; key++) cache.delete(`k${key}`);
    assertEquals([cache.entries, cache.bytes], [0, 0]);
  }));
});

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Cache } from "../../src/router/cache.ts";
import { CacheRequests, MAX_WALKS } from "../../src/router/cache_requests.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

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
  const what = fc.constantFrom("set", "get", "delete", "clear", "wait", "incr", "cas", "walk");
  const step = fc.tuple(what, fc.nat(8), fc.nat(200));
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    let now = 0;
    const cache = new Cache({ maxEntries: 4, maxBytes: 1500 }, () => now);
    for (const [what, key, size] of steps) {
      if (what === "set") cache.set(`k${key}`, "x".repeat(size), size % 5);
      else if (what === "get") cache.get(`k${key}`);
      else if (what === "delete") cache.delete(`k${key}`);
      else if (what === "wait") now += size * 10;
      else if (what === "incr") cache.incr(`k${key}`, size, size % 5);
      else if (what === "cas") cache.cas(`k${key}`, cache.get(`k${key}`) ?? null, "y".repeat(size), size % 5);
      else if (what === "walk") cache.walk().next();
      else if (size > 190) cache.clear();
      assert(cache.entries <= 4 && cache.bytes <= 1500);
    }
    for (let key = 0; key <= 8; key++) cache.delete(`k${key}`);
    assertEquals([cache.entries, cache.bytes], [0, 0]);
  }));
});

Deno.test("incr counts whole numbers, keeps the entry's time, and says what it cannot count", () => {
  let now = 0;
  const cache = new Cache({ maxEntries: 10, maxBytes: 1000 }, () => now);
  assertEquals([cache.incr("n", 1, 2), cache.incr("n", 5, 100), cache.get("n")], [1, 6, "6"]);
  now = 1999;
  assertEquals(cache.incr("n", -10, 0), -4);
  now = 2000;
  assertEquals([cache.get("n"), cache.incr("n", 3, 0)], [undefined, 3]);
  now = 1e12;
  assertEquals(cache.get("n"), "3");
  const most = Number.MAX_SAFE_INTEGER;
  assertEquals([cache.incr("m", most, 0), cache.incr("m", 1, 0), cache.incr("m", -1, 0)], [
    most,
    "beyond",
    most - 1,
  ]);
  for (const value of ["", "x", "1.5", "1e3", " 1", "0x10", "9007199254740993", "-"]) {
    cache.set("t", value, 0);
    assertEquals([cache.incr("t", 1, 0), cache.get("t")], ["no number", value]);
  }
  assertEquals(cache.incr("k".repeat(1000), 1, 0), "too large");
});

Deno.test("cas sets what is as expected, and nothing else", () => {
  let now = 0;
  const cache = new Cache({ maxEntries: 10, maxBytes: 1000 }, () => now);
  assertEquals([cache.cas("k", "a", "b", 0), cache.get("k")], [false, undefined]);
  assertEquals([cache.cas("k", null, "a", 1), cache.cas("k", null, "b", 0), cache.get("k")], [
    true,
    false,
    "a",
  ]);
  assertEquals([cache.cas("k", "a", "b", 1), cache.get("k")], [true, "b"]);
  now = 1000;
  assertEquals([cache.cas("k", "b", "c", 0), cache.cas("k", null, "", 0), cache.cas("k", "", "x", 0)], [
    false,
    true,
    true,
  ]);
  assertEquals([cache.cas("k", "x", "x".repeat(1000), 0), cache.get("k")], ["too large", "x"]);
});

Deno.test("a walk tells all that is there from its beginning to its end, and ends, whatever else is done", () => {
  const what = fc.constantFrom("set", "get", "delete", "add", "part");
  const steps = fc.array(fc.tuple(what, fc.nat(999)), { maxLength: 300 });
  fc.assert(fc.property(steps, (steps) => {
    const cache = new Cache({ maxEntries: 2000, maxBytes: 1e9 }, () => 0);
    const there = new Set<string>();
    for (let n = 0; n < 1000; n++) {
      cache.set(`k${n}`, "v", 0);
      there.add(`k${n}`);
    }
    const walk = cache.walk();
    const told: string[] = [];
    const part = () => {
      const { entries, done } = walk.next();
      told.push(...entries.map(([key]) => key));
      return done;
    };
    let added = 0;
    for (const [what, n] of steps) {
      if (what === "set") cache.set(`k${n}`, "w", 0);
      else if (what === "get") cache.get(`k${n}`);
      else if (what === "add") cache.set(`added ${added++}`, "x", 0);
      else if (what === "delete") {
        cache.delete(`k${n}`);
        there.delete(`k${n}`);
      } else part();
    }
    for (let parts = 0; !part(); parts++) {
      assert(parts < 10);
      // As many as a part tells come meanwhile: it ends all the same.
      for (let n = 0; n < 256; n++) cache.set(`late ${parts} ${n}`, "x", 0);
    }
    assertEquals([...there].filter((key) => !told.includes(key)), []);
    assertEquals(new Set(told).size, told.length);
  }));
});

Deno.test("a walk tells what is left of each entry's time, and nothing that has expired", () => {
  let now = 0;
  const cache = new Cache({ maxEntries: 10, maxBytes: 10_000 }, () => now);
  cache.set("short", "1", 1);
  cache.set("long", "2", 10);
  cache.set("good", "3", 0);
  now = 2500;
  assertEquals(cache.walk().next(), { entries: [["long", "2", 7.5], ["good", "3", 0]], done: true });
});

Deno.test("a part of a walk is bounded by entries and by texts", () => {
  const cache = new Cache({ maxEntries: 10_000, maxBytes: 1e9 }, () => 0);
  for (let n = 0; n < 1000; n++) cache.set(`k${n}`, "v", 0);
  assertEquals(cache.walk().next().entries.length, 256);
  cache.clear();
  for (let n = 0; n < 10; n++) cache.set(`k${n}`, "v".repeat(50_000), 0);
  assertEquals(cache.walk().next().entries.length, 2);
});

Deno.test("a worker has so many walks open; one that was left alone for a minute makes room", () => {
  let now = 0;
  const cache = new Cache({ maxEntries: 10_000, maxBytes: 1e9 }, () => now);
  for (let n = 0; n < 1000; n++) cache.set(`k${n}`, "v", 0);
  const requests = new CacheRequests(cache);
  const [one, other] = [{}, {}];
  const part = (worker: object, walk: number, begins: boolean) =>
    requests.answer(worker, { operation: "walk", walk, begins }) !== false;
  for (let walk = 0; walk < MAX_WALKS; walk++) assert(part(one, walk, true));
  assertEquals([part(one, 99, true), part(other, 99, true)], [false, true]);
  requests.answer(one, { operation: "end walk", walk: 3 });
  assertEquals([part(one, 99, true), part(one, 100, true), part(one, 3, false)], [true, false, false]);
  now = 50_000;
  assert(part(one, 5, false));
  now = 61_000;
  assertEquals([part(one, 100, true), part(one, 5, false), part(one, 6, false)], [true, true, false]);
});

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`plugins count, swap and walk in their cache, and are told what they ask wrongly (${isolation})`, async () => {
    const source = `export default { name: "p", workers: 2, commands: {
      1001: { name: "count", run: ({ cache }) => Promise.all([cache.incr("n"), cache.incr("n", 10, 100), cache.incr("n", -1)]) },
      1002: { name: "swap", run: async ({ cache }) => [await cache.cas("k", undefined, "a"), await cache.cas("k", undefined, "b"), await cache.cas("k", "a", "c", 100), await cache.get("k")] },
      1003: { name: "walk", run: async ({ cache }) => {
        for (let n = 0; n < 1000; n++) cache.set("w" + n, "v" + n);
        const seen = {}; let parts = 0;
        for await (const { key, value, expire } of cache.entries()) seen[key] = value;
        for (let n = 0; n < 40; n++) for await (const _ of cache.entries()) break;
        return [Object.keys(seen).filter((key) => key[0] === "w").length, seen.w999, seen.n];
      } },
      1004: { name: "wrong", run: async ({ cache }) => {
        await cache.set("text", "abc");
        const tries = [() => cache.incr(1), () => cache.incr("n", 1.5), () => cache.incr("n", "1"), () => cache.incr("n", 1, -1), () => cache.set("k", "v", Infinity), () => cache.incr("n", 1, NaN),
          () => cache.cas("k", 1, "v"), () => cache.cas("k", "v", 2), () => cache.incr("text"), () => cache.incr("n", Number.MAX_SAFE_INTEGER), () => cache.cas("z", undefined, "x".repeat(100000))];
        return (await Promise.allSettled(tries.map((each) => each()))).map(({ reason }) => reason?.name + " " + reason?.message);
      } },
      1005: { name: "many", run: async ({ cache }) => {
        const walks = Array.from({ length: 20 }, () => cache.entries());
        const firsts = await Promise.allSettled(walks.map((walk) => walk.next()));
        await Promise.all(walks.map((walk) => walk.return()));
        let after = 0; for await (const _ of cache.entries()) after++;
        return [firsts.filter(({ status }) => status === "rejected").length, after];
      } },
    } };`;
    const cache = { maxEntries: 10_000, maxBytes: 200_000 };
    await using server = await TestServer.start({
      plugins: [{ name: "p", source, isolation, workers: 2, cache }],
    });
    using connection = await server.connect();
    const ask = async (command: number) => {
      await connection.send(streamRequest({ plugin: "p", command }));
      return valueOf(await connection.reply());
    };
    assertEquals(await ask(1001), [1, 11, 10]);
    assertEquals(await ask(1002), [true, false, true, "c"]);
    assertEquals(await ask(1003), [1000, "v999", "10"]);
    const wrong = await ask(1004);
    assert(Array.isArray(wrong));
    const words = [
      "key",
      "whole",
      "whole",
      "expire",
      "expire",
      "expire",
      "expected",
      "value",
      "no whole",
      "beyond",
      "larger",
    ];
    for (const [index, word] of words.entries()) {
      assert(
        String(wrong[index]).includes(word) && String(wrong[index]).includes("Error cache."),
        String(wrong[index]),
      );
    }
    assertEquals(await ask(1005), [4, 1003]);
  });
}

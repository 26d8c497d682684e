import { assertEquals } from "@std/assert";
import { HeldBack } from "../../src/net/held_back.ts";

Deno.test("who is held back sends when there was nothing else to do, or a quarter of a millisecond after the first of them", () => {
  const held = new HeldBack();
  const sent: string[] = [];
  const target = (name: string) => ({ sendHeld: () => void sent.push(name) });
  assertEquals([held.isEmpty, held.isDue(1000, 1000)], [true, false]);
  held.add(target("a"), 10);
  held.add(target("b"), 10.2);
  assertEquals([held.isEmpty, held.isDue(10.2, 0)], [false, false]);
  assertEquals([held.isDue(10.2, 0.02), held.isDue(10.26, 0)], [true, true]);
  held.send();
  assertEquals([sent, held.isEmpty, held.isDue(1000, 1000)], [["a", "b"], true, false]);
  held.add(target("c"), 20);
  assertEquals(held.isDue(20.2, 0), false);
});

Deno.test("who is held back again while all send waits for the next time", () => {
  const held = new HeldBack();
  let sent = 0;
  const target = {
    sendHeld: () => {
      if (++sent === 1) held.add(target, 2);
    },
  };
  held.add(target, 1);
  held.send();
  assertEquals([sent, held.isEmpty], [1, false]);
  held.send();
  assertEquals([sent, held.isEmpty], [2, true]);
});

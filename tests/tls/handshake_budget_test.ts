import { assertEquals } from "@std/assert";
import { HandshakeBudget } from "../../src/tls/handshake_budget.ts";

Deno.test("handshakes get half of a window of 4 ms, and the next window is theirs again", () => {
  let now = 0;
  const budget = new HandshakeBudget(() => now);
  const step = () => budget.spend(() => (now += 0.5, "taken"));
  assertEquals(Array.from({ length: 6 }, step), ["taken", "taken", "taken", "taken", null, null]);
  now = 3.9;
  assertEquals(step(), null);
  now = 4;
  assertEquals(step(), "taken");
});

Deno.test("one that takes longer than its share is taken, and others wait", () => {
  let now = 0;
  const budget = new HandshakeBudget(() => now);
  assertEquals(budget.spend(() => (now += 3, 1)), 1);
  assertEquals(budget.spend(() => 2), null);
  now = 10;
  assertEquals(budget.spend(() => 2), 2);
});

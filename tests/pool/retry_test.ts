import { assertEquals } from "@std/assert";
import { Retry } from "../../src/pool/retry.ts";

const LIMITS = { maxAttempts: 5, backoff: 100, maxBackoff: 500 };

Deno.test("the back-off doubles up to its bound, and a random part up to a half is left out", () => {
  for (const [random, waits] of [[0, [50, 100, 200, 250]], [0.5, [75, 150, 300, 375]]] as const) {
    const retry = new Retry(LIMITS, () => false, () => random);
    assertEquals([1, 2, 3, 4].map((attempts) => retry.backoff(attempts, 0)), [...waits]);
  }
});

Deno.test("what a plugin asks for lengthens the back-off up to its bound, and never shortens it", () => {
  const retry = new Retry(LIMITS, () => false, () => 1);
  assertEquals([1, 99, 101, 499, 500, 501, 1e7].map((after) => retry.backoff(1, after)), [
    100,
    100,
    101,
    499,
    500,
    500,
    500,
  ]);
});

Deno.test("failures that would come again are not tried again, nor the last attempt, nor a sync one that is not idempotent", () => {
  const retry = new Retry(LIMITS, (command) => command === 1002, () => 0);
  for (const code of [14, 19, 20, 24, 25, 999]) assertEquals(retry.isDue(false, 1001, code, 1), true);
  for (const code of [17, 18, 21, 22, 23]) assertEquals(retry.isDue(false, 1001, code, 1), false);
  assertEquals([retry.isDue(false, 1001, 14, 4), retry.isDue(false, 1001, 14, 5)], [true, false]);
  assertEquals([retry.isDue(true, 1001, 14, 1), retry.isDue(true, 1002, 14, 1)], [false, true]);
});

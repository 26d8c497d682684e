import { assert, assertEquals } from "@std/assert";
import { Patience } from "../../src/net/patience.ts";

/** Looks in steps of 10 µs; returns after how many ms it is over. */
function look(patience: Patience, isAwaiting: boolean): number {
  let steps = 1;
  while (!patience.isOver(steps / 100, isAwaiting)) steps++;
  return steps / 100;
}

Deno.test("a thread that awaits nothing looks around for 50 µs", () => {
  const patience = new Patience();
  assertEquals(look(patience, false), 0.06);
  assert(!patience.isOver(0.05, false));
  assert(patience.isOver(0.06, false));
});

Deno.test("one that awaits something looks around for longer, and ever more seldom where that is in vain", () => {
  const patience = new Patience();
  const long: number[] = [];
  for (let each = 0; each < 1000; each++) if (look(patience, true) > 0.4) long.push(each);
  assertEquals(long.slice(0, 5), [0, 2, 5, 10, 19]);
  assert(long.length <= 11, `${long.length} of 1000 looks were long`);
});

Deno.test("what came while it looked for longer has it look so again", () => {
  const patience = new Patience();
  for (let each = 0; each < 100; each++) look(patience, true);
  while (look(patience, true) < 0.4);
  // In vain as those before; then one that is not.
  while (patience.isOver(0.3, true));
  patience.paid(0.3);
  assert(!patience.isOver(0.4, true));
  assert(look(patience, true) > 0.4);
  assert(look(patience, true) < 0.1);
  assert(look(patience, true) > 0.4);
});

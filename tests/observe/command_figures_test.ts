import { assertEquals } from "@std/assert";
import { CommandTable, MAX_COUNTED_COMMANDS } from "../../src/observe/command_figures.ts";
import { LatencyTotal } from "../../src/observe/latency_histogram.ts";
import { LoopDelay } from "../../src/observe/loop_delay.ts";
import { SegmentPool } from "../../src/queue/segment.ts";

Deno.test("commands are counted each for itself up to a bound, and the further ones together", () => {
  const table = new CommandTable();
  const numbers = Array.from({ length: MAX_COUNTED_COMMANDS + 5 }, (_, at) => 1001 + at);
  for (let round = 0; round < 2; round++) {
    for (const number of numbers) {
      const command = table.of(number);
      command.done++;
      command.run.record(number, 0);
      command.wait.record(7, 0);
    }
  }
  const stats = table.stats(0, (number) => number === 1001 ? "first" : undefined);
  assertEquals(stats.length, MAX_COUNTED_COMMANDS + 1);
  assertEquals(stats.slice(0, -1).map(({ number, done }) => [number, done]), [
    ...numbers.slice(0, MAX_COUNTED_COMMANDS).map((number) => [number, 2]),
  ]);
  const others = stats.at(-1)!;
  assertEquals([others.number, others.name, others.done, others.wait_us], [null, "", 10, { p50: 7, p99: 7 }]);
  assertEquals(stats.slice(0, 2).map(({ name }) => name), ["first", ""]);
  const [wait, run] = [new LatencyTotal(), new LatencyTotal()];
  table.addTimes(wait, run);
  assertEquals([wait.count, run.count], [2 * numbers.length, 2 * numbers.length]);
  assertEquals(table.latencies(0).wait_us, { p50: 7, p99: 7 });
  const sums = stats.reduce((sum, { run_histogram }) => sum + run_histogram.sum_us, 0);
  assertEquals(sums, 2 * numbers.reduce((sum, number) => sum + number, 0));
});

Deno.test("a turn that is long and a look that comes late are told as the loop's delay, for a minute and in all", () => {
  const delay = new LoopDelay(0, 1000);
  delay.held(0.5, 500);
  delay.look(1000);
  delay.look(2250);
  const { delay_us_last_minute: last, delay_histogram: all } = delay.stats(2250);
  assertEquals(last, { p50: 500, p99: 250_000, max: 250_000 });
  assertEquals([all.counts.reduce((sum, count) => sum + count, 0), all.sum_us], [3, 250_500]);
  assertEquals(delay.stats(200_000).delay_us_last_minute, { p50: 0, p99: 0, max: 0 });
});

Deno.test("the memory of segments counts while they are taken or kept, and no longer", () => {
  let discarded = 0;
  const pool = new SegmentPool(1, ({ length }) => discarded += length);
  const [first, one, two] = [pool.take(64, 0), pool.take(64, 9), pool.take(64, 9)];
  const all = [first, one, two].reduce((sum, { memory }) => sum + memory.length, 0);
  assertEquals(pool.bytes, all);
  pool.give(first);
  pool.give(one);
  assertEquals(pool.bytes, one.memory.length + two.memory.length);
  pool.give(two);
  assertEquals([pool.bytes, discarded], [one.memory.length, two.memory.length]);
  pool.take(64, 9);
  assertEquals(pool.bytes, one.memory.length);
  pool.take(64, 9);
  assertEquals(pool.bytes, one.memory.length + two.memory.length);
});

import { assert, assertEquals } from "@std/assert";
import { Growth } from "../../src/observe/growth.ts";
import { blankCounted, type Counted, History, type Watched } from "../../src/observe/history.ts";
import { LatencyHistogram, type LatencyTotal } from "../../src/observe/latency_histogram.ts";

/** A plugin whose figures a test sets. */
class Sample implements Watched {
  counted: Counted = blankCounted();
  readonly wait = new LatencyHistogram();
  readonly run = new LatencyHistogram();

  constructor(readonly name: string) {}

  count(into: Counted): void {
    Object.assign(into, this.counted);
  }

  addTimes(wait: LatencyTotal, run: LatencyTotal): void {
    this.wait.addTo(wait);
    this.run.addTo(run);
  }

  ran(times: number, us: number): void {
    this.counted.done += times;
    this.run.record(us, 0, times);
    this.wait.record(us, 0, times);
  }
}

/** 2026-01-01 at a full second. */
const START = 1_767_225_600_000;

function historyAt(): { history: History; look(plugins: Sample[], now: number): void } {
  let now = 0;
  const history = new History(() => START + now);
  return {
    history,
    look(plugins, time) {
      now = time;
      history.look(plugins, time);
    },
  };
}

Deno.test("rates and times of each second are told, and what was counted before anybody looked is none of them", () => {
  const { history, look } = historyAt();
  const orders = new Sample("orders");
  orders.counted.in = 1000;
  orders.ran(1000, 5);
  look([orders], 1000);
  assertEquals(history.figures("orders")!.fine.series.done_per_second, [null, null]);
  for (const second of [2, 3, 4]) {
    orders.counted.in += 20;
    orders.counted.failed += 1;
    orders.counted.refused += 3;
    orders.counted.queued = second;
    orders.counted.oldestMs = 100 * second;
    if (second !== 3) orders.ran(10, 1000 * second);
    look([orders], second * 1000);
  }
  const { fine, coarse } = history.figures("orders")!;
  assertEquals([fine.end_at, fine.points, fine.step_ms], [START + 4000, 5, 1000]);
  const { series } = fine;
  assertEquals(series.in_per_second, [null, null, 20, 20, 20]);
  assertEquals(series.done_per_second, [null, null, 10, 0, 10]);
  assertEquals(series.failed_per_second, [null, null, 1, 1, 1]);
  assertEquals(series.refused_per_second, [null, null, 3, 3, 3]);
  assertEquals(series.queued, [null, null, 2, 3, 4]);
  assertEquals(series.oldest_ms, [null, null, 200, 300, 400]);
  assertEquals(series.run_p99_us.map((value) => value === null), [true, true, false, true, false]);
  assertNear(series.run_p99_us[2]!, 2000, 260);
  assertNear(series.wait_p50_us[4]!, 4000, 500);
  assertEquals(series.commit_p99_us, [null, null, null, null, null]);
  assertEquals([coarse.points, coarse.end_at, coarse.step_ms], [1, START + 9000, 10_000]);
  assertNear(coarse.series.done_per_second[0]!, 20 / 3, 0.01);
  assertEquals([coarse.series.queued, coarse.series.oldest_ms], [[4], [400]]);
  assertEquals(history.figures("payments"), null);
});

Deno.test("the total is of all plugins together, one that goes takes nothing back, and each has a short series", () => {
  const { history, look } = historyAt();
  const [one, other] = [new Sample("one"), new Sample("other")];
  Object.assign(one.counted, { commitP99: 700, unsyncedBytes: 10 });
  Object.assign(other.counted, { unsyncedBytes: 5 });
  look([one, other], 10_000);
  for (let second = 11; second <= 40; second++) {
    one.ran(30, 100);
    other.ran(10, 9000);
    other.counted.queued = 7;
    look(second <= 30 ? [one, other] : [one], second * 1000);
  }
  const { fine, plugins } = history.figures(null)!;
  assertEquals(fine.points, 41);
  assertEquals(fine.series.done_per_second.slice(10), [null, ...Array(20).fill(40), ...Array(10).fill(30)]);
  assertEquals(fine.series.queued[30], 7);
  assertEquals(fine.series.unsynced_bytes.slice(30, 32), [15, 10]);
  assertEquals(fine.series.commit_p99_us[30], 700);
  assertNear(fine.series.run_p99_us[30]!, 9000, 1200);
  assertEquals(Object.keys(plugins!), ["one"]);
  const { done_per_second: spark, step_ms, end_at } = plugins!["one"]!;
  assertEquals([spark.length, step_ms, end_at], [30, 10_000, START + 49_000]);
  assertEquals(spark.slice(-5), [null, 30, 30, 30, 30]);
});

Deno.test("an hour stays, five minutes of it by the second, and who has some asks for what is new", () => {
  const { history, look } = historyAt();
  const orders = new Sample("orders");
  for (let second = 0; second <= 4000; second++) {
    orders.ran(second % 10 === 9 ? 20 : 10, 50);
    look([orders], second * 1000 + 300);
  }
  const { fine, coarse } = history.figures("orders")!;
  assertEquals([fine.points, coarse.points], [300, 360]);
  assert(fine.series.done_per_second.every((rate) => rate === 10 || rate === 20));
  assertEquals(new Set(coarse.series.done_per_second), new Set([11, 10]));
  const newer = history.figures("orders", fine.end_at - 5000)!;
  assertEquals([newer.fine.points, newer.coarse.points], [6, 2]);
  assertEquals(newer.fine.series.done_per_second, fine.series.done_per_second.slice(-6));
  assertEquals(history.figures("orders", fine.end_at)!.fine.points, 1);
  assertEquals(history.figures("orders", fine.end_at + 1)!.fine.points, 0);
});

Deno.test("a look that slips into the next second leaves no hole, and one that comes much later does", () => {
  const { history, look } = historyAt();
  const orders = new Sample("orders");
  for (const now of [0, 1000, 1999, 3001, 4001]) {
    orders.ran(10, 50);
    look([orders], now);
  }
  const { done_per_second } = history.figures("orders")!.fine.series;
  assertEquals(done_per_second.map((rate) => rate === null ? null : Math.round(rate)), [
    null,
    10,
    10,
    10,
    10,
  ]);
  orders.ran(1000, 50);
  look([orders], 9000);
  orders.ran(10, 50);
  look([orders], 10_000);
  const after = history.figures("orders")!.fine.series.done_per_second;
  assertEquals(after.slice(5), [null, null, null, null, null, 10]);
});

Deno.test("the same second twice is one, and a plugin that was made anew under its name begins anew", () => {
  const { history, look } = historyAt();
  const first = new Sample("orders");
  look([first], 0);
  first.ran(500, 50);
  look([first], 1000);
  look([first], 1500);
  look([new Sample("orders")], 2000);
  const { fine } = history.figures("orders")!;
  assertEquals(fine.series.done_per_second, [null, null, null]);
  assertEquals(history.figures(null)!.fine.series.done_per_second, [null, 500, 0]);
});

Deno.test("the time until a queue is full follows from how it has grown within the last minute", () => {
  const growth = new Growth();
  assertEquals(growth.untilFull(1000), null);
  for (let second = 0; second <= 100; second++) {
    growth.look(second < 50 ? 0 : (second - 50) * 10, second * 1000);
  }
  // 500 now, 0 at second 41: 500 in 59 s.
  assertEquals(growth.untilFull(1000), 59_000);
  assertEquals(growth.untilFull(400), 0);
  growth.look(0, 101_000);
  assertEquals(growth.untilFull(1000), null);
});

Deno.test("a plugin is full when the first of its two bounds is reached", () => {
  const { history, look } = historyAt();
  const orders = new Sample("orders");
  for (let second = 0; second <= 10; second++) {
    orders.counted.ops = second * 10;
    orders.counted.bytes = second * 100;
    look([orders], second * 1000);
  }
  assertEquals(history.fullIn("orders", { maxOps: 200, maxBytes: 1_000_000 }), 10_000);
  assertEquals(history.fullIn("orders", { maxOps: 1_000_000, maxBytes: 1500 }), 5000);
  assertEquals(history.fullIn("payments", { maxOps: 1, maxBytes: 1 }), null);
});

function assertNear(value: number, wanted: number, slack: number): void {
  assert(Math.abs(value - wanted) <= slack, `${value} for ${wanted}`);
}

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CLASSIC_BOUNDS, LatencyHistogram, LatencyTotal } from "../../src/observe/latency_histogram.ts";

const values = fc.array(fc.oneof(fc.nat(100), fc.nat(1_000_000), fc.nat(0xffffffff)), {
  minLength: 1,
  maxLength: 300,
});
const shares = fc.constantFrom(0.01, 0.5, 0.9, 0.99, 1);

function totalOf(histogram: LatencyHistogram): LatencyTotal {
  const total = new LatencyTotal();
  histogram.addTo(total);
  return total;
}

function trueQuantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1]!;
}

Deno.test("a quantile of times is within a seventh of the true one, and true below 10 µs", () => {
  fc.assert(
    fc.property(values, shares, (values, share) => {
      const histogram = new LatencyHistogram();
      for (const value of values) histogram.record(value, 0);
      const wanted = trueQuantile(values, share);
      const got = totalOf(histogram).quantile(share);
      assert(
        Math.abs(got - wanted) <= Math.max(wanted < 10 ? 0 : 3, wanted * 0.1429),
        `${got} for ${wanted}`,
      );
    }),
    { numRuns: 500 },
  );
});

Deno.test("of the last 60 to 70 s, times say what a histogram of those alone says, and all what one of all", () => {
  const steps = fc.array(
    fc.record({ value: fc.nat(1_000_000), ms: fc.nat(30_000), times: fc.integer({ min: 1, max: 3 }) }),
    { minLength: 1, maxLength: 100 },
  );
  fc.assert(fc.property(steps, fc.nat(1e6), fc.nat(200_000), (steps, start, pause) => {
    const rolling = new LatencyHistogram();
    let now = start;
    const recorded: { value: number; at: number; times: number }[] = [];
    for (const { value, ms, times } of steps) {
      now += ms;
      rolling.record(value, now, times);
      recorded.push({ value, at: now, times });
    }
    now += pause;
    const since = (Math.floor(now / 10_000) - 6) * 10_000;
    const [all, recent] = [new LatencyHistogram(), new LatencyHistogram()];
    for (const { value, at, times } of recorded) {
      all.record(value, 0, times);
      if (at >= since) recent.record(value, 0, times);
    }
    const ofRecent = new LatencyTotal();
    rolling.addRecentTo(ofRecent, now);
    for (const share of [0.01, 0.5, 0.99, 1]) {
      assertEquals(totalOf(rolling).quantile(share), totalOf(all).quantile(share));
      assertEquals(ofRecent.quantile(share), totalOf(recent).quantile(share));
    }
    assertEquals([totalOf(rolling).classic, ofRecent.classic], [
      totalOf(all).classic,
      totalOf(recent).classic,
    ]);
    assert(now - since >= 60_000 && now - since < 70_000);
  }));
});

Deno.test("what Prometheus is told are the exact counts between its bounds, and the sum", () => {
  fc.assert(fc.property(values, values, (first, second) => {
    const [one, other] = [new LatencyHistogram(), new LatencyHistogram()];
    for (const value of first) one.record(value, 0);
    for (const value of second) other.record(value, 0);
    const total = new LatencyTotal();
    one.addTo(total);
    other.addTo(total);
    const all = [...first, ...second];
    const upTo = [...CLASSIC_BOUNDS, Infinity];
    const counts = upTo.map((bound, at) =>
      all.filter((value) => value <= bound && (at === 0 || value > upTo[at - 1]!)).length
    );
    assertEquals(total.classic, { counts, sum_us: all.reduce((sum, value) => sum + value, 0) });
    assertEquals(total.count, all.length);
  }));
});

Deno.test("what was counted since a look is what was not there then", () => {
  const histogram = new LatencyHistogram();
  const total = new LatencyTotal();
  const before = LatencyTotal.nothing();
  const since = () => {
    histogram.addTo(total.clear());
    return total.since(before);
  };
  histogram.record(1000, 0, 5);
  assertEquals([since().count, total.quantile(1)], [5, 1000]);
  histogram.record(9, 0);
  assertEquals([since().count, total.quantile(1), total.classic.sum_us], [1, 9, 9]);
  assertEquals([since().count, total.quantile(0.5)], [0, 0]);
});

Deno.test("no time is 0, and one out of range is counted at its edge", () => {
  const histogram = new LatencyHistogram();
  assertEquals(totalOf(histogram).quantile(0.5), 0);
  histogram.record(-5, 0);
  assertEquals(totalOf(histogram).quantile(1), 0);
  histogram.record(1e12, 0);
  const total = totalOf(histogram);
  assertEquals([total.count, total.quantile(1)], [2, 0xffffffff]);
});

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Histogram } from "../../src/observe/histogram.ts";
import { RollingHistogram } from "../../src/observe/rolling_histogram.ts";

const values = fc.array(fc.oneof(fc.nat(100), fc.nat(1_000_000), fc.nat(0xffffffff)), {
  minLength: 1,
  maxLength: 300,
});

Deno.test("a quantile is at most 4% over the true one, and never under it", () => {
  fc.assert(fc.property(values, fc.constantFrom(0.01, 0.5, 0.9, 0.99, 1), (values, share) => {
    const histogram = new Histogram();
    for (const value of values) histogram.record(value);
    const sorted = values.toSorted((a, b) => a - b);
    const wanted = sorted[Math.ceil(share * sorted.length) - 1]!;
    const got = histogram.quantile(share);
    assert(got >= wanted && got <= wanted * 1.04 + 1, `${got} for ${wanted}`);
  }));
});

Deno.test("two histograms added say what one would that had recorded both", () => {
  fc.assert(fc.property(values, values, (first, second) => {
    const [a, b, both] = [new Histogram(), new Histogram(), new Histogram()];
    for (const value of first) a.record(value);
    for (const value of second) b.record(value);
    for (const value of [...first, ...second]) both.record(value);
    a.add(b);
    assertEquals([a.count, a.quantile(0.5), a.quantile(0.99)], [
      both.count,
      both.quantile(0.5),
      both.quantile(0.99),
    ]);
  }));
});

Deno.test("a rolling histogram says of all, and of the last 60 to 70 s, what a histogram of those alone says", () => {
  const steps = fc.array(
    fc.record({ value: fc.nat(1_000_000), ms: fc.nat(30_000), times: fc.integer({ min: 1, max: 3 }) }),
    {
      minLength: 1,
      maxLength: 100,
    },
  );
  fc.assert(fc.property(steps, fc.nat(1e6), fc.nat(200_000), (steps, start, pause) => {
    const rolling = new RollingHistogram();
    let now = start;
    const recorded: { value: number; at: number; times: number }[] = [];
    for (const { value, ms, times } of steps) {
      now += ms;
      rolling.record(value, now, times);
      recorded.push({ value, at: now, times });
    }
    now += pause;
    const since = (Math.floor(now / 10_000) - 6) * 10_000;
    const [all, recent] = [new Histogram(), new Histogram()];
    for (const { value, at, times } of recorded) {
      for (let i = 0; i < times; i++) {
        all.record(value);
        if (at >= since) recent.record(value);
      }
    }
    assertEquals(rolling.count, all.count);
    for (const share of [0.01, 0.5, 0.99, 1]) {
      assertEquals(rolling.quantile(share), all.quantile(share));
      assertEquals(rolling.recentQuantile(share, now), recent.quantile(share));
      assertEquals(rolling.quantile(share), all.quantile(share));
    }
    assert(now - since >= 60_000 && now - since < 70_000);
  }));
});

Deno.test("nothing recorded is 0, and what is out of range is counted at its edge", () => {
  const histogram = new Histogram();
  assertEquals(histogram.quantile(0.5), 0);
  histogram.record(-5);
  assertEquals(histogram.quantile(1), 0);
  histogram.record(1e12);
  assertEquals([histogram.count, histogram.quantile(1)], [2, 0xffffffff]);
});

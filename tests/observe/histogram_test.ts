import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Histogram } from "../../src/observe/histogram.ts";

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

Deno.test("nothing recorded is 0, and what is out of range is counted at its edge", () => {
  const histogram = new Histogram();
  assertEquals(histogram.quantile(0.5), 0);
  histogram.record(-5);
  assertEquals(histogram.quantile(1), 0);
  histogram.record(1e12);
  assertEquals([histogram.count, histogram.quantile(1)], [2, 0xffffffff]);
});

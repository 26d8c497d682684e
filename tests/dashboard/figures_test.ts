import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { History, HistoryPart, HistorySeries, Stats } from "../../src/admin/api.ts";
import { Format } from "../../src/dashboard/format.ts";
import { RateMeter } from "../../src/dashboard/rates.ts";
import { href, parseRoute } from "../../src/dashboard/route.ts";
import { joined } from "../../src/dashboard/views/chart_models.ts";

Deno.test("an address with any names and filters is read as it was written", () => {
  const word = fc.string({ minLength: 1, unit: "binary" }).filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(fc.array(word, { maxLength: 3 }), fc.dictionary(word, word), (segments, query) => {
      const route = parseRoute(href(segments, query));
      assertEquals(route.segments, segments);
      assertEquals(Object.fromEntries(route.query), { ...query });
    }),
    { numRuns: 50 },
  );
  assertEquals(parseRoute("#/plugins/%E0%A4%A").segments, []);
});

Deno.test("figures are as people read them", () => {
  const en = new Format("en", "UTC");
  const zh = new Format("zh", "UTC");
  assertEquals([0, 0.04, 0.5, 12.34, 1204, 123_456].map((value) => en.rate(value)), [
    "0",
    "0.04",
    "0.5",
    "12.3",
    "1,204",
    "123K",
  ]);
  assertEquals(en.rate(null), "–");
  assertEquals(
    [0, 0.84, 3.14, 999.6, 12_000, 240_000, 10_800_000, 200_000_000].map((value) => en.ms(value)),
    [
      "0 ms",
      "840 µs",
      "3.1 ms",
      "1.0 s",
      "12 s",
      "4.0 min",
      "3.0 h",
      "2.3 d",
    ],
  );
  assertEquals(zh.ms(12_000), "12 秒");
  assertEquals([0, 1023, 1536, 200 * 2 ** 20].map((value) => en.bytes(value)), [
    "0 B",
    "1,023 B",
    "1.5 KiB",
    "200 MiB",
  ]);
  assertEquals([0, 0.00001, 0.12, 0.9999, 1].map((value) => en.share(value)), [
    "0%",
    "<0.01%",
    "12%",
    ">99.9%",
    "100%",
  ]);
});

Deno.test("rates are what has changed between two looks at one server, and a counter that begins anew is no loss", () => {
  const meter = new RateMeter();
  const look = (pid: number, accepted: number, at: number) =>
    meter.look(
      {
        pid,
        plugins: [{ name: "a", accepted, done: accepted, failed: 0, busy: 2 * accepted }],
      } as unknown as Stats,
      at,
    );
  look(1, 100, 0);
  assertEquals(meter.total, null);
  look(1, 150, 1000);
  assertEquals(meter.total, { in: 50, done: 50, failed: 0, refused: 100 });
  // Too soon to say anything.
  look(1, 151, 1100);
  assertEquals(meter.total?.in, 50);
  look(1, 10, 2000);
  assertEquals(meter.plugins.get("a")?.in, 0);
  look(2, 500, 3000);
  assertEquals(meter.total, null);
});

Deno.test("the hour is in equal steps, and after the last of them by the second", () => {
  const history: History = { plugin: "a", fine: part(1000, 20_500, 30), coarse: part(10_000, 20_000, 3) };
  const hour = joined(history, "1h");
  assertEquals(hour.times, [0, 10_000, 20_000, 20_500]);
  assertEquals(hour.series.queued, [0, 1, 2, 29]);
  assert(hour.times.every((at, i) => i === 0 || at > hour.times[i - 1]!));
  const minutes = joined(history, "5m");
  assertEquals([minutes.times.length, minutes.times.at(-1)], [30, 20_500]);
});

function part(step_ms: number, end_at: number, points: number): HistoryPart {
  const series = { queued: Array.from({ length: points }, (_, i) => i) };
  return { step_ms, end_at, points, series: series as unknown as HistorySeries };
}

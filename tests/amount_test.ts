import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ConfigTable } from "../plugins/config_table.ts";
import { BYTE_UNITS, formatAmount, parseAmount, TIME_UNITS, TIME_UNITS_WITH_DAYS } from "../src/amount.ts";
import { MAX_DURATION, parseBytes, parseDuration } from "../src/config/units.ts";
import { millisecondsOf } from "../src/host/duration.ts";

const KINDS = [TIME_UNITS, TIME_UNITS_WITH_DAYS, BYTE_UNITS];
const kind = fc.constantFrom(...KINDS);
const space = fc.constantFrom<"" | " ">("", " ");

Deno.test("an amount is written in its largest whole unit", () => {
  assertEquals([0, 999, 90_000, 3_600_000].map((ms) => formatAmount(ms, TIME_UNITS)), [
    "0ms",
    "999ms",
    "90s",
    "1h",
  ]);
  assertEquals(formatAmount(172_800_000, TIME_UNITS), "48h");
  assertEquals(formatAmount(172_800_000, TIME_UNITS_WITH_DAYS), "2d");
  assertEquals([0, 1536, 2 ** 31].map((bytes) => formatAmount(bytes, BYTE_UNITS, " ")), [
    "0 B",
    "1536 B",
    "2 GiB",
  ]);
});

Deno.test("what an amount is written as reads back as the same", () => {
  fc.assert(fc.property(kind, space, fc.integer({ min: 0, max: 10 ** 15 - 1 }), (units, between, amount) => {
    assertEquals(parseAmount(formatAmount(amount, units, between), units), amount);
  }));
});

Deno.test("an amount is its number times its unit, in a unit of its kind alone", () => {
  const digits = fc.tuple(fc.nat(10 ** 9), fc.nat(999_999)).map(([whole, part]) => `${whole}.${part}`);
  const unit = fc.constantFrom(...new Set(KINDS.flatMap((units) => [...units.keys()])));
  fc.assert(fc.property(kind, digits, space, unit, (units, number, between, name) => {
    const factor = units.get(name);
    const amount = factor === undefined ? undefined : Number(number) * factor;
    assertEquals(parseAmount(`${number}${between}${name}`, units), amount);
  }));
});

Deno.test("what is no amount is none", () => {
  const wrong = ["", "1", "s", "-1s", "+1s", "1e3s", "1 S", "1  s", "1s ", " 1s", ".5s", "1.s", "1.1234567s"];
  for (const text of [...wrong, `${10 ** 15}s`, 1, null, undefined, ["1s"], { toString: () => "1s" }]) {
    assertEquals(parseAmount(text, TIME_UNITS_WITH_DAYS), undefined, String(text));
  }
});

Deno.test("the server's config, a plugin's own config and what a plugin declares read amounts alike", () => {
  const most = { least: 0, most: MAX_DURATION };
  fc.assert(fc.property(fc.nat(MAX_DURATION), space, (amount, between) => {
    const [time, size] = [
      formatAmount(amount, TIME_UNITS, between),
      formatAmount(amount, BYTE_UNITS, between),
    ];
    const table = new ConfigTable({ time, size }, "config");
    assertEquals([parseDuration(time), millisecondsOf(time), table.duration("time", most)], [
      amount,
      amount,
      amount,
    ]);
    assertEquals([parseBytes(size), table.bytes("size", most)], [amount, amount]);
  }));
  assertEquals(millisecondsOf("1d"), 86_400_000);
});

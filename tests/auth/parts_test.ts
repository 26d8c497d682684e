import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { addressKey, AddressList, netText, parseNet } from "../../src/auth/address_list.ts";
import { AddressRates, MAX_RATED_ADDRESSES } from "../../src/auth/address_rates.ts";
import { HASH_WORDS, indexOfHash, wordsOf } from "../../src/auth/constant_time.ts";
import { FAILURE_WINDOW_MS, LoginFailures, MAX_FAILED_ADDRESSES } from "../../src/auth/login_failures.ts";
import { parseRate, RateMeter, rateText } from "../../src/auth/rate.ts";
import { parseRight, Rights } from "../../src/auth/rights.ts";
import { AuthError } from "../../src/auth/auth_error.ts";
import { LimitLog } from "../../src/observe/limit_log.ts";
import { TokenGuard } from "../../src/auth/token_guard.ts";
import { testLog } from "../support/test_log.ts";
import { hashOfToken, hashText, parseHash, tokenOf } from "../../src/auth/token.ts";

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });

Deno.test("a hash is found among others where it is, and nowhere else", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(hash, { selector: (each) => each.toHex(), maxLength: 20 }),
      hash,
      (all, other) => {
        const rows = new Int32Array(all.length * HASH_WORDS);
        for (const [at, each] of all.entries()) rows.set(wordsOf(each), at * HASH_WORDS);
        for (const [at, each] of all.entries()) assertEquals(indexOfHash(rows, wordsOf(each)), at);
        const isKnown = all.some((each) => each.toHex() === other.toHex());
        assertEquals(indexOfHash(rows, wordsOf(other)) >= 0, isKnown);
        for (const [at, each] of all.entries()) {
          const near = each.slice();
          near[at % 32]! ^= 1 << (at % 8);
          if (!all.some((known) => known.toHex() === near.toHex())) {
            assertEquals(
              indexOfHash(rows, wordsOf(near)),
              -1,
            );
          }
        }
      },
    ),
  );
});

Deno.test("hashes are compared without a branch, and nowhere but there", async () => {
  const source = await Deno.readTextFile("src/auth/constant_time.ts");
  const body = source.slice(source.indexOf("export function indexOfHash"));
  assert(!/\b(if|break|continue|switch|while)\b|\?|&&|\|\||===|indexOf\(/.test(body), body);
  assertEquals(body.match(/\breturn\b/g)?.length, 1);
  const guard = await Deno.readTextFile("src/auth/token_guard.ts");
  assertEquals(guard.match(/indexOfHash\(this\.#hashes, wordsOf\(hash\)\)/g)?.length, 1);
});

Deno.test("a token has 256 bits of chance, and its hash is what the config takes", () => {
  const token = tokenOf(new Uint8Array(32).fill(0xff));
  assertEquals(token, "mevent___________________________________________8");
  assertEquals(tokenOf(new Uint8Array(32)).length, "mevent_".length + 43);
  const text = hashText(hashOfToken("test"));
  assertEquals(text, "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
  assertEquals(parseHash(text), new Uint8Array(hashOfToken("test")));
  for (const wrong of ["", "sha256:", text.slice(1), `${text}0`, text.toUpperCase(), "sha1:00"]) {
    assertEquals(parseHash(wrong), undefined);
  }
});

Deno.test("addresses are in a net by their bits, IPv4 also where it came over IPv6", () => {
  const list = (...nets: string[]) => new AddressList(nets.map((net) => parseNet(net)!));
  const some = list("10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::1");
  for (
    const inside of [
      "10.255.0.1",
      "::ffff:10.1.2.3",
      "192.0.2.7",
      "2001:db8:0:0:0:0:0:9",
      "::1",
      "2001:db8::1%eth0",
    ]
  ) assert(some.has(inside), inside);
  for (const outside of ["11.0.0.1", "192.0.2.8", "2001:db9::1", "::2", "", "nowhere", "::ffff:11.0.0.1"]) {
    assert(!some.has(outside), outside);
  }
  assert(list("0.0.0.0/0").has("203.0.113.9"));
  fc.assert(fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), (address, prefix) => {
    assert(list(`${address}/${prefix}`).has(address));
    assertEquals(
      netText(parseNet(`${address}/${prefix}`)!),
      prefix === 32 ? address : `${address}/${prefix}`,
    );
  }));
  for (
    const wrong of [
      "",
      "10.0.0.0/33",
      "10.0.0/8",
      "::/129",
      "a",
      "10.0.0.1/",
      "::ffff:1.2.3.4",
      "1.2.3.4/8/8",
    ]
  ) {
    assertEquals(parseNet(wrong), undefined, wrong);
  }
});

Deno.test("counts are kept by an IPv4 address, and by the net of an IPv6 address", () => {
  assertEquals(addressKey("192.0.2.7"), "192.0.2.7");
  assertEquals(addressKey("::ffff:192.0.2.7"), "192.0.2.7");
  assertEquals(addressKey(""), "");
  for (const same of ["2001:db8::1", "2001:db8:0:0:1::", "2001:0db8:0:0:ffff:1:2:3", "2001:db8::1.2.3.4"]) {
    assertEquals(addressKey(same), "2001:db8:0:0::/64", same);
  }
  assertEquals(addressKey("::1"), "0:0:0:0::/64");
  assertEquals(addressKey("fe80::1%eth0"), "fe80:0:0:0::/64");
});

Deno.test("rights open what they name", () => {
  const of = (...rights: string[]) => new Rights(rights.flatMap((right) => parseRight(right)!));
  assert(of("call:a", "call:b").may("call", "b"));
  assert(
    !of("call:a").may("call", "b") && !of("call:a").may("enqueue", "a") && !of("call:a").may("call", null),
  );
  assert(of("stats").may("stats", null) && of("stats").may("stats", "a"));
  assert(of("stats:*").may("stats", "a") && !of("stats:*").may("stats", null));
  assert(of("*").may("control", null) && of("call:a", "call").may("call", "z"));
  assert(!new Rights([]).may("call", "a"));
  assertEquals(parseRight("call:with space:and colon"), [{ action: "call", plugin: "with space:and colon" }]);
  for (const wrong of ["", "cal", "call:", "call: a", "CALL:a", "**", "call a"]) {
    assertEquals(parseRight(wrong), undefined, wrong);
  }
});

Deno.test("a rate lets through what it says, however requests come", () => {
  for (const text of ["500/s", "100/m", "1/h"]) assertEquals(rateText(parseRate(text)!), text);
  for (const wrong of ["", "5", "0/s", "1/d", "1.5/s", "-1/s", "10000000000/s"]) {
    assertEquals(parseRate(wrong), undefined);
  }
  const requests = fc.array(fc.nat({ max: 400 }), { maxLength: 200 });
  fc.assert(fc.property(fc.integer({ min: 1, max: 50 }), requests, (most, gaps) => {
    const meter = new RateMeter({ requests: most, ms: 1000 }, 0);
    let now = 0;
    let passed = 0;
    for (const gap of gaps) {
      now += gap;
      if (meter.take(now)) passed++;
    }
    assert(passed <= most + now / 1000 * most + 1e-6);
    const later = now + 1000;
    assert(meter.isFull(later));
    for (let count = 0; count < most; count++) assert(meter.take(later));
    assert(!meter.take(later));
  }));
});

Deno.test("what is kept of addresses has a bound, and failures count for a minute", () => {
  const rates = new AddressRates(() => 0);
  assertEquals(rates.of("192.0.2.1"), null);
  rates.set({ requests: 1, ms: 1000 });
  assertEquals(rates.of(""), null);
  const first = rates.of("192.0.2.1")!;
  assert(first.take(0));
  assertEquals(rates.of("::ffff:192.0.2.1"), first);
  const failures = new LoginFailures();
  assertEquals([1, 2, 3].map(() => failures.failed("192.0.2.1", 0)), [1, 2, 3]);
  assertEquals(failures.failed("192.0.2.1", FAILURE_WINDOW_MS), 1);
  for (let i = 0; i < Math.max(MAX_FAILED_ADDRESSES, MAX_RATED_ADDRESSES); i++) {
    const address = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    rates.of(address)!.take(0);
    failures.failed(address, FAILURE_WINDOW_MS);
  }
  // The ones of before were forgotten for others.
  assert(rates.of("192.0.2.1") !== first);
  assertEquals(failures.failed("192.0.2.1", FAILURE_WINDOW_MS), 1);
});

Deno.test("what a refused login waits grows with the failures of its address, up to ten times the delay, and is spread up to twice that", () => {
  const limitLog = new LimitLog(testLog("error", () => {}), () => 0);
  const rates = new AddressRates(() => 0);
  const limits = () => ({ maxLoginFailures: 10, loginDelay: 1000 });
  const guard = new TokenGuard({ limits, rates, limitLog, clock: () => 0, now: () => 0 });
  const delay = (address: string) => {
    const error = assertThrows(() => guard.login("wrong", address, 0), AuthError);
    return [error.kind, error.delay];
  };
  const delays = Array.from({ length: 1000 }, () => delay("192.0.2.1"));
  assertEquals(delays.slice(0, 10), Array(10).fill(["wrong", 0]));
  const waits = delays.slice(10).map(([kind, ms]) => {
    assertEquals(kind, "too_many_failures");
    return Number(ms);
  });
  const between = (from: number, to: number, least: number, most: number) =>
    waits.slice(from, to).every((ms) => ms >= least && ms < most);
  assert(between(0, 19, 1000, 2000) && between(19, 39, 2000, 4000) && between(200, 990, 10_000, 20_000));
  // Those that come together are told at different times.
  const tenths = Map.groupBy(waits.slice(-100), (ms) => Math.floor(ms / 1000));
  assertEquals([tenths.size, [...tenths.values()].every(({ length }) => length >= 7 && length <= 13)], [
    10,
    true,
  ]);
  assertEquals(delay("192.0.2.2"), ["wrong", 0]);
});

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { parseAddress } from "../../src/client/address.ts";
import { keyChecksum } from "../../src/client/key_checksum.ts";
import { chooseServer } from "../../src/client/server_choice.ts";
import { ServerHealth } from "../../src/client/server_health.ts";
import { serverOrder } from "../../src/client/server_order.ts";

const PATIENCE = { deadMs: 60_000, minBackoffMs: 100, maxBackoffMs: 1000 };

/** A clock and chance that do as the test says. */
class TestFortune {
  at = 1_000_000;
  chance = 0;

  now(): number {
    return this.at;
  }

  random(): number {
    return this.chance;
  }
}

Deno.test("a key's checksum is that of the C client: of its first half, folded and inverted", () => {
  // By hand: "a" is 97; "ab" 97 + 256 * 98; of "abc" a, b, and b once more; "abcd" is "ab" and "bc"; 4 times "zz" is folded.
  const known: readonly (readonly [string, number])[] = [
    ["", 0xffff_ffff],
    ["a", 0xffff_ffff - 97],
    ["ab", 0xffff_ffff - 25_185],
    ["abc", 0xffff_ffff - 25_283],
    ["abcd", 0xffff_ffff - 50_627],
    ["zzzzzzzz", 0xffff_ffff - 59_881],
    ["ab\0cd", 0xffff_ffff - 25_185],
    // C3 A9 in UTF-8.
    ["é", 0xffff_ffff - (0xc3 + 256 * 0xa9)],
  ];
  assertEquals(known.map(([key]) => keyChecksum(key)), known.map(([, sum]) => sum));
});

Deno.test("a checksum is the same as one summed up in another way, for keys of any length", () => {
  fc.assert(fc.property(fc.string({ maxLength: 3000, unit: "binary" }), (key) => {
    const all = new TextEncoder().encode(key);
    const bytes = all.includes(0) ? all.subarray(0, all.indexOf(0)) : all;
    const pairs = bytes.length >> 1;
    let sum = 0n;
    for (let at = 0; at < pairs; at++) sum += BigInt(bytes[at]!) + 256n * BigInt(bytes[at + 1]!);
    if (bytes.length % 2 === 1) sum += BigInt(bytes[pairs]!);
    // Folding is what is left modulo 65535, but for a sum that is a multiple of it.
    const folded = sum === 0n ? 0n : (sum - 1n) % 65_535n + 1n;
    assertEquals(BigInt(keyChecksum(key)), 0xffff_ffffn - folded);
  }));
});

Deno.test("servers stand in the C client's order: transport, then address and port from their last byte on", async () => {
  const texts = [
    "unix:///run/mevent.sock",
    "tls://127.0.0.1:1",
    "udp://127.0.0.1:1",
    "tcp://10.0.0.2:26000",
    "tcp://10.0.0.1:256", // Swapped: 1.
    "tcp://10.0.0.1:1", // Swapped: 256.
    "tcp://1.0.0.2:26000",
    "tcp://[::1]:26000",
    "tcp://named:26000",
    "tcp://nowhere:26000",
    "tcp://9.0.0.1:26000",
  ];
  const find = (name: string) =>
    name === "named" ? Promise.resolve("255.0.0.1") : Promise.reject(new Error("there is no such host"));
  const { places, isCertain } = await serverOrder(texts.map(parseAddress), find);
  assert(!isCertain);
  assert((await serverOrder(texts.slice(0, -2).map(parseAddress), find)).isCertain);
  assertEquals(places.map((place) => texts[place]), [
    "tcp://9.0.0.1:26000",
    "tcp://10.0.0.1:256",
    "tcp://10.0.0.1:1",
    "tcp://named:26000",
    "tcp://1.0.0.2:26000",
    "tcp://10.0.0.2:26000",
    "tcp://[::1]:26000",
    "tcp://nowhere:26000",
    "udp://127.0.0.1:1",
    "tls://127.0.0.1:1",
    "unix:///run/mevent.sock",
  ]);
});

Deno.test("a key has a server of its own; a dead one is left out for a minute; without a key any that lives will do", () => {
  const fortune = new TestFortune();
  const servers = [0, 1, 2].map((number) => ({ number, health: new ServerHealth(PATIENCE, fortune) }));
  const choose = (key: string, chance = 0) => chooseServer(servers, key, () => chance).number;
  // 2^32 - 1 is a multiple of 3: 97 leaves 1, and so its inverse 2; 25185 none.
  assertEquals([choose("a"), choose("ab"), choose("abcd")], [2, 0, 1]);
  assertEquals([choose("", 0), choose("", 0.5), choose("", 0.99)], [0, 1, 2]);
  servers[2]!.health.unreachable();
  assertEquals([choose("a", 0), choose("a", 0.99), choose("", 0.99)], [0, 1, 1]);
  fortune.at += 59_999;
  assertEquals(choose("a", 0.99), 1);
  fortune.at += 1;
  assertEquals(choose("a", 0.99), 2);
  // All dead: the one whose next try is due first.
  servers[0]!.health.unreachable();
  fortune.at += 1;
  servers[1]!.health.unreachable();
  servers[2]!.health.unreachable();
  assertEquals(choose("a"), 0);
});

Deno.test("19 failures in a row kill a server, and an answer between them does not", () => {
  const fortune = new TestFortune();
  const health = new ServerHealth(PATIENCE, fortune);
  const fail = (times: number) => Array.from({ length: times }, () => health.failed());
  fail(18);
  health.succeeded();
  fail(18);
  assert(health.isAlive);
  fail(1);
  assert(!health.isAlive);
  assertEquals(health.pauseMs, 0);
  fortune.at += 60_000;
  assert(health.isAlive);
});

Deno.test("pauses between tries to connect double up to a bound, half of each is chance, and one that succeeds ends them", () => {
  const fortune = new TestFortune();
  const health = new ServerHealth(PATIENCE, fortune);
  const pauses = (chance: number) =>
    Array.from({ length: 6 }, () => {
      fortune.chance = chance;
      health.unreachable();
      return health.pauseMs;
    });
  assertEquals(pauses(0), [50, 100, 200, 400, 500, 500]);
  health.connected();
  assertEquals(health.pauseMs, 0);
  assertEquals(pauses(1), [100, 200, 400, 800, 1000, 1000]);
  fortune.at += 999;
  assertEquals(health.pauseMs, 1);
});

Deno.test("addresses are read as URLs, and what is none is told", () => {
  assertEquals(parseAddress("tcp://localhost"), { transport: "tcp", hostname: "localhost", port: 26_000 });
  assertEquals(parseAddress("tls://[::1]:443"), { transport: "tls", hostname: "::1", port: 443 });
  assertEquals(parseAddress("unix:///a b"), { transport: "unix", path: "/a b" });
  for (
    const wrong of [
      "localhost",
      "http://a:1",
      "tcp://a:0",
      "tcp://a:65536",
      "tcp://a:1/x",
      "udp://",
      "unix://",
    ]
  ) {
    assertThrows(() => parseAddress(wrong), TypeError, JSON.stringify(wrong));
  }
});

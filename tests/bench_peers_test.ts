import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { BeanstalkDrain } from "../bench/peers/drain/beanstalk_drain.ts";
import type { DrainProtocol } from "../bench/peers/drain/drain_protocol.ts";
import { GearmanDrain } from "../bench/peers/drain/gearman_drain.ts";
import { RedisDrain } from "../bench/peers/drain/redis_drain.ts";
import { contestantsOf } from "../bench/peers/contestants.ts";
import type { PeerResult } from "../bench/peers/peer_result.ts";
import { beforeMarkdown, overviewMarkdown, peerMarkdown, peerRows } from "../bench/peers/report.ts";
import { fileSystemOf } from "../bench/support/file_system.ts";
import { concat } from "../src/protocol/bytes.ts";

// What bench/peers.ts measures with: consumers of other systems, and medians.

const text = (string: string) => new TextEncoder().encode(string);
const string = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);

/** Payloads as they may be, line ends and zeros among them. */
const payloads = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 60 });

const redisString = (bytes: Uint8Array) => concat([text(`$${bytes.length}\r\n`), bytes, text("\r\n")]);
const gearmanPacket = (kind: number, body: Uint8Array = new Uint8Array(0)) => {
  const head = new DataView(new ArrayBuffer(12));
  head.setUint32(0, 0x00524553); // "\0RES"
  head.setUint32(4, kind);
  head.setUint32(8, body.length);
  return concat([new Uint8Array(head.buffer), body]);
};

/** How each system answers when it hands out those payloads. */
const SYSTEMS: {
  [name: string]: { drain: () => DrainProtocol; answers: (all: Uint8Array[]) => Uint8Array[] };
} = {
  BRPOP: {
    drain: () => RedisDrain.one(),
    answers: (all) => all.map((one) => concat([text("*2\r\n$4\r\necho\r\n"), redisString(one)])),
  },
  BLMPOP: {
    drain: () => RedisDrain.many(),
    answers: (all) =>
      Array.from({ length: Math.ceil(all.length / 7) }, (_, index) => {
        const some = all.slice(7 * index, 7 * index + 7);
        return concat([text(`*2\r\n$4\r\necho\r\n*${some.length}\r\n`), ...some.map(redisString)]);
      }),
  },
  reserve: {
    drain: () => new BeanstalkDrain(),
    answers: (all) => [
      text("WATCHING 2\r\n"),
      ...all.flatMap((one, id) => [
        concat([text(`RESERVED ${id} ${one.length}\r\n`), one, text("\r\n")]),
        text("DEADLINE_SOON\r\n"),
        text("DELETED\r\n"),
      ]),
    ],
  },
  GRAB_JOB: {
    drain: () => new GearmanDrain(),
    answers: (all) => all.map((one, id) => gearmanPacket(11, concat([text(`H:host:${id}\0echo\0`), one]))),
  },
};

for (const [name, { drain, answers }] of Object.entries(SYSTEMS)) {
  Deno.test(`a consumer with ${name} counts each entry once and asks on, wherever the answers are cut`, () => {
    fc.assert(fc.property(payloads, fc.infiniteStream(fc.integer({ min: 1, max: 90 })), (all, cuts) => {
      const bytes = concat(answers(all));
      const whole = drain();
      const asked = whole.take(bytes);
      assertEquals([asked.taken, whole.count], [bytes.length, all.length]);
      const inParts = drain();
      const next: Uint8Array[] = [];
      let [from, to] = [0, 0];
      while (to < bytes.length) {
        to = Math.min(bytes.length, to + cuts.next().value);
        const { taken, next: some } = inParts.take(bytes.subarray(from, to));
        from += taken;
        next.push(some);
      }
      assertEquals([from, inParts.count], [bytes.length, all.length]);
      assertEquals(string(concat(next)), string(asked.next));
    }));
  });
}

Deno.test("a consumer deletes at beanstalkd what it has reserved, and asks for another one each", () => {
  const drain = new BeanstalkDrain();
  const { next } = drain.take(text("WATCHING 2\r\nRESERVED 17 2\r\nhi\r\n"));
  assertEquals(string(next), "delete 17\r\nreserve\r\n");
  assertEquals(drain.count, 0);
  drain.take(text("DELETED\r\n"));
  assertEquals(drain.count, 1);
});

Deno.test("a consumer sleeps at gearmand when none of its questions found a job, and asks again when it is woken", () => {
  const drain = new GearmanDrain();
  const kinds = (bytes: Uint8Array) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const found: number[] = [];
    for (let at = 0; at < bytes.length; at += 12 + view.getUint32(at + 8)) found.push(view.getUint32(at + 4));
    return found;
  };
  const grabs = kinds(drain.first).filter((kind) => kind === 9).length;
  assertEquals(kinds(drain.first)[0], 1);
  const none = gearmanPacket(10);
  assertEquals(kinds(drain.take(concat(Array(grabs - 1).fill(none))).next), []);
  assertEquals(kinds(drain.take(none).next), [4]);
  assertEquals(kinds(drain.take(gearmanPacket(6)).next), Array(grabs).fill(9));
});

Deno.test("a consumer that is told of an error says which", () => {
  for (
    const [drain, answer, said] of [
      [RedisDrain.many(), text("-ERR unknown command 'BLMPOP'\r\n"), "ERR unknown command"],
      [RedisDrain.one(), text("*2\r\n-WRONGTYPE\r\n"), "WRONGTYPE"],
      [new BeanstalkDrain(), text("OUT_OF_MEMORY\r\n"), "OUT_OF_MEMORY"],
      [new GearmanDrain(), gearmanPacket(19, text("code\0not allowed")), "not allowed"],
    ] as const
  ) assertStringIncludes(assertThrows(() => drain.take(answer), Error).message, said);
});

const WORK = { kind: "sustained", connections: 50, depth: 16 } as const;

function result(rate: number, p99: number, refused = 0): PeerResult {
  return {
    ok: rate,
    errors: { "21": refused, "22": 1 },
    unmatched: 0,
    lost: 0,
    seconds: 2,
    ops_per_s: rate,
    p50_us: 100,
    p99_us: p99,
    p999_us: p99,
    max_us: p99,
    cpuMicroseconds: 1,
  };
}

Deno.test("peers' ratios are the medians of the rounds' ratios, and what is refused is told apart from what failed", () => {
  const measurements = [
    { work: WORK, contestant: "mevent", results: [result(200, 10, 4), result(900, 10), result(100, 40, 2)] },
    { work: WORK, contestant: "mevent before", results: [result(100, 20), result(300, 20), result(100, 20)] },
  ];
  const [now, before] = peerRows(measurements);
  assertEquals(now?.perSecond, 200);
  assertEquals(now?.meventTimes.rate, 1);
  assertEquals([now?.refusedPerSecond, now?.failed], [1, 3]);
  assertEquals([before?.meventTimes.rate, before?.meventTimes.p99], [2, 0.5]);
  const markdown = beforeMarkdown([WORK], peerRows(measurements), ["mevent", "mevent before"]);
  assertStringIncludes(markdown, "| sustained-50x16 |  200/s |         100/s |   2.00 |  1.00 |  0.50 |");
  const overview = overviewMarkdown([WORK], peerRows(measurements));
  assertStringIncludes(overview, "| sustained-50x16 |  200/s | 100 µs | 10 µs |");
  assertStringIncludes(overview, "mevent before 0 |");
  assertStringIncludes(peerMarkdown([WORK], peerRows(measurements)), "refused");
  const unrefused = measurements.slice(1);
  assertEquals(peerMarkdown([WORK], peerRows(unrefused)).includes("refused"), false);
});

Deno.test("a folder is in the file system of the longest mount point above it, of the last one mounted there", () => {
  const folder = Deno.realPathSync(Deno.makeTempDirSync({ suffix: " b" }));
  try {
    const escaped = folder.replaceAll(" ", "\\040");
    const mounts = [
      "/dev/root / ext4 rw 0 0",
      `/dev/a ${escaped} xfs rw 0 0`,
      `/dev/b ${escaped} btrfs rw 0 0`,
      `tmpfs ${escaped}c tmpfs rw 0 0`,
      "proc /proc proc rw 0 0",
      "",
    ];
    assertEquals(fileSystemOf(folder, mounts.join("\n")), "btrfs on /dev/b");
    assertEquals(fileSystemOf(folder, mounts[0]), "ext4 on /dev/root");
    assertEquals(fileSystemOf(folder, ""), "an unknown file system");
  } finally {
    Deno.removeSync(folder);
  }
});

Deno.test("each build does each work of mevent's, and all that is compared with it once", () => {
  const builds = [{ name: "mevent", program: "a" }, { name: "mevent before", program: "b" }];
  const names = contestantsOf("durable", builds).map(({ name }) => name);
  assertEquals(names.slice(0, 4), [
    "mevent, journal",
    "mevent before, journal",
    "mevent, journal, worked off meanwhile",
    "mevent before, journal, worked off meanwhile",
  ]);
  assertEquals(new Set(names).size, names.length);
  assertEquals(contestantsOf("beside", builds.slice(0, 1)).map(({ beside }) => beside?.[0]), [
    undefined,
    "gate",
    "ledger",
  ]);
});

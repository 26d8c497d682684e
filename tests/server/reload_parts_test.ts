import { assertEquals } from "@std/assert";
import { array, assert as check, boolean, integer, property, record } from "fast-check";
import { differences } from "../../src/config/differences.ts";
import { loadConfig } from "../../src/config/load.ts";
import { LaneId, OperationQueue, QueueBudget } from "../../src/queue/operation_queue.ts";
import { OperationRecord } from "../../src/queue/record.ts";
import { SegmentPool } from "../../src/queue/segment.ts";
import { Watermarks } from "../../src/queue/watermarks.ts";

const OPERATION = {
  command: 1001,
  encoding: 1,
  acceptedAt: 0,
  routeSlot: 0,
  routeGeneration: 0,
  requestId: 0,
  id: 0,
  delay: 0,
  keyed: false,
  hops: 0,
  attempts: 0,
};

Deno.test("a queue that is divided anew keeps every operation, in each part the oldest first", () => {
  const operations = array(
    record({ part: integer({ min: 0, max: 3 }), sync: boolean(), length: integer({ min: 1, max: 9000 }) }),
    {
      maxLength: 80,
    },
  );
  const parts = integer({ min: 1, max: 4 });
  check(property(operations, parts, parts, integer({ min: 0, max: 20 }), (all, before, after, done) => {
    const queue = new OperationQueue(
      { maxOps: 1000, maxBytes: 1e9 },
      new QueueBudget(1e9),
      new SegmentPool(2),
      undefined,
      before,
    );
    const expected: [number[], number[]][] = Array.from({ length: after }, () => [[], []]);
    const bytes = new Uint8Array(9000);
    for (const [id, { part, sync, length }] of all.entries()) {
      bytes[0] = id;
      const operation = { ...OPERATION, sync, acceptedAt: id };
      queue.put(part % before, sync ? LaneId.Sync : LaneId.Async, operation, bytes, 0, length);
    }
    const gone = takeSome(queue, done);
    for (const [id, { sync }] of all.entries()) {
      if (!gone.has(id)) expected[id % after]![sync ? LaneId.Sync : LaneId.Async].push(id);
    }
    const { ops, bytes: size } = queue;
    queue.divide(after, (_encoding, content, at) => content[at]! % after);
    assertEquals([queue.ops, queue.bytes, queue.waiting], [ops, size, ops]);
    assertEquals(
      queue.parts.map((_, part) => [takeAll(queue, part, LaneId.Sync), takeAll(queue, part, LaneId.Async)]),
      expected,
    );
    assertEquals([queue.ops, queue.bytes, queue.budget.bytes], [0, 0, 0]);
  }));
});

/** Takes so many, part by part, and finishes them; returns their ids. */
function takeSome(queue: OperationQueue, count: number): Set<number> {
  const ids = new Set<number>();
  for (const part of queue.parts.keys()) {
    for (const id of takeAll(queue, part, LaneId.Async, count - ids.size)) ids.add(id);
  }
  return ids;
}

function takeAll(queue: OperationQueue, part: number, laneId: LaneId, most = Infinity): number[] {
  const lane = queue.parts[part]![laneId];
  const ids: number[] = [];
  while (ids.length < most && lane.peek()) {
    const { offset } = lane;
    const segment = lane.segment!;
    ids.push(OperationRecord.acceptedAt(segment, offset));
    assertEquals(segment.bytes[OperationRecord.contentAt(offset)], ids.at(-1));
    lane.take();
    queue.finish(part, laneId, segment, offset);
  }
  return ids;
}

Deno.test("other bounds move the marks at once, up and down", () => {
  const seen: string[] = [];
  const marks = new Watermarks(100, 1000, (level) => seen.push(level));
  marks.rise(40, 0);
  marks.bound(50, 1000, 40, 0);
  marks.bound(1000, 1000, 40, 0);
  marks.refuse();
  marks.bound(100, 2000, 40, 0);
  marks.rise(49, 0);
  assertEquals(seen, ["warning", "normal", "full", "normal"]);
  marks.rise(50, 0);
  marks.fall(50, 1000);
  assertEquals(seen.slice(4), ["info"]);
});

Deno.test("differences are told with keys and units as in the file, and without what may be secret", () => {
  const [before, after] = ["a", "b"].map(() => loadConfig({ env: {}, flags: {} }).plugins[0]!);
  assertEquals(differences(before!, after!), []);
  const changed = {
    ...before!,
    timeout: 5000,
    maxMemory: 2 ** 30,
    concurrency: 3,
    queue: { maxOps: 7, maxBytes: 2 ** 20 },
    permissions: { ...before!.permissions, net: ["db:5432"] },
    config: { dsn: "postgres://user:secret@db" },
  };
  assertEquals(differences(before!, changed), [
    "concurrency none -> 3",
    "timeout 30s -> 5s",
    "max_memory 512 MiB -> 1 GiB",
    "queue.max_ops 1000000 -> 7",
    "queue.max_bytes 256 MiB -> 1 MiB",
    'permissions.net false -> ["db:5432"]',
    "config changed",
  ]);
});

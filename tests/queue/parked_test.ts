import { assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { DueHeap } from "../../src/queue/due_heap.ts";
import { LaneId, OperationQueue, QueueBudget } from "../../src/queue/operation_queue.ts";
import { blankOperation } from "../../src/queue/record.ts";
import { type Segment, SEGMENT_BYTES, SegmentPool } from "../../src/queue/segment.ts";
import { thorough } from "../support/thorough.ts";

Deno.test("the heap gives what a sorted list gives, whatever is added and removed", () => {
  const step = fc.record({ entry: fc.nat(200), due: fc.nat(50) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
      const heap = new DueHeap();
      const model = new Map<number, number>();
      for (const { entry, due } of steps) {
        if (model.delete(entry)) heap.remove(entry);
        else {
          model.set(entry, due);
          heap.add(entry, due);
        }
        assertEquals([heap.size, heap.earliest], [model.size, Math.min(...model.values())]);
      }
      const order = [...heap.inOrder()];
      assertEquals(new Set(order), new Set(model.keys()));
      assertEquals(order.map((entry) => model.get(entry)), [...model.values()].toSorted((a, b) => a - b));
      for (const due of [...model.values()].toSorted((a, b) => a - b)) {
        assertEquals(heap.dueOf(heap.first), due);
        heap.remove(heap.first);
      }
      assertEquals(heap.size, 0);
    }),
    { numRuns: thorough(200, 60) },
  );
});

/** Counts the segments that are out. */
class CountingPool extends SegmentPool {
  out = 0;
  override take(size: number, held: number): Segment {
    this.out++;
    return super.take(size, held);
  }
  override give(segment: Segment): void {
    this.out--;
    super.give(segment);
  }
}

Deno.test("a few operations that are parked for long among many that are not hold little more memory than they need", () => {
  const pool = new CountingPool();
  const queue = new OperationQueue({ maxOps: 1e7, maxBytes: 1e12 }, new QueueBudget(1e12), pool);
  const operation = Object.assign(blankOperation(), { command: 1001, encoding: 2 });
  const content = new Uint8Array(1000);
  const lane = queue.parts[0]![LaneId.Async];
  let ran = 0;
  for (let now = 0; now < 60_000; now++) {
    const due = now % 100 === 0 ? 1e6 + now : now + 10;
    queue.putDelayed(0, LaneId.Async, operation, content, 0, content.length, due);
    while (queue.unpark(now));
    while (lane.peek()) {
      const { segment, offset } = lane;
      lane.take();
      queue.finish(0, LaneId.Async, segment!, offset);
      ran++;
    }
  }
  assertEquals([queue.parked.count, ran], [610, 60_000 - 610]);
  const needed = Math.ceil(queue.bytes / SEGMENT_BYTES);
  assertLessOrEqual(pool.out, 2 * needed + 4, `60 MB went through, ${queue.bytes} bytes are parked`);
  while (queue.unpark(2e6));
  assertEquals([queue.parked.count, lane.waiting], [0, 610]);
  const order: number[] = [];
  for (const { segment, offset } of lane.records()) order.push(queue.idOf(LaneId.Async, segment, offset));
  const late = order.filter((id) => (id - 1) % 100 === 0);
  assertEquals(
    late,
    Array.from({ length: 600 }, (_, i) => i * 100 + 1),
    "they come in the order of their times",
  );
});

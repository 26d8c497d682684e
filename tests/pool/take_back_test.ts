import { assertEquals } from "@std/assert";
import { Assignments } from "../../src/pool/assignments.ts";
import { Lane } from "../../src/queue/lane.ts";
import { LaneId } from "../../src/queue/operation_queue.ts";
import { blankOperation, OperationRecord } from "../../src/queue/record.ts";
import { type Segment, SegmentPool } from "../../src/queue/segment.ts";
import { OperationView, takeBackAll } from "../../src/ring/handoff.ts";
import { createRing, RingReader } from "../../src/ring/ring.ts";

/** A lane in which something happens whenever an operation comes back. */
class RacingLane extends Lane {
  onBack: (id: number) => void = () => {};

  override giveBack(segment: Segment, offset: number): void {
    super.giveBack(segment, offset);
    this.onBack(OperationRecord.asyncId(segment, offset));
  }
}

/** A worker that holds operations with the ids 1 to 8 and has begun none, and the next one that it would begin. */
function holding() {
  const pool = new SegmentPool(2);
  const [sync, async] = [new Lane(pool), new RacingLane(pool)];
  const rings = { sync: createRing(4096), async: createRing(4096) };
  const assignments = new Assignments({
    rings,
    isolation: "worker",
    lanes: () => [sync, async],
    zero: 0,
    thread: { isAway: () => false, askBack: () => false, published: () => {} },
    cancelled: () => {},
  });
  for (let id = 1; id <= 8; id++) {
    async.append({ ...blankOperation(), id, command: 1001 }, new Uint8Array(8), 0, 8);
    async.peek();
    const { segment, offset } = async;
    async.take();
    assignments.give(0, LaneId.Async, segment!, offset);
  }
  assignments.publish();
  const ring = new RingReader(rings.async, rings.sync);
  const view = new OperationView();
  const beginNext = () => {
    while (ring.next()) if (view.claim(ring)) return view.idLow;
    return null;
  };
  return { assignments, async, rings, beginNext };
}

Deno.test("what is taken back from a worker that goes on meanwhile is younger than all that it begins", () => {
  const { assignments, async, beginNext } = holding();
  const [begun, back]: [number[], number[]] = [[], []];
  async.onBack = (id) => {
    back.push(id);
    const next = beginNext();
    if (next !== null) begun.push(next);
  };
  assignments.takeBack();
  assertEquals([begun, back.toSorted((a, b) => a - b)], [[1, 2, 3, 4], [5, 6, 7, 8]]);
  assertEquals([...async.records()].map(({ segment, offset }) => OperationRecord.asyncId(segment, offset)), [
    5,
    6,
    7,
    8,
  ]);
});

Deno.test("what a child process gives back is younger than all that its worker begins meanwhile", () => {
  const { rings, beginNext } = holding();
  const begun: number[] = [];
  const { compareExchange } = Atomics;
  // The worker begins one whenever one was taken.
  let isWorker = false;
  Atomics.compareExchange = ((...call: Parameters<typeof compareExchange>) => {
    const before = compareExchange(...call);
    if (isWorker) return before;
    isWorker = true;
    const next = beginNext();
    if (next !== null) begun.push(next);
    isWorker = false;
    return before;
  }) as typeof compareExchange;
  try {
    const slots = takeBackAll(rings.async).filter((_, index) => index % 2 === 0);
    assertEquals([begun, slots.length], [[1, 2, 3, 4], 4]);
  } finally {
    Atomics.compareExchange = compareExchange;
  }
});

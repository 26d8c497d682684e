import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { LaneId, OperationQueue, QueueBudget } from "../../src/queue/operation_queue.ts";
import { type Operation, OperationRecord, recordBytes } from "../../src/queue/record.ts";
import { type Segment, SEGMENT_BYTES, SegmentPool } from "../../src/queue/segment.ts";
import { thorough } from "../support/thorough.ts";

const LANES = [LaneId.Sync, LaneId.Async] as const;

interface Taken {
  readonly lane: LaneId;
  readonly segment: Segment;
  readonly offset: number;
  readonly id: number;
}

interface ParkedOperation {
  readonly id: number;
  readonly lane: LaneId;
  readonly due: number;
}

/** The queue, and beside it what it is to be: two lists of numbers and the sizes of all that is not finished. */
class Checked {
  readonly budget: QueueBudget;
  readonly queue: OperationQueue;
  readonly model: readonly [number[], number[]] = [[], []];
  readonly sizes = new Map<number, number>();
  readonly taken: Taken[] = [];
  /** What is parked: the operation, and when it is due. */
  readonly parked: ParkedOperation[] = [];
  /** The place of each operation in its line. */
  readonly #order = new Map<number, number>();
  #nextId = 0;
  #nextOrder = 0;

  constructor(readonly maxOps: number, readonly maxBytes: number, budgetBytes = Infinity) {
    this.budget = new QueueBudget(budgetBytes);
    this.queue = new OperationQueue({ maxOps, maxBytes }, this.budget, new SegmentPool(2));
  }

  put(lane: LaneId, length: number): void {
    const size = recordBytes(length);
    const fits = this.sizes.size < this.maxOps &&
      this.bytes + size <= Math.min(this.maxBytes, this.budget.maxBytes);
    assertEquals(this.queue.admits(length), fits);
    if (!fits) return;
    const id = this.#nextId++;
    this.queue.put(0, lane, operationOf(id, lane), contentOf(id, length), 1, length);
    this.#append(lane, id);
    this.sizes.set(id, size);
  }

  putDelayed(lane: LaneId, length: number, due: number): void {
    if (!this.queue.admits(length)) return;
    const id = this.#nextId++;
    this.queue.putDelayed(0, lane, operationOf(id, lane), contentOf(id, length), 1, length, due);
    this.parked.push({ id, lane, due });
    this.sizes.set(id, recordBytes(length));
  }

  #append(lane: LaneId, id: number): void {
    this.model[lane].push(id);
    this.#order.set(id, this.#nextOrder++);
  }

  take(laneId: LaneId): void {
    const lane = this.queue.parts[0]![laneId];
    const id = this.model[laneId].shift();
    assertEquals(lane.peek(), id !== undefined);
    if (id === undefined) return;
    const { segment, offset } = lane;
    this.check(laneId, segment!, offset, id);
    lane.take();
    this.taken.push({ lane: laneId, segment: segment!, offset, id });
  }

  /** What was taken and not begun goes back to its old place in the line. */
  giveBack(index: number): void {
    if (this.taken.length === 0) return;
    const [{ lane, segment, offset, id }] = this.taken.splice(index % this.taken.length, 1) as [Taken];
    this.queue.parts[0]![lane].giveBack(segment, offset);
    this.model[lane].push(id);
    this.model[lane].sort((a, b) => this.#order.get(a)! - this.#order.get(b)!);
  }

  /** What waits is cancelled. */
  remove(laneId: LaneId, index: number): void {
    const ids = this.model[laneId];
    if (ids.length === 0) return;
    const [id] = ids.splice(index % ids.length, 1) as [number];
    const found = this.queue.findWaiting(id + 1);
    assertEquals(found?.lane, laneId, `${id} is not among what waits`);
    this.check(laneId, found!.segment, found!.offset, id);
    this.queue.finishWaiting(0, laneId, found!.segment, found!.offset);
    this.sizes.delete(id);
    assertEquals([this.queue.findWaiting(id + 1), this.queue.findParked(id + 1)], [null, -1]);
  }

  /** What was taken is to be tried again later. */
  park(index: number, due: number): void {
    if (this.taken.length === 0) return;
    const [{ lane, segment, offset, id }] = this.taken.splice(index % this.taken.length, 1) as [Taken];
    this.queue.park(0, lane, segment, offset, due, "retrying");
    this.parked.push({ id, lane, due });
  }

  /** All that is due by then gets in line, the first due first; what is due at once in any order. */
  unpark(now: number): void {
    while (this.parked.length > 0) {
      const earliest = Math.min(...this.parked.map(({ due }) => due));
      assertEquals(this.queue.parked.earliest, earliest);
      if (earliest > now) break;
      const { parked } = this.queue;
      const { segment, offset } = parked.place(parked.first);
      const id = this.queue.idOf(parked.lane(parked.first), segment, offset) - 1;
      const at = this.parked.findIndex((each) => each.id === id && each.due === earliest);
      const [{ lane }] = this.parked.splice(at, 1) as [ParkedOperation];
      this.check(lane, segment, offset, id);
      assertEquals(this.queue.unpark(now), true);
      this.#append(lane, id);
    }
    assertEquals(this.queue.unpark(now), false);
  }

  /** What is parked is cancelled. */
  removeParked(index: number): void {
    if (this.parked.length === 0) return;
    const [{ id, lane }] = this.parked.splice(index % this.parked.length, 1) as [ParkedOperation];
    const { parked } = this.queue;
    const entry = this.queue.findParked(id + 1);
    assertEquals(entry >= 0, true, `${id} is not among what is parked`);
    const { segment, offset } = parked.place(entry);
    this.check(lane, segment, offset, id);
    this.queue.finishParked(entry);
    this.sizes.delete(id);
    assertEquals([this.queue.findWaiting(id + 1), this.queue.findParked(id + 1)], [null, -1]);
  }

  finish(index: number): void {
    if (this.taken.length === 0) return;
    const [{ lane, segment, offset, id }] = this.taken.splice(index % this.taken.length, 1) as [Taken];
    this.check(lane, segment, offset, id);
    this.queue.finish(0, lane, segment, offset);
    this.sizes.delete(id);
  }

  checkTotals(): void {
    assertEquals([this.queue.ops, this.queue.bytes, this.budget.bytes], [
      this.sizes.size,
      this.bytes,
      this.bytes,
    ]);
    assertEquals(this.queue.waiting, this.model[0].length + this.model[1].length);
    assertEquals(this.queue.parked.count, this.parked.length);
  }

  get bytes(): number {
    return [...this.sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  /** Whether the record still says what it said when it was put. */
  check(lane: LaneId, segment: Segment, offset: number, id: number): void {
    const wanted = operationOf(id, lane);
    const length = OperationRecord.contentLength(segment, offset);
    const at = OperationRecord.contentAt(offset);
    assertEquals({
      command: OperationRecord.command(segment, offset),
      encoding: OperationRecord.encoding(segment, offset),
      acceptedAt: OperationRecord.acceptedAt(segment, offset),
      id: this.queue.idOf(lane, segment, offset),
    }, { command: wanted.command, encoding: wanted.encoding, acceptedAt: wanted.acceptedAt, id: id + 1 });
    if (lane === LaneId.Async) assertEquals(OperationRecord.delay(segment, offset), wanted.delay);
    else {
      assertEquals([
        OperationRecord.routeSlot(segment, offset),
        OperationRecord.routeGeneration(segment, offset),
        OperationRecord.requestId(segment, offset),
      ], [wanted.routeSlot, wanted.routeGeneration, wanted.requestId]);
    }
    assertEquals(recordBytes(length), this.sizes.get(id));
    const content = segment.bytes.subarray(at, at + length);
    if (!isFilledWith(content, id & 0xff)) {
      throw new Error(`the content of operation ${id} was overwritten`);
    }
  }
}

const lane = fc.constantFrom(...LANES);
const length = fc.oneof(
  { weight: 8, arbitrary: fc.nat(300) },
  { weight: 2, arbitrary: fc.nat(60_000) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1, SEGMENT_BYTES - 32, SEGMENT_BYTES, SEGMENT_BYTES + 100) },
);
const takeOrPut = (length: fc.Arbitrary<number>) =>
  fc.oneof(
    fc.record({ kind: fc.constant("put" as const), lane, length }),
    fc.record({ kind: fc.constant("take" as const), lane }),
    fc.record({ kind: fc.constant("finish" as const), index: fc.nat(1000) }),
    fc.record({ kind: fc.constant("give back" as const), index: fc.nat(1000) }),
    fc.record({ kind: fc.constant("remove" as const), lane, index: fc.nat(1000) }),
    fc.record({ kind: fc.constant("put delayed" as const), lane, length, due: fc.nat(100) }),
    fc.record({ kind: fc.constant("park" as const), index: fc.nat(1000), due: fc.nat(100) }),
    fc.record({ kind: fc.constant("unpark" as const), now: fc.nat(100) }),
    fc.record({ kind: fc.constant("remove parked" as const), index: fc.nat(1000) }),
  );
const step = takeOrPut(length);

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Does the steps, then empties the queue; what it holds is compared after each. */
function play(checked: Checked, steps: readonly Step[]): void {
  for (const each of steps) {
    if (each.kind === "put") checked.put(each.lane, each.length);
    else if (each.kind === "take") checked.take(each.lane);
    else if (each.kind === "give back") checked.giveBack(each.index);
    else if (each.kind === "remove") checked.remove(each.lane, each.index);
    else if (each.kind === "put delayed") checked.putDelayed(each.lane, each.length, each.due);
    else if (each.kind === "park") checked.park(each.index, each.due);
    else if (each.kind === "unpark") checked.unpark(each.now);
    else if (each.kind === "remove parked") checked.removeParked(each.index);
    else checked.finish(each.index);
    checked.checkTotals();
  }
  checked.unpark(Number.MAX_VALUE);
  for (const id of LANES) while (checked.model[id].length > 0) checked.take(id);
  while (checked.taken.length > 0) checked.finish(0);
  checked.checkTotals();
  assertEquals([checked.queue.ops, checked.queue.bytes, checked.queue.waiting], [0, 0, 0]);
}

for (
  const [what, maxOps, maxBytes, budget] of [
    ["a wide queue", 1e6, 1e12, Infinity],
    ["a queue of 5 operations", 5, 1e12, Infinity],
    ["a queue of 100,000 bytes", 1e6, 100_000, Infinity],
    ["a queue that shares 50,000 bytes with others", 1e6, 1e12, 50_000],
  ] as const
) {
  Deno.test(`${what} does what two lists do, whatever is put, taken and finished in whatever order`, () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 400, size: "max" }),
        (steps) => play(new Checked(maxOps, maxBytes, budget), steps),
      ),
      { numRuns: thorough(40, 20) },
    );
  });
}

Deno.test("thousands of random sequences of commands leave the queue as they leave two lists", () => {
  const short = fc.array(takeOrPut(fc.nat(300)), { maxLength: 24, size: "max" });
  fc.assert(
    fc.property(short, fc.integer({ min: 1, max: 12 }), (steps, maxOps) => {
      play(new Checked(maxOps, 1e12), steps);
    }),
    { numRuns: thorough(10_000, 2_000) },
  );
});

Deno.test("a hundred thousand operations of many segments come out in order, finished newest first", () => {
  const checked = new Checked(1e6, 1e12);
  for (let i = 0; i < 100_000; i++) {
    checked.queue.put(0, LaneId.Async, operationOf(i, LaneId.Async), contentOf(i, 100), 1, 100);
  }
  const lane = checked.queue.parts[0]![LaneId.Async];
  const taken: [Segment, number][] = [];
  for (let id = 0; id < 100_000; id++) {
    if (!lane.peek() || checked.queue.idOf(LaneId.Async, lane.segment!, lane.offset) !== id + 1) {
      throw new Error(`${id} is not next`);
    }
    taken.push([lane.segment!, lane.offset]);
    lane.take();
  }
  for (const [segment, offset] of taken.toReversed()) checked.queue.finish(0, LaneId.Async, segment, offset);
  assertEquals([checked.queue.ops, checked.queue.bytes, lane.peek()], [0, 0, false]);
});

/** Gives segments, and remembers which. */
class WatchedPool extends SegmentPool {
  readonly given: Segment[] = [];

  override take(size: number, held: number): Segment {
    const segment = super.take(size, held);
    if (!this.given.includes(segment)) this.given.push(segment);
    return segment;
  }
}

Deno.test("an id among a quarter of a million is looked for in few segments, in line in any order and parked", () => {
  const count = 250_000;
  const pool = new WatchedPool();
  const queue = new OperationQueue({ maxOps: 1e6, maxBytes: 1e12 }, new QueueBudget(Infinity), pool);
  const content = new Uint8Array(68);
  const share = (id: number) =>
    pool.given.filter((segment) => segment.mayHold(id)).length / pool.given.length;
  const ids = Array.from({ length: 50 }, (_, index) => 1 + index * 4_999);
  const meanShare = () => ids.reduce((sum, id) => sum + share(id), 0) / ids.length;

  for (let n = 0; n < count; n++) queue.put(0, LaneId.Async, operationOf(n, LaneId.Async), content, 0, 68);
  assertEquals(meanShare() < 2 / pool.given.length, true, "one after the other: in one segment");
  for (const id of ids) assertEquals(queue.findWaiting(id)?.lane, LaneId.Async);
  assertEquals([queue.findWaiting(count + 1), queue.findParked(1)], [null, -1]);

  // Due in an order that has nothing to do with that of their ids.
  const parking = new WatchedPool();
  const parked = new OperationQueue({ maxOps: 1e6, maxBytes: 1e12 }, new QueueBudget(Infinity), parking);
  for (let n = 0; n < count; n++) {
    parked.putDelayed(0, LaneId.Async, operationOf(n, LaneId.Async), content, 0, 68, (n * 7919) % count);
  }
  for (const id of ids) {
    const entry = parked.findParked(id);
    const { segment, offset } = parked.parked.place(entry);
    assertEquals(parked.idOf(LaneId.Async, segment, offset), id);
  }
  pool.given.splice(0, Infinity, ...parking.given);
  assertEquals(meanShare() < 2 / pool.given.length, true);
  const before = parking.given.length;
  while (parked.unpark(Infinity));
  pool.given.splice(0, Infinity, ...parking.given.slice(before));
  assertEquals(meanShare() < 0.15, true, `mixed: in ${meanShare()} of the segments`);
  for (const id of ids) assertEquals(parked.findWaiting(id)?.lane, LaneId.Async);
});

Deno.test("the pool keeps no more free segments than it may, and gives a kept one again", () => {
  const pool = new SegmentPool(1);
  const [first, second] = [pool.take(100_000, 1), pool.take(100_000, 1)];
  pool.give(first);
  pool.give(second);
  assertEquals(pool.take(100_000, 1) === first, true);
  assertEquals(pool.take(100_000, 1) === second, false);
});

/** In a loop of its own: `every` takes ten times as long. */
function isFilledWith(bytes: Uint8Array, wanted: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== wanted) return false;
  return true;
}

function operationOf(id: number, lane: LaneId): Operation {
  return {
    id: 0,
    command: (1001 + id) & 0xffff,
    encoding: 1 + id % 3,
    acceptedAt: id + 0.25,
    routeSlot: id * 3,
    routeGeneration: 0xffffffff - id,
    requestId: id,
    sync: lane === LaneId.Sync,
    delay: id * 7,
    keyed: false,
    hops: 0,
    attempts: 0,
  };
}

/** Content with a foreign byte before and behind it. */
function contentOf(id: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length + 2).fill(id & 0xff);
  bytes[0] = bytes[length + 1] = (id + 1) & 0xff;
  return bytes;
}

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { OperationFilter } from "../../src/operations/operation_filter.ts";
import { OperationMatcher } from "../../src/operations/operation_filter.ts";
import type { LookedAtPlugin } from "../../src/operations/operation_row.ts";
import { OperationScan } from "../../src/operations/operation_scan.ts";
import { parsePosition, positionText } from "../../src/operations/scan_position.ts";
import { Encoding } from "../../src/protocol/body.ts";
import { DeadLetters } from "../../src/queue/dead_letters.ts";
import { LaneId, OperationQueue, QueueBudget } from "../../src/queue/operation_queue.ts";
import { blankOperation, OperationRecord } from "../../src/queue/record.ts";
import { SegmentPool } from "../../src/queue/segment.ts";
import { KeptResults } from "../../src/results/kept_results.ts";
import { thorough } from "../support/thorough.ts";
import type { OperationRow } from "../../src/operations/told.ts";

const ALL: OperationFilter = { states: null, command: null, olderMs: 0, text: "" };
const encoder = new TextEncoder();

/** A plugin's queue, dead letters and results, without anybody who runs anything. */
class Holdings {
  readonly queue = new OperationQueue(
    { maxOps: 1e6, maxBytes: 1e9 },
    new QueueBudget(1e9),
    new SegmentPool(),
    () => {},
    2,
  );
  readonly dead = new DeadLetters({ maxOps: 1e6, maxBytes: 1e9 });
  readonly results = new KeptResults({ keep: 1e9, maxOps: 1e6, maxBytes: 1e9 }, new SegmentPool());
  readonly plugin: LookedAtPlugin = {
    name: "held",
    queue: this.queue,
    results: this.results,
    operationId: (id) => `op-${id}`,
    pool: { holders: [], dead: this.dead, declaration: null },
  };
  /** By id: the state it is in. */
  readonly model = new Map<number, string>();
  #now = 1000;

  put(part: number, sync: boolean, size: number, command = 1001): void {
    const content = encoder.encode(`{"size":${size},"fill":"${"x".repeat(size)}"}`);
    const operation = {
      ...blankOperation(),
      command,
      encoding: Encoding.Json,
      sync,
      acceptedAt: this.#now++,
    };
    this.queue.put(part, sync ? LaneId.Sync : LaneId.Async, operation, content, 0, content.length);
    this.model.set(operation.id, "queued");
  }

  /** The oldest of a lane takes a step; false where there is none. */
  step(part: number, sync: boolean, to: "done" | "retrying" | "dead" | "back"): boolean {
    const laneId = sync ? LaneId.Sync : LaneId.Async;
    const lane = this.queue.parts[part]![laneId];
    if (!lane.peek()) return false;
    const { segment, offset } = lane;
    lane.take();
    const id = this.queue.idOf(laneId, segment!, offset);
    if (to === "back") {
      lane.giveBack(segment!, offset);
      return true;
    }
    if (to === "retrying") this.queue.park(part, laneId, segment!, offset, this.#now + 100, "retrying");
    else {
      const at = OperationRecord.contentAt(offset);
      const content = segment!.bytes.slice(at, at + OperationRecord.contentLength(segment!, offset));
      const acceptedAt = OperationRecord.acceptedAt(segment!, offset);
      if (to === "dead") {
        const letter = {
          id,
          command: 1001,
          encoding: Encoding.Json,
          attempts: 1,
          acceptedAt,
          failedAt: this.#now,
        };
        this.dead.keep({ ...letter, code: 30, content, error: "no luck" });
      }
      const state = to === "dead" ? "failed" : "done";
      this.results.ended(id, 1001, state, 1000, acceptedAt, this.#now++, 1, Encoding.Json, content, 0, 2);
      this.queue.finish(part, laneId, segment!, offset);
    }
    this.model.set(id, to);
    return true;
  }

  /** The nth of those that wait is cancelled. */
  cancel(nth: number): boolean {
    const waiting = [...this.model].filter(([, state]) => state === "queued").map(([id]) => id);
    const id = waiting[nth % Math.max(1, waiting.length)];
    const place = id === undefined ? null : this.queue.findWaiting(id);
    if (place === null || id === undefined) return false;
    this.queue.finishWaiting(place.part, place.lane, place.segment, place.offset);
    this.model.delete(id);
    return true;
  }

  unpark(): boolean {
    if (this.queue.parked.count === 0) return false;
    const { segment, offset } = this.queue.parked.place(this.queue.parked.first);
    const id = this.queue.idOf(this.queue.parked.lane(this.queue.parked.first), segment, offset);
    this.model.set(id, "queued");
    return this.queue.unpark(Infinity);
  }

  purgeDead(nth: number): boolean {
    const dead = [...this.model].filter(([, state]) => state === "dead").map(([id]) => id);
    const id = dead[nth % Math.max(1, dead.length)];
    if (id === undefined) return false;
    this.model.set(id, "failed");
    return this.dead.remove(id);
  }
}

type Change = (holdings: Holdings) => void;
const part = fc.nat(1);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(part, fc.boolean(), fc.oneof(fc.nat(40), fc.constant(70_000))).map(
    ([part, sync, size]): Change => (holdings) => holdings.put(part, sync, size),
  ),
  fc.tuple(part, fc.boolean(), fc.constantFrom("done", "retrying", "dead", "back")).map((
    [part, sync, to],
  ): Change =>
  (holdings) => holdings.step(part, sync, to)),
  fc.nat(100).map((nth): Change => (holdings) => holdings.cancel(nth)),
  fc.constant<Change>((holdings) => holdings.unpark()),
  fc.nat(100).map((nth): Change => (holdings) => holdings.purgeDead(nth)),
);

/** All rows, page by page, with each page in bits that end with a clock that is always late. */
function rowsOf(
  { plugin }: Holdings,
  rows: number,
  filter: OperationFilter = ALL,
  between: () => void = () => {},
): OperationRow[] {
  const found: OperationRow[] = [];
  let after: string | null = "";
  while (after !== null) {
    const bounds = { rows, records: 1e6, bytes: 1e9, time: Infinity };
    const maker = { plugin, seesParams: true, now: 1e6, zero: 0 };
    const from = after === "" ? null : parsePosition(after);
    assert(after === "" || from !== null);
    const scan: OperationScan = new OperationScan(
      plugin,
      new OperationMatcher(filter),
      bounds,
      maker,
      () => 0,
      from,
    );
    while (scan.step(-1)) between();
    found.push(...scan.rows);
    after = scan.position === null ? null : positionText(scan.position);
    between();
  }
  return found;
}

Deno.test("a look finds each operation once, in the state that it is in, whatever the size of its pages", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), fc.integer({ min: 1, max: 50 }), (changes, rows) => {
      const holdings = new Holdings();
      for (const apply of changes) apply(holdings);
      const found = rowsOf(holdings, rows);
      const wanted = [...holdings.model].map(([id, state]) => `${id} ${state}`);
      assertEquals(found.map(({ number, state }) => `${number} ${state}`).sort(), wanted.sort());
    }),
    { numRuns: thorough(1000, 100) },
  );
});

Deno.test("while operations come and go, a look finds each that stays as it is once", () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 200 }),
      fc.array(change, { maxLength: 100 }),
      fc.integer({ min: 1, max: 20 }),
      (before, meanwhile, rows) => {
        const holdings = new Holdings();
        for (const apply of before) apply(holdings);
        const begun = new Map(holdings.model);
        const moved = new Set<number>();
        let next = 0;
        const found = rowsOf(holdings, rows, ALL, () => {
          const apply = meanwhile[next++];
          if (apply === undefined) return;
          const was = new Map(holdings.model);
          apply(holdings);
          for (const [id, state] of was) if (holdings.model.get(id) !== state) moved.add(id);
        });
        const seen = found.map(({ number }) => number);
        for (const [id, state] of begun) {
          if (moved.has(id)) continue;
          const own = found.filter(({ number }) => number === id).map((row) => row.state);
          assertEquals(own, [state], `operation ${id} of ${seen}`);
        }
      },
    ),
    { numRuns: thorough(1000, 100) },
  );
});

Deno.test("a look takes the filter's word for state, command, age and text, and says how far it has looked", () => {
  const holdings = new Holdings();
  for (let index = 0; index < 100; index++) holdings.put(0, false, index, index < 10 ? 1002 : 1001);
  holdings.step(0, false, "retrying");
  holdings.step(0, false, "dead");
  const numbers = (filter: Partial<OperationFilter>) =>
    rowsOf(holdings, 7, { ...ALL, ...filter }).map(({ number }) => number);
  assertEquals(numbers({ states: new Set(["retrying"]) }), [1]);
  assertEquals(numbers({ states: new Set(["dead", "failed"]) }), [2]);
  assertEquals(numbers({ command: 1002, states: new Set(["queued"]) }), [3, 4, 5, 6, 7, 8, 9, 10]);
  assertEquals(numbers({ text: '"SIZE":77,' }), [78]);
  assertEquals(numbers({ olderMs: 1e6 - 1002 }), [3, 1, 2]);

  const bounds = { rows: 1000, records: 20, bytes: 1e9, time: Infinity };
  const maker = { plugin: holdings.plugin, seesParams: false, now: 1e6, zero: 0 };
  const matcher = new OperationMatcher({ ...ALL, command: 1003 });
  const scan = new OperationScan(holdings.plugin, matcher, bounds, maker, () => 0, null);
  while (scan.step(-1));
  assertEquals([scan.lookedAt, scan.isCut, scan.rows.length], [20, true, 0]);
  assert(scan.position !== null);
});

Deno.test("a look goes on from a place that is gone, or never was, with what is there", () => {
  const holdings = new Holdings();
  for (let index = 0; index < 1000; index++) holdings.put(0, false, 100);
  for (
    const text of [
      "lanes-1-0-13",
      "lanes-9-0-0",
      "parked-0-99-0",
      "dead-0-5-77",
      "ended-0-3-24",
      "held-0-7-0",
    ]
  ) {
    const position = parsePosition(text);
    assert(position !== null);
    const bounds = { rows: 10, records: 1e6, bytes: 1e9, time: Infinity };
    const maker = { plugin: holdings.plugin, seesParams: false, now: 1e6, zero: 0 };
    const scan = new OperationScan(
      holdings.plugin,
      new OperationMatcher(ALL),
      bounds,
      maker,
      () => 0,
      position,
    );
    while (scan.step(-1));
    assert(scan.rows.every(({ command, bytes }) => command === 1001 && bytes > 100));
  }
  for (
    const text of [
      "",
      "lanes",
      "lanes-1",
      "lanes--1-0-0",
      "lanes-1-0-99999999999999999",
      "x-0-0-0",
      "held-0-0-0-0",
    ]
  ) {
    assertEquals(parsePosition(text), null);
  }
});

Deno.test("a look through 200,000 operations holds the thread for a few ms at a time", () => {
  const holdings = new Holdings();
  for (let index = 0; index < 200_000; index++) holdings.put(0, false, 20);
  const bounds = { rows: 10, records: 1e6, bytes: 1e9, time: Infinity };
  const maker = { plugin: holdings.plugin, seesParams: false, now: 1e6, zero: 0 };
  const clock = () => performance.now();
  const matcher = new OperationMatcher({ ...ALL, command: 1003 });
  const scan = new OperationScan(holdings.plugin, matcher, bounds, maker, clock, null);
  const bits: number[] = [];
  while (true) {
    const begun = clock();
    const goesOn = scan.step(begun + 1);
    bits.push(clock() - begun);
    if (!goesOn) break;
  }
  assertEquals(scan.lookedAt, 200_000);
  // The middle one: a bit alone may stand still for others on the machine.
  const median = bits.sort((a, b) => a - b)[Math.floor(bits.length / 2)]!;
  assert(bits.length > 3 && median < 5, `${bits.length} bits, the middle one of ${median} ms`);
});

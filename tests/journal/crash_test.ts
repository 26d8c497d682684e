import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { thorough } from "../support/thorough.ts";
import { Desk, TestClock } from "./desk.ts";
import { Ledger } from "./ledger.ts";
import { MemoryDisk, systemError } from "./memory_disk.ts";

/** Sizes of files small enough that a history has many of them. */
const SEGMENT_BYTES = 4096;

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("accept" as const), value: fc.nat(60) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "end" as const,
        "end" as const,
        "attempt" as const,
        "bury" as const,
        "remember" as const,
      ),
      value: fc.nat(1000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("turn" as const, "settle" as const, "wait" as const),
      value: fc.nat(1500),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("fault" as const), value: fc.nat(12) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("kill" as const, "power" as const),
      value: fc.nat(2 ** 30),
    }),
  },
);

Deno.test("whatever happens, and wherever it crashes, what was committed is there and nothing is invented", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 20, maxLength: 250, size: "max" }),
      fc.constantFrom(0, 0, 50),
      (steps, syncMs) => {
        const ledger = new Ledger(new MemoryDisk(), { syncMs, segmentBytes: SEGMENT_BYTES });
        for (const each of steps) take(ledger, each.kind, each.value);
        take(ledger, "power", 1);
      },
    ),
    { numRuns: thorough(100, 30) },
  );
});

function take(ledger: Ledger, kind: string, value: number): void {
  const { live, disk, clock } = ledger;
  const id = live[value % Math.max(live.length, 1)];
  switch (kind) {
    case "accept":
      return ledger.accept(value);
    case "turn":
      return ledger.turn();
    case "settle":
      return ledger.settle();
    case "wait":
      clock.now += value;
      return;
    case "fault": {
      const at = disk.calls + value;
      disk.fault = (call, index) => {
        if (index >= at && index < at + 3 && call.name !== "close") throw systemError("EIO");
      };
      return;
    }
    case "kill":
      return ledger.crash(disk.afterKill());
    case "power":
      return ledger.crash(disk.afterPowerLoss(chance(value)));
  }
  if (id === undefined) return;
  if (kind === "end") ledger.end(id);
  else if (kind === "attempt") ledger.attempt(id, value % 100);
  else if (kind === "bury") ledger.bury(id);
  else ledger.remember(id);
}

/** Chance, the same for the same seed. */
function chance(seed: number): () => boolean {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state & 1) === 1;
  };
}

/** Accepts and ends so much that files are begun, removed and compacted. */
function work(ledger: Ledger): void {
  for (let round = 0; round < 40; round++) {
    for (let count = 0; count < 5; count++) ledger.accept(20);
    ledger.turn();
    const { live } = ledger;
    if (live.length > 8) {
      ledger.attempt(live[2]!, round);
      ledger.bury(live[3]!);
      ledger.remember(live[4]!);
      for (const id of live.slice(5, 7)) ledger.end(id);
      ledger.end(live[0]!);
    }
    ledger.clock.now += 30;
    ledger.settle();
  }
}

Deno.test("the disk may die at any call, also while files are compacted, and nothing that was committed is lost", () => {
  const count = new MemoryDisk();
  work(new Ledger(count, { syncMs: 0, segmentBytes: SEGMENT_BYTES }));
  assert(count.calls > 300, `only ${count.calls} calls`);
  for (let at = 10; at < count.calls; at += thorough(1, 11)) {
    const disk = new MemoryDisk();
    const ledger = new Ledger(disk, { syncMs: 0, segmentBytes: SEGMENT_BYTES });
    disk.fault = (_, index) => {
      if (index >= at) throw systemError("EIO");
    };
    work(ledger);
    const after = [disk.afterKill(), disk.afterPowerLoss(), disk.afterPowerLoss(chance(at))][at % 3]!;
    ledger.crash(after);
  }
});

Deno.test("one call may fail, whichever it is, and the journal goes on", () => {
  const count = new MemoryDisk();
  work(new Ledger(count, { syncMs: 0, segmentBytes: SEGMENT_BYTES }));
  for (let at = 8; at < count.calls; at += thorough(1, 10)) {
    const disk = new MemoryDisk();
    const ledger = new Ledger(disk, { syncMs: at % 4 === 0 ? 20 : 0, segmentBytes: SEGMENT_BYTES });
    disk.fault = (_, index) => {
      if (index === at) throw systemError(at % 3 === 0 ? "ENOSPC" : "EIO");
    };
    work(ledger);
    ledger.clock.now += 6000;
    ledger.settle();
    ledger.clock.now += 1500;
    ledger.settle();
    assert(!ledger.isFailing, `it does not go on after call ${at}`);
    ledger.crash(disk.afterPowerLoss());
  }
});

Deno.test("a file stays while what replaces its last record is told and not synced, also when that sync fails", () => {
  const ledger = new Ledger(new MemoryDisk(), { syncMs: 50, segmentBytes: SEGMENT_BYTES });
  ledger.accept(0);
  ledger.turn();
  ledger.crash(ledger.disk.afterKill());
  const { disk } = ledger;
  disk.fault = ({ name }) => {
    if (name === "syncData") throw systemError("EIO");
  };
  ledger.remember(ledger.live[0]!);
  ledger.settle();
  ledger.crash(disk.afterPowerLoss());
});

Deno.test("what a killed server wrote and did not sync outlives a loss of power in the next server's life", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const killed = new Desk(disk, clock, { syncMs: 100_000 });
  const id = killed.recovered.nextId;
  killed.accept(id);
  killed.turn();
  assertEquals(killed.accepted, 1);
  const after = disk.afterKill();
  const second = new Desk(after, clock);
  second.settle();
  assertEquals(second.recovered.waiting, [{ first: id, count: 1 }]);
  const third = new Desk(after.afterPowerLoss(), clock);
  third.settle();
  assertEquals([...third.given.keys()], [id]);
});

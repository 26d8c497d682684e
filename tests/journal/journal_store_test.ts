import { assert, assertEquals, assertThrows } from "@std/assert";
import { JournalError } from "../../src/journal/journal_error.ts";
import { RecordKind } from "../../src/journal/record_layout.ts";
import { Desk, EPOCH, FOLDER, TestClock } from "./desk.ts";
import { MemoryDisk, systemError } from "./memory_disk.ts";

Deno.test("what was accepted is there after a restart, in its order, with its attempts; what ended is not", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const before = new Desk(disk, clock);
  const first = before.recovered.nextId;
  for (let id = first; id < first + 10; id++) before.accept(id);
  before.turn();
  assertEquals(before.accepted, 10);
  before.end({ first, count: 2 }, { first: first + 5, count: 1 });
  before.attempt(first + 3, 2, EPOCH + 3_600_000);
  before.bury(first + 4);
  before.remember(first + 6, EPOCH + 3_600_000);
  before.remember(first + 7, EPOCH + 1000);
  before.settle();
  const after = new Desk(disk.afterPowerLoss(), clock);
  assertEquals(after.recovered.run, before.recovered.run);
  assertEquals(after.recovered.waiting, [{ first: first + 2, count: 1 }, { first: first + 8, count: 2 }]);
  const { parked, buried, remembered } = after.recovered;
  assertEquals({ parked, buried, remembered }, { parked: 1, buried: 1, remembered: 1 });
  assert(after.recovered.nextId > before.recovered.reserved);
  after.settle();
  assertEquals([...after.given.keys()].sort((a, b) => a - b), [2, 3, 4, 6, 8, 9].map((each) => first + each));
  assertEquals(after.given.get(first + 3), {
    kind: RecordKind.Accepted,
    attempts: 2,
    due: EPOCH + 3_600_000,
    content: `content ${first + 3}`,
  });
  assertEquals(after.given.get(first + 4)?.kind, RecordKind.Buried);
  assertEquals(after.ends.map(({ isAll }) => isAll), [true]);
  assertEquals(after.close(), null);
});

Deno.test("a write that the system cuts short, or a signal interrupts, goes on", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  disk.maxWrite = 7;
  disk.fault = ({ name }, index) => {
    if (index % 3 === 0 && ["writeAt", "syncData", "rename", "syncFolder"].includes(name)) {
      throw systemError("EINTR");
    }
  };
  const desk = new Desk(disk, clock, { segmentBytes: 2048 });
  desk.accept(desk.recovered.nextId);
  desk.settle();
  assertEquals([desk.accepted, desk.refused], [1, []]);
  const after = new Desk(disk.afterPowerLoss(), clock);
  after.settle();
  assertEquals(after.given.size, 1);
});

Deno.test("a full disk refuses operations and keeps all else until there is room again", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const desk = new Desk(disk, clock);
  const id = desk.recovered.nextId;
  desk.accept(id);
  desk.accept(id + 1);
  desk.settle();
  disk.capacity = 0;
  disk.fault = ({ name }) => {
    if (name === "writeAt") throw systemError("ENOSPC");
  };
  desk.accept(id + 2);
  desk.end({ first: id, count: 1 });
  desk.settle();
  assertEquals(desk.accepted, 2);
  assertEquals(desk.refused.map(({ count }) => count), [1]);
  assertEquals(desk.states.at(-1)?.problem, "the journal cannot be written: no space is left on the device");
  desk.accept(id + 3);
  desk.turn();
  assertEquals(desk.refused.map(({ count }) => count), [1, 1]);
  disk.capacity = Infinity;
  disk.fault = () => {};
  clock.now += 1500;
  desk.settle();
  assertEquals(desk.states.at(-1)?.problem, null);
  desk.accept(id + 4);
  desk.settle();
  assertEquals(desk.accepted, 3);
  const after = new Desk(disk.afterPowerLoss(), clock);
  after.settle();
  assertEquals([...after.given.keys()], [id + 1, id + 4]);
});

Deno.test("while the disk is full what matters no more takes no memory, and what does is written when there is room", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const desk = new Desk(disk, clock);
  const first = desk.recovered.nextId;
  for (let id = first; id < first + 10; id++) desk.accept(id);
  desk.settle();
  disk.fault = ({ name }) => {
    if (name === "writeAt") throw systemError("ENOSPC");
  };
  const until = EPOCH + 1e9;
  desk.attempt(first + 1, 1, until);
  desk.bury(first + 2);
  desk.end({ first: first + 3, count: 2 });
  desk.remember(first + 5, until);
  for (let id = first + 1000; id < first + 41_000; id++) {
    desk.remember(id, until);
    if (id >= first + 1010) desk.end({ first: id - 10, count: 1 });
    desk.attempt(first + 1, 2, until + id);
    if (id % 100 === 0) desk.turn();
  }
  desk.end({ first: first + 2, count: 1 });
  clock.now += 30;
  desk.turn();
  clock.now += 1500;
  desk.turn();
  const { unsyncedBytes } = desk.states.at(-1)!.figures;
  assert(unsyncedBytes > 0 && unsyncedBytes < 3 * 2 ** 20, String(unsyncedBytes));
  disk.fault = () => {};
  clock.now += 1500;
  desk.settle();
  const after = new Desk(disk.afterPowerLoss(), clock);
  after.settle();
  const replies = Array.from({ length: 10 }, (_, at) => first + 40_990 + at);
  const left = [
    first,
    first + 1,
    first + 5,
    ...Array.from({ length: 4 }, (_, at) => first + 6 + at),
    ...replies,
  ];
  assertEquals([...after.given.keys()].sort((a, b) => a - b), left);
  assertEquals(after.given.get(first + 1)!.attempts, 2);
  assertEquals(after.given.get(first + 5)!.kind, RecordKind.Remembered);
});

Deno.test("more than the first fill is loaded when it is asked for, from where it was", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const before = new Desk(disk, clock, { segmentBytes: 8192 });
  const first = before.recovered.nextId;
  for (let id = first; id < first + 200; id++) {
    before.accept(id, "x".repeat(100), { keyed: id === first + 150 });
    if (id % 20 === 0) before.turn();
  }
  before.settle();
  const desk = new Desk(disk.afterKill(), clock, { segmentBytes: 8192, fillBytes: 152 * 50 });
  desk.settle();
  assertEquals(desk.recovered.waiting, [{ first, count: 200 }]);
  assertEquals(desk.given.size, 49);
  assertEquals(desk.spilledKeys, [first + 150]);
  assertEquals(desk.ends.at(-1), { isAll: false, next: first + 49, passedOverBytes: 0 });
  desk.accept(desk.recovered.nextId, "new");
  desk.end({ first, count: 60 });
  desk.settle();
  desk.given.clear();
  for (let loads = 0; !desk.ends.at(-1)!.isAll; loads++) {
    assert(loads < 50);
    desk.store.load(desk.ends.at(-1)!.next, 152 * 30);
    desk.settle();
  }
  const rest = Array.from({ length: 140 }, (_, at) => first + 60 + at);
  assertEquals([...desk.given.keys()], [...rest, desk.recovered.nextId]);
});

Deno.test("files go when nothing in them counts, and what is left of many becomes one", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const desk = new Desk(disk, clock, { segmentBytes: 8192 });
  const first = desk.recovered.nextId;
  for (let id = first; id < first + 1000; id++) {
    desk.accept(id, "x".repeat(100));
    if (id % 10 === 9) desk.turn();
    if (id % 50 !== 0) desk.end({ first: id, count: 1 });
  }
  desk.settle();
  clock.now += 1500;
  desk.turn();
  const { diskBytes, liveBytes } = desk.states.at(-1)!.figures;
  assert(
    liveBytes >= 20 * 152 && diskBytes <= 1.3 * liveBytes + 8192 + 8192,
    `${diskBytes} for ${liveBytes}`,
  );
  const after = new Desk(disk.afterPowerLoss(), clock);
  after.settle();
  assertEquals([...after.given.keys()].length, 20);
  assert([...after.given.keys()].every((id) => id % 50 === 0));
});

Deno.test("what ends while its file is compacted does not come back, whatever is compacted later", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const desk = new Desk(disk, clock, { segmentBytes: 8192 });
  const live: number[] = [];
  let id = desk.recovered.nextId;
  for (let turn = 0; turn < 2000; turn++) {
    desk.accept(id, "x".repeat(1500));
    live.push(id++);
    // They end in any order, so that files thin out until one of theirs is left, which ends while it is copied.
    const at = (turn * 7919) % live.length;
    if (live.length > 8) desk.end({ first: live.splice(at, 1)[0]!, count: 1 });
    clock.now += 1;
    desk.turn();
    if (turn % 100 < 99) continue;
    desk.settle();
    const after = new Desk(disk.afterPowerLoss(), clock);
    after.settle();
    assertEquals([...after.given.keys()], live, `after ${turn} turns`);
  }
});

Deno.test("a file that is missing, or of a newer version, is told and nothing is touched", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const desk = new Desk(disk, clock, { segmentBytes: 4096 });
  for (let id = desk.recovered.nextId, end = id + 100; id < end; id++) {
    desk.accept(id, "x".repeat(100));
    desk.turn();
  }
  const paths = disk.paths();
  const gone = disk.afterKill();
  gone.remove(paths[1]!);
  const missing = assertThrows(() => new Desk(gone, clock), JournalError);
  assertEquals([missing.reason, missing.path], ["damage", paths[1]]);
  const newer = disk.afterKill();
  newer.bytes(paths[1]!).set([9, 0, 128, 0], 4);
  assertEquals(assertThrows(() => new Desk(newer, clock), JournalError).reason, "version");
  assertEquals(newer.paths(), paths);
  assert(paths[0]!.startsWith(FOLDER));
});

Deno.test("a journal with an operation that is longer than max_frame by now says how large that has to be, and is left as it is", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const before = new Desk(disk, clock);
  before.accept(before.recovered.nextId, "x".repeat(100_000));
  before.settle();
  before.close();
  const paths = disk.paths();
  const error = assertThrows(() => new Desk(disk, clock, { maxContentBytes: 50_000 }), JournalError);
  assertEquals(
    error.message,
    "the journal in /journal has a record of 100048 bytes, and max_frame allows for 50048: " +
      "start with max_frame = 100000 or more until that is worked off",
  );
  assertEquals(disk.paths(), paths);
  const after = new Desk(disk, clock, { maxContentBytes: 100_000 });
  after.settle();
  assertEquals(after.given.size, 1);
});

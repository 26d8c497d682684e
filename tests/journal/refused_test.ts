import { assert, assertEquals } from "@std/assert";
import { Desk, EPOCH, TestClock } from "./desk.ts";
import { MemoryDisk, systemError } from "./memory_disk.ts";

/** What a start finds, on each of these. */
function found(...disks: MemoryDisk[]): number[][] {
  return disks.map((disk) => {
    const desk = new Desk(disk, new TestClock());
    desk.settle();
    return [...desk.given.keys()];
  });
}

/** After a kill, and after power was lost with all that was written on the disk already. */
const both = (disk: MemoryDisk) => [disk.afterKill(), disk.afterPowerLoss(() => true)] as const;

for (const fails of [[], ["truncate"]]) {
  const how = fails.length === 0 ? "cut off" : "overwritten";
  Deno.test(`what was refused for a failed sync is ${how} at once: it is not found where no file could be begun before the server died`, () => {
    const [disk, clock] = [new MemoryDisk(), new TestClock()];
    const desk = new Desk(disk, clock);
    const id = desk.recovered.nextId;
    desk.accept(id);
    desk.settle();
    let isFirst = true;
    disk.fault = ({ name }) => {
      if (fails.includes(name) || name === "create") throw systemError("EIO");
      if (name !== "syncData" || !isFirst) return;
      isFirst = false;
      throw systemError("EIO");
    };
    for (let count = 1; count < 20; count++) desk.accept(id + count);
    desk.settle();
    assertEquals([desk.accepted, desk.refused.map(({ count }) => count)], [1, [19]]);
    assertEquals(found(...both(disk)), [[id], [id]]);
  });
}

Deno.test("what was told before it was synced stays in its file after a failed sync, for who is killed next", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const desk = new Desk(disk, clock, { syncMs: 50 });
  const id = desk.recovered.nextId;
  desk.accept(id);
  desk.turn();
  disk.fault = ({ name }) => {
    if (name === "syncData" || name === "create") throw systemError("EIO");
  };
  desk.settle();
  assertEquals([desk.accepted, desk.refused], [1, []]);
  assert(desk.states.at(-1)!.problem !== null);
  desk.accept(id + 1);
  desk.turn();
  assertEquals([desk.accepted, desk.refused.length], [1, 1]);
  assertEquals(found(disk.afterKill()), [[id]]);
});

Deno.test("a file whose name could not be synced, nor be taken back, has nothing of the operations that were refused for it", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const desk = new Desk(disk, clock, { segmentBytes: 1024 });
  const id = desk.recovered.nextId;
  desk.accept(id, "x".repeat(600));
  desk.settle();
  const syncFolder = disk.syncFolder.bind(disk);
  disk.fault = ({ name }) => {
    if (name === "remove") throw systemError("EIO");
  };
  // The name is on the disk, and the system says that it is not.
  disk.syncFolder = (folder) => {
    syncFolder(folder);
    throw systemError("EIO");
  };
  desk.accept(id + 1, "x".repeat(600));
  desk.settle();
  assertEquals([desk.accepted, desk.refused.map(({ count }) => count)], [1, [1]]);
  assertEquals(found(...both(disk)), [[id], [id]]);
  disk.fault = () => {};
  disk.syncFolder = syncFolder;
  clock.now += 1500;
  desk.settle();
  desk.accept(id + 2);
  desk.settle();
  assertEquals(desk.accepted, 2);
  assertEquals(found(disk.afterPowerLoss()), [[id, id + 2]]);
});

Deno.test("what is written ahead counts: max_disk is not passed by a byte, and is used up to the last operation that fits", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const maxDisk = 600_000;
  const desk = new Desk(disk, clock, { maxDisk });
  let id = desk.recovered.nextId;
  const end = id + 5000;
  for (; id < end && desk.refused.length === 0; id++) {
    desk.accept(id, "x".repeat(1000));
    desk.turn();
    const bytes = disk.paths().reduce((sum, path) => sum + disk.bytes(path).length, 0);
    assert(bytes <= maxDisk, `${bytes} bytes`);
  }
  assertEquals(desk.refused.length, 1);
  assert(desk.accepted * 1048 > maxDisk - 2 * 1048, `${desk.accepted} were taken`);
  assertEquals(desk.states.at(-1)?.problem ?? null, null);
});

Deno.test("on a file system that is read-only what was kept is read, and operations are refused with that until it is not", () => {
  const [before, clock] = [new MemoryDisk(), new TestClock()];
  const first = new Desk(before, clock);
  const id = first.recovered.nextId;
  first.accept(id);
  first.settle();
  assertEquals(first.close(), null);
  const disk = before.afterKill();
  disk.fault = ({ name }) => {
    if (["create", "writeAt", "rename", "remove", "truncate"].includes(name)) throw systemError("EROFS");
  };
  const desk = new Desk(disk, clock);
  const problem = "the journal cannot be written: the file system is read-only";
  assertEquals(desk.recovered.problem, problem);
  desk.settle();
  assertEquals([...desk.given.keys()], [id]);
  desk.accept(desk.recovered.nextId);
  desk.end({ first: id, count: 1 });
  desk.settle();
  assertEquals(desk.refused, [{ count: 1, problem }]);
  assertEquals(found(disk.afterKill()), [[id]]);
  disk.fault = () => {};
  clock.now += 1500;
  desk.settle();
  desk.accept(desk.recovered.nextId + 1, "later", { acceptedAt: EPOCH });
  desk.settle();
  assertEquals(found(disk.afterPowerLoss()), [[desk.recovered.nextId + 1]]);
});

import { assert, assertEquals, assertLess } from "@std/assert";
import { Desk, FOLDER, TestClock } from "./desk.ts";
import { MemoryDisk } from "./memory_disk.ts";

/** Has it turn for so long, in ms, every so often. */
function turnFor(desk: Desk, ms: number, every: number, each: () => void = () => {}): void {
  for (const end = desk.clock.now + ms; desk.clock.now < end; desk.clock.now += every) {
    each();
    desk.turn();
  }
}

/** What was told of it, each once. */
function problems(desk: Desk, of: "problem" | "cleanupProblem" = "problem"): (string | null)[] {
  const told = desk.states.map((state) => state[of]);
  return told.filter((each, index) => each !== (told[index - 1] ?? null));
}

for (const tells of [true, false]) {
  const who = tells ? "tells what is left" : "does not tell what is left";
  Deno.test(`a disk that is nearly full and ${who} has the journal stop and go on seldom, and gets few files`, () => {
    const [disk, clock] = [new MemoryDisk(), new TestClock()];
    const desk = new Desk(disk, clock, { segmentBytes: 2048 });
    let id = desk.recovered.nextId;
    const used = () => disk.paths().reduce((sum, path) => sum + disk.bytes(path).length, 0);
    desk.accept(id++, "x".repeat(1000));
    desk.settle();
    disk.tellsFree = tells;
    // When the file is cut off at its end the beginning of another fits, and no operation.
    disk.capacity = used() - 500;
    turnFor(desk, 300_000, 100, () => desk.accept(id++, "x".repeat(1000)));
    assertEquals(desk.accepted, 1);
    const { failures, files } = desk.states.at(-1)!.figures;
    assertLess(problems(desk).length, tells ? 2 : 30, JSON.stringify(problems(desk)));
    assertLess(failures, 15);
    assertLess(files, 15);
    assert(failures >= 1);
    disk.capacity = Infinity;
    turnFor(desk, 32_000, 100);
    desk.accept(id);
    desk.settle();
    assertEquals([desk.accepted, desk.states.at(-1)!.problem], [2, null]);
  });
}

Deno.test("a compaction that meets damage tells it once, with file and offset, and comes back to it ever more seldom", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const desk = new Desk(disk, clock, { segmentBytes: 8192 });
  const first = desk.recovered.nextId;
  for (let id = first; id < first + 200; id++) {
    desk.accept(id, "x".repeat(100));
    if (id % 10 === 9) desk.turn();
  }
  desk.turn();
  const path = `${FOLDER}/0000000002.journal`;
  disk.bytes(path)[300]! ^= 1;
  let looks = 0;
  disk.fault = ({ name, path: which }) => {
    if (name === "openToRead" && which === path) looks++;
  };
  for (let id = first; id < first + 200; id++) if (id % 25 !== 0) desk.end({ first: id, count: 1 });
  turnFor(desk, 3_600_000, 1000);
  assertEquals(problems(desk, "cleanupProblem"), [
    `${path} is damaged at byte 240: the record's checksum does not fit it; mevent journal check tells all of it, ` +
    "mevent journal repair keeps what can be read",
  ]);
  assertLess(looks, 20);
  assertEquals(desk.states.at(-1)!.problem, null, "operations are taken");
  disk.bytes(path)[300]! ^= 1;
  turnFor(desk, 700_000, 1000);
  assertEquals(desk.states.at(-1)!.cleanupProblem, null);
  assertLess(desk.states.at(-1)!.figures.files, 4);
});

Deno.test("a file that somebody deletes is missed: operations are refused with its name, and what was told before is kept", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const desk = new Desk(disk, clock, { segmentBytes: 4096 });
  const first = desk.recovered.nextId;
  let id = first;
  const gone = (path: string) =>
    `${path} is gone: it was deleted or moved away while the server runs; put it back, or let run what is in memory and ` +
    "start the server again: what is on disk alone is lost";
  for (; id < first + 60; id++) {
    desk.accept(id, "x".repeat(100));
    desk.turn();
  }
  const [, older] = disk.paths();
  const newest = disk.paths().at(-1)!;
  // One that was written long ago is moved away, and comes back.
  const moved = disk.bytes(older!);
  disk.remove(older!);
  turnFor(desk, 1100, 100);
  desk.accept(id++);
  desk.turn();
  assertEquals(desk.refused.at(-1), { count: 1, problem: gone(older!) });
  assertEquals(desk.states.at(-1)!.problem, gone(older!));
  disk.put(older!, moved);
  turnFor(desk, 1100, 100);
  desk.accept(id++, "after");
  desk.settle();
  assertEquals(desk.states.at(-1)!.problem, null);
  assertEquals(desk.accepted, 61);

  // The one that is written to is deleted.
  disk.remove(newest);
  turnFor(desk, 1100, 100);
  desk.accept(id++);
  desk.turn();
  assertEquals(desk.refused.at(-1), { count: 1, problem: gone(newest) });
  desk.end({ first, count: 10 });
  turnFor(desk, 5000, 100);
  assertEquals(desk.states.at(-1)!.problem, gone(newest));
  assertEquals(
    disk.paths().at(-1),
    newest.replace(/\d+(?=\.journal)/, (n) => String(Number(n) + 1).padStart(10, "0")),
  );
  // When all of it has ended, nothing is missing any more.
  desk.end({ first, count: 100 });
  turnFor(desk, 10_000, 100);
  assertEquals(desk.states.at(-1)!.problem, null);
  assertEquals(problems(desk), [gone(older!), null, gone(newest), null]);
  desk.accept(id);
  desk.settle();
  const after = new Desk(disk.afterPowerLoss(), clock);
  after.settle();
  assertEquals([...after.given.keys()], [id]);
});

Deno.test("a journal whose folder is gone says so, and takes operations when it is back", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const desk = new Desk(disk, clock);
  desk.accept(desk.recovered.nextId);
  desk.settle();
  const list = disk.list.bind(disk);
  disk.list = () => {
    throw Object.assign(new Error("no such folder"), { code: "ENOENT" });
  };
  // Nothing comes, and it is missed all the same.
  for (const end = clock.now + 6000; clock.now < end; clock.now = Math.max(clock.now + 1, desk.store.dueAt)) {
    desk.turn();
  }
  assert(desk.states.at(-1)!.problem!.startsWith(`${FOLDER}/0000000001.journal is gone`));
  disk.list = list;
  turnFor(desk, 2500, 100);
  desk.accept(desk.recovered.nextId + 1);
  desk.settle();
  assertEquals([desk.accepted, desk.states.at(-1)!.problem], [2, null]);
});

/** A journal of which all has ended, in a file that is full of it. */
function idle(options: ConstructorParameters<typeof Desk>[2] = {}) {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const desk = new Desk(disk, clock, options);
  let id = desk.recovered.nextId;
  const fill = (count: number) => {
    for (const end = id + count; id < end; id++) {
      desk.accept(id, "x".repeat(10_000));
      desk.turn();
      desk.end({ first: id, count: 1 });
    }
    desk.settle();
  };
  const bytes = () => disk.paths().reduce((sum, path) => sum + disk.bytes(path).length, 0);
  return { disk, desk, fill, bytes, next: () => id++ };
}

Deno.test("where others are refused room, a journal gives back what of its newest file need not be there, and keeps what counts", () => {
  const { disk, desk, fill, bytes, next } = idle();
  fill(300);
  turnFor(desk, 5000, 500);
  assert(bytes() > 3e6, "without need it stays");
  desk.store.shrink();
  desk.settle();
  turnFor(desk, 1500, 500);
  assertLess(bytes(), 1000);
  assertEquals(desk.states.at(-1)!.figures.diskBytes, bytes());
  fill(100);
  const letter = next();
  desk.bury(letter);
  fill(200);
  desk.store.shrink();
  desk.settle();
  turnFor(desk, 1500, 500);
  assertLess(bytes(), 10_000, "the letter is written anew");
  const after = new Desk(disk.afterPowerLoss(), desk.clock);
  after.settle();
  assertEquals([...after.given.keys()], [letter]);
});

Deno.test("a journal that is full by its own bound says so, and gives back what has ended without being asked", () => {
  const maxDisk = 3_000_000;
  const { desk, bytes, next } = idle({ maxDisk });
  const live: number[] = [];
  while (desk.refused.length === 0) {
    const id = next();
    desk.accept(id, "x".repeat(10_000));
    desk.turn();
    if (desk.refused.length === 0) live.push(id);
  }
  turnFor(desk, 2000, 500);
  assertEquals([desk.states.at(-1)!.full, desk.states.at(-1)!.problem], [true, null]);
  assertLess(bytes(), maxDisk + 1);
  desk.end({ first: live[0]!, count: live.length });
  desk.settle();
  turnFor(desk, 1500, 500);
  assertEquals(desk.states.at(-1)!.full, false);
  assertLess(bytes(), 100_000);
});

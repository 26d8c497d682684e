import { assert, assertEquals } from "@std/assert";
import { JournalError } from "../../src/journal/journal_error.ts";
import { thorough } from "../support/thorough.ts";
import { Desk, EPOCH, FOLDER, TestClock } from "./desk.ts";
import { recover } from "../../src/journal/recovery.ts";
import { MemoryDisk } from "./memory_disk.ts";

/** A journal of two files: some operations, and what has become of them; the second file is closed or not. */
function small(
  isClosed: boolean,
): { readonly disk: MemoryDisk; readonly clock: TestClock; readonly ids: number[] } {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const desk = new Desk(disk, clock, { segmentBytes: 700 });
  const first = desk.recovered.nextId;
  for (let id = first; id < first + 8; id++) {
    desk.accept(id);
    desk.turn();
  }
  desk.attempt(first + 1, 1, EPOCH + 5_000_000);
  desk.bury(first + 2);
  desk.remember(first + 3, EPOCH + 5_000_000);
  desk.end({ first: first + 4, count: 1 });
  desk.settle();
  if (isClosed) assertEquals(desk.close(), null);
  return { disk, clock, ids: [0, 1, 2, 3, 5, 6, 7].map((each) => first + each) };
}

function contents(desk: Desk): Map<number, string> {
  desk.settle();
  return new Map([...desk.given].map(([id, { kind, content }]) => [id, `${kind} ${content}`]));
}

Deno.test("every bit of a closed journal, flipped, is told as damage with its file and place, and nothing is changed", () => {
  const { disk } = small(true);
  const whole = recover(disk.afterKill(), FOLDER, EPOCH).log;
  for (const path of disk.paths()) {
    const bytes = disk.bytes(path);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const copy = disk.afterKill();
      copy.bytes(path)[bit >>> 3]! ^= 1 << (bit & 7);
      const before = copy.paths();
      const place = `${path}, bit ${bit}`;
      try {
        // The mark of the file's end may be what was written last: it is told, and nothing depends on it.
        const { log, tail } = recover(copy, FOLDER, EPOCH);
        assert(tail?.path === path && tail.offset <= bit >>> 3, `nobody has seen ${place}`);
        assertEquals(log.counts, whole.counts, place);
      } catch (error) {
        if (!(error instanceof JournalError)) throw error;
        assert(["damage", "version"].includes(error.reason) && error.message.includes("/journal/"));
        assert(error.offset <= bit >>> 3, `${place} is told at ${error.offset}`);
      }
      assertEquals(copy.paths(), before);
    }
  }
});

Deno.test("a bit of the last commit flipped before the server came to anything else takes that record and no other", () => {
  const { disk, clock, ids } = small(false);
  const path = disk.paths().at(-1)!;
  const whole = contents(new Desk(disk.afterKill(), clock));
  const { length } = disk.bytes(path);
  let lost = 0;
  for (let bit = 0; bit < length * 8; bit += thorough(5, 29)) {
    const copy = disk.afterKill();
    copy.bytes(path)[bit >>> 3]! ^= 1 << (bit & 7);
    let desk: Desk;
    try {
      desk = new Desk(copy, clock);
    } catch (error) {
      assert(error instanceof JournalError, String(error));
      continue;
    }
    const found = contents(desk);
    if (desk.recovered.tail !== null) lost++;
    else assertEquals(found, whole);
    // One record was being written, as far as anyone can tell; the ends that it told are told no more.
    const missing = [...whole.keys()].filter((id) => !found.has(id));
    assert(missing.length <= 1, `bit ${bit} takes ${missing}`);
    for (const id of found.keys()) {
      assert(ids.includes(id) || id === ids[0]! + 4, `operation ${id} is invented`);
    }
  }
  assert(lost > 0);
});

Deno.test("a file that ends at any byte of its last commit is read up to there", () => {
  const [disk, clock] = [new MemoryDisk(), new TestClock()];
  const desk = new Desk(disk, clock);
  const first = desk.recovered.nextId;
  desk.accept(first);
  desk.settle();
  const path = disk.paths().at(-1)!;
  const before = used(disk.bytes(path));
  desk.accept(first + 1);
  desk.accept(first + 2);
  desk.settle();
  const after = used(disk.bytes(path));
  for (let length = before; length <= after; length++) {
    for (const isZeroed of [false, true]) {
      const copy = disk.afterKill();
      const bytes = copy.bytes(path);
      copy.put(path, isZeroed ? bytes.fill(0, length) : bytes.slice(0, length));
      const torn = new Desk(copy, clock);
      const found = contents(torn);
      assert(found.has(first), `the first is lost where ${length} bytes are left`);
      const { tail } = torn.recovered;
      if (tail !== null) {
        assert(tail.path === path && tail.offset >= before && tail.offset + tail.bytes <= after);
      }
      if (length === after) assertEquals([found.size, tail], [3, null]);
      // What is cut off once is cut off for good.
      assertEquals(contents(new Desk(copy.afterPowerLoss(), clock)), found);
    }
  }
});

/** Up to where there is anything but zeros, in whole records. */
function used(bytes: Uint8Array): number {
  return (bytes.findLastIndex((byte) => byte !== 0) + 8) & ~7;
}

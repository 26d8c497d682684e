import { assertEquals } from "@std/assert";
import { type Shift, Shifts } from "../../src/pool/worker_generations.ts";

/** A shift whose workers hold something until it retires; `onRetire` is what reading their last replies leads to. */
function shift(onRetire: () => void = () => {}): Shift & { stopped: boolean } {
  let isEmpty = false;
  return {
    workers: [],
    all: [],
    restarts: 1,
    recycled: 2,
    isolation: "worker",
    moved: false,
    leakedThreads: 0,
    unhealthyWorkers: 0,
    stopped: false,
    get isEmpty() {
      return isEmpty;
    },
    isSpent: false,
    hurry() {},
    retire() {
      isEmpty = true;
      onRetire();
    },
    replaceHung() {},
    stop() {
      this.stopped = true;
      return Promise.resolve();
    },
  };
}

Deno.test("those who are to wait begin also where the last replies of those before come while they retire", () => {
  const first = shift(() => shifts.check());
  const shifts = new Shifts<Shift>(first);
  let begun = 0;
  shifts.take(shift(), true, () => begun++);
  assertEquals([begun, first.stopped], [1, true]);
  assertEquals([shifts.health.restarts, shifts.health.recycled], [2, 4]);
});

Deno.test("those who need not wait begin at once, and only once", () => {
  const shifts = new Shifts<Shift>(shift());
  let begun = 0;
  shifts.take(shift(), false, () => begun++);
  shifts.check();
  assertEquals(begun, 1);
});

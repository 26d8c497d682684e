import { assertEquals } from "@std/assert";
import { type WorkerGeneration, WorkerGenerations } from "../../src/pool/worker_generations.ts";

/** A generation whose workers hold something until it retires; `onRetire` is what reading their last replies leads to. */
function generation(onRetire: () => void = () => {}): WorkerGeneration & { stopped: boolean } {
  let isEmpty = false;
  return {
    workers: [],
    all: [],
    restarts: 1,
    recycled: 2,
    isolation: "worker",
    moved: false,
    leakedThreads: 0,
    hasDied: false,
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
  const first = generation(() => generations.check());
  const generations = new WorkerGenerations<WorkerGeneration>(first);
  let begun = 0;
  generations.take(generation(), true, () => begun++);
  assertEquals([begun, first.stopped], [1, true]);
  assertEquals([generations.health.restarts, generations.health.recycled], [2, 4]);
});

Deno.test("those who need not wait begin at once, and only once", () => {
  const generations = new WorkerGenerations<WorkerGeneration>(generation());
  let begun = 0;
  generations.take(generation(), false, () => begun++);
  generations.check();
  assertEquals(begun, 1);
});

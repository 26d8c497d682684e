import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { PartOwners } from "../../src/pool/part_owners.ts";
import { ReportedFigures } from "../../src/pool/reported_figures.ts";
import { Staff, type StaffWorker } from "../../src/pool/staff.ts";
import { leastWorkers, Staffing, type StaffingLimits } from "../../src/pool/staffing.ts";
import { ThreadEnds } from "../../src/server/thread_ends.ts";
import { FakeTimers } from "../support/fake_timers.ts";

const QUIET = { isWaiting: false, waited: -Infinity };

Deno.test("the first worker starts at once where operations wait, the next where they have waited for 20 ms and 100 ms after the one before", () => {
  let now = 1000;
  const staffing = new Staffing({ least: 0, most: 3, idle: 50 }, () => now);
  assertEquals(staffing.grows({ running: 0, coming: 0, ...QUIET }), null);
  assertEquals(staffing.grows({ running: 0, coming: 0, isWaiting: true, waited: 0 }), true);
  assertEquals(staffing.grows({ running: 0, coming: 1, isWaiting: true, waited: 500 }), null, "one starts");
  staffing.began();
  assertEquals(staffing.grows({ running: 1, coming: 0, isWaiting: true, waited: 30 }), 100);
  now += 90;
  assertEquals(staffing.grows({ running: 1, coming: 0, isWaiting: true, waited: 30 }), 10);
  now += 10;
  assertEquals(staffing.grows({ running: 1, coming: 0, isWaiting: true, waited: 5 }), 15);
  assertEquals(staffing.grows({ running: 1, coming: 0, isWaiting: true, waited: 20 }), true);
  assertEquals(
    staffing.grows({ running: 3, coming: 0, isWaiting: true, waited: 9999 }),
    null,
    "all are there",
  );
});

Deno.test("the last worker ends when it has had nothing to do for the idle time without a break, down to the least", () => {
  let now = 0;
  const staffing = new Staffing({ least: 1, most: 3, idle: 50 }, () => now);
  const shrinks = (running: number, isIdle: boolean, coming = 0) =>
    staffing.shrinks({ running, coming }, isIdle);
  assertEquals(shrinks(2, true), false);
  now = 49;
  assertEquals(shrinks(2, true), false);
  assertEquals(shrinks(2, false), false, "it has worked");
  now = 60;
  assertEquals(shrinks(2, true), false);
  now = 110;
  assertEquals(shrinks(2, true, 1), false, "another one is still to come");
  assertEquals(shrinks(2, true), false);
  now = 160;
  assertEquals([shrinks(2, true), shrinks(1, true)], [true, false]);
});

Deno.test("where a worker is started again soon after one has ended, the next one waits twice as long before it ends", () => {
  let now = 0;
  const staffing = new Staffing({ least: 0, most: 3, idle: 50 }, () => now);
  /** After how long without work it ends. */
  const ended = () => {
    const from = now;
    while (!staffing.shrinks({ running: 1, coming: 0 }, true)) now++;
    staffing.ends();
    return now - from;
  };
  const again = (pause: number) => {
    now += pause;
    const grows = staffing.grows({ running: 0, coming: 0, isWaiting: true, waited: 0 });
    staffing.starts();
    // More that come with it are not started soon after one has ended.
    staffing.starts();
    return grows;
  };
  assertEquals([ended(), again(499), ended(), again(999), ended()], [50, true, 100, true, 200]);
  assertEquals([again(2000), ended()], [true, 50], "not soon");
});

Deno.test("whatever happens there are never more workers than the most, nor fewer than the least without a death, and work without a worker gets one", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(200) }),
    fc.record({ kind: fc.constant("work" as const), waited: fc.nat(100) }),
    fc.record({ kind: fc.constant("rest" as const) }),
    fc.record({ kind: fc.constant("begun" as const) }),
  );
  const limits = fc.record({ least: fc.nat(3), extra: fc.integer({ min: 1, max: 4 }), idle: fc.nat(300) });
  fc.assert(fc.property(limits, fc.array(step, { maxLength: 200 }), ({ least, extra, idle }, steps) => {
    const most = least + extra;
    let now = 0;
    const staffing = new Staffing({ least, most, idle }, () => now);
    let [running, coming] = [least, 0];
    for (const each of steps) {
      if (each.kind === "pass") now += each.ms;
      else if (each.kind === "begun" && coming > 0) {
        [running, coming] = [running + 1, coming - 1];
        staffing.began();
      } else if (each.kind === "work") {
        const verdict = staffing.grows({ running, coming, isWaiting: true, waited: each.waited });
        if (running + coming === 0) assertEquals(verdict, true);
        if (verdict === true) {
          staffing.starts();
          coming++;
        }
        if (typeof verdict === "number") assert(verdict > 0 && verdict <= 100);
      } else if (each.kind === "rest" && staffing.shrinks({ running, coming }, true)) running--;
      assert(running >= least && running + coming <= most && coming <= 1);
    }
  }));
});

Deno.test("a plugin that stands by for something has a worker, and timers have one whatever the config says", () => {
  const plain = { isStanding: false, timers: [] };
  const starting = { isStanding: true, timers: [] };
  const timed = { isStanding: true, timers: [{ name: "tick", schedule: "every 1s" }] };
  const least = (minWorkers: number | "all" | "auto") =>
    [plain, starting, timed].map((declared) => leastWorkers({ workers: 4, minWorkers }, declared));
  assertEquals(least("auto"), [0, 1, 1]);
  assertEquals(least(0), [0, 0, 1]);
  assertEquals(least(2), [2, 2, 2]);
  assertEquals(least("all"), [4, 4, 4]);
});

/** Workers of a plugin as they come and go: what {@link Staff} decides is done, and anything else may happen to them. */
class Plugin {
  readonly workers: FakeWorker[] = [];
  /** By part: when those that wait were accepted. */
  readonly waiting: number[][];
  readonly staff: Staff<FakeWorker>;
  readonly #owners = new PartOwners(this.workers);
  isPaused = false;
  /** No worker can be started, and none may end. */
  isShort = false;
  done = 0;
  #wait = 100;
  #diedAt = -Infinity;
  /** Places whose worker has died and is to be replaced. */
  readonly delayed = new Set<number>();

  constructor(readonly limits: StaffingLimits, readonly isParted: boolean, readonly time: FakeTimers) {
    this.waiting = Array.from({ length: isParted ? limits.most : 1 }, () => []);
    this.staff = new Staff(limits, {
      workers: this.workers,
      queue: {
        oldestSinceFrom: (part) => Math.min(Infinity, ...this.waiting.slice(part).flat()),
      },
      isParted,
      now: () => time.now,
      mayStart: () => !this.isShort && !this.#isBackingOff,
      start: () => this.#spawn(this.workers.length),
      mayGo: () => !this.#isBackingOff,
      mayEnd: () => !this.isShort,
      dismiss: (worker) => {
        assert(worker === this.workers.at(-1) && worker.inFlight.count === 0 && !this.isShort);
        this.workers.pop();
        assert(this.workers.every(({ state }) => state === "running") && this.workers.length >= limits.least);
        worker.state = "stopping";
      },
      again: () => this.dispatch(),
    });
    for (let index = 0; index < limits.least; index++) this.#spawn(index);
  }

  get #isBackingOff(): boolean {
    return this.time.now - this.#diedAt < this.#wait;
  }

  #spawn(index: number): void {
    assert(index <= this.workers.length, "a place is left out");
    this.workers[index] = new FakeWorker();
  }

  put(part: number): void {
    this.waiting[part % this.waiting.length]!.push(this.time.now);
    this.dispatch();
  }

  dispatch(): void {
    if (this.isPaused) return;
    for (const [part, line] of this.waiting.entries()) {
      while (line.length > 0) {
        const worker = this.isParted
          ? this.#owners.of(part)
          : this.workers.find(({ state, parts }) => state === "running" && parts.length === 0);
        if (worker === null || worker === undefined || worker.parts.length > 0) break;
        worker.parts.push(part);
        line.shift();
      }
    }
    if (this.waiting.some((line) => line.length > 0)) this.staff.grow();
  }

  ready(): void {
    const worker = this.workers.find(({ state }) => state === "starting");
    if (worker === undefined) return;
    worker.state = "running";
    this.staff.began();
    this.dispatch();
  }

  finish(which: number): void {
    const worker = this.workers[which % Math.max(this.workers.length, 1)];
    if (worker === undefined || worker.parts.length === 0) return;
    worker.parts.length = 0;
    worker.answered++;
    this.done++;
    this.dispatch();
  }

  die(which: number): void {
    const index = which % Math.max(this.workers.length, 1);
    const worker = this.workers[index];
    if (worker === undefined || worker.state === "gone") return;
    worker.state = "gone";
    this.done += worker.parts.length;
    worker.parts.length = 0;
    const wait = this.#wait;
    this.#diedAt = this.time.now;
    this.#wait = Math.min(wait * 2, 1000);
    this.dispatch();
    this.#again(index, wait);
  }

  #again(index: number, wait: number): void {
    this.delayed.add(index);
    setTimeout(() => {
      this.delayed.delete(index);
      if (this.isShort) return this.#again(index, wait);
      if (this.staff.isLeft(index)) this.workers.pop();
      else this.#spawn(index);
    }, wait);
  }

  /** Nothing waits that nobody is there for, or to come for. */
  check(): void {
    const { most } = this.limits;
    assert(this.workers.length <= most && !this.workers.includes(undefined!));
    for (const [index, { state }] of this.workers.entries()) {
      assert(state !== "gone" || this.delayed.has(index), "a place whose worker is gone waits for nothing");
    }
    const isWaiting = !this.isPaused && this.waiting.some((line) => line.length > 0);
    const isComing = this.workers.length > 0 || this.staff.isPending;
    assert(!isWaiting || isComing, "operations wait, and nobody is there, or is to come");
  }
}

class FakeWorker implements StaffWorker {
  state: StaffWorker["state"] = "starting";
  answered = 0;
  /** Of what it runs. */
  readonly parts: number[] = [];
  readonly inFlight: { readonly count: number; ofPart(part: number): number };

  constructor() {
    const { parts } = this;
    this.inFlight = {
      get count() {
        return parts.length;
      },
      ofPart: (part) => parts.filter((each) => each === part).length,
    };
  }
}

Deno.test("whatever becomes of its workers, a plugin's operations never wait without one that is there or to come, and all are done in the end", () => {
  const number = fc.nat(7);
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("put" as const), of: number }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("pass" as const), of: fc.nat(300) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("ready" as const), of: number }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("finish" as const), of: number }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("die" as const), of: number }) },
    fc.record({ kind: fc.constant("pause" as const), of: number }),
    fc.record({ kind: fc.constant("short" as const), of: number }),
  );
  const limits = fc.record({ least: fc.nat(2), extra: fc.integer({ min: 1, max: 3 }), idle: fc.nat(200) });
  fc.assert(
    fc.property(limits, fc.boolean(), fc.array(step, { maxLength: 80 }), (each, isParted, steps) => {
      using time = new FakeTimers();
      const plugin = new Plugin({ ...each, most: each.least + each.extra }, isParted, time);
      let put = 0;
      for (const { kind, of } of steps) {
        if (kind === "put") plugin.put(of), put++;
        else if (kind === "pass") time.pass(of);
        else if (kind === "short") plugin.isShort = of % 2 === 0;
        else if (kind === "pause") {
          plugin.isPaused = of % 2 === 0;
          plugin.dispatch();
        } else plugin[kind](of);
        plugin.check();
      }
      plugin.isShort = plugin.isPaused = false;
      plugin.dispatch();
      for (let round = 0; round < 400 && plugin.done < put; round++) {
        time.pass(50);
        plugin.ready();
        for (let index = 0; index < plugin.workers.length; index++) plugin.finish(index);
        plugin.check();
      }
      assertEquals(plugin.done, put);
      for (let round = 0; round < 1000 && plugin.workers.length > each.least; round++) {
        time.pass(1000);
        plugin.ready();
      }
      assertEquals(plugin.workers.length, each.least, "those without work end");
      plugin.staff.end();
    }),
    { numRuns: 500 },
  );
});

Deno.test("a worker without work stays while the system has no descriptors for its end", () => {
  using time = new FakeTimers();
  const plugin = new Plugin({ least: 0, most: 2, idle: 100 }, false, time);
  plugin.put(0);
  plugin.ready();
  plugin.finish(0);
  plugin.isShort = true;
  time.pass(10_000);
  assertEquals(plugin.workers.length, 1);
  plugin.isShort = false;
  time.pass(300);
  assertEquals(plugin.workers.length, 0);
});

Deno.test("where each worker has a part, another one starts only for parts that have none, and all that there may be are not looked for", () => {
  using time = new FakeTimers();
  const plugin = new Plugin({ least: 0, most: 3, idle: 1000 }, true, time);
  plugin.put(0);
  plugin.ready();
  for (let count = 0; count < 5; count++) plugin.put(0);
  time.pass(500);
  plugin.dispatch();
  assertEquals(plugin.workers.length, 1, "another one could not help");
  plugin.put(1);
  time.pass(500);
  plugin.dispatch();
  assertEquals(plugin.workers.length, 2);
  let looks = 0;
  const full = new Staff({ least: 0, most: 2, idle: 1000 }, {
    workers: plugin.workers,
    queue: { oldestSinceFrom: () => looks++ },
    isParted: false,
    now: () => time.now,
    mayStart: () => true,
    start: () => looks++,
    mayGo: () => true,
    mayEnd: () => true,
    dismiss: () => {},
    again: () => {},
  });
  full.grow();
  assertEquals(looks, 0);
  plugin.staff.end();
});

Deno.test("a start that was put off still counts as one soon after an end", () => {
  using time = new FakeTimers();
  const plugin = new Plugin({ least: 0, most: 1, idle: 100 }, false, time);
  /** After how long without work it ends, in looks of 25 ms. */
  const ends = (putOff: number) => {
    plugin.isShort = putOff > 0;
    plugin.put(0);
    time.pass(putOff);
    plugin.isShort = false;
    time.pass(200);
    plugin.ready();
    plugin.finish(0);
    const from = time.now;
    while (plugin.workers.length > 0) time.pass(5);
    return time.now - from;
  };
  assertEquals([ends(0) < 200, ends(300) > 200], [true, true]);
});

Deno.test("threads end for want of work only while connections have the descriptors that they may need", () => {
  const lines: string[] = [];
  const log = { warn: (message: string) => void lines.push(message) };
  let free: number | null = 1000;
  const ends = new ThreadEnds({ free: () => free, connections: () => 900, log });
  assertEquals(ends.mayEnd(), true);
  free = 931;
  assertEquals([ends.mayEnd(), ends.mayEnd(), lines.length], [false, false, 1]);
  free = null;
  const blind = Array.from({ length: 101 }, () => ends.mayEnd());
  assertEquals([blind.indexOf(false), lines.length], [100, 1], "where nobody knows, so many");
});

Deno.test("gauges of a worker that ended for want of work are told no more", () => {
  const figures = new ReportedFigures();
  const limits = { depth: 0, keys: 0, figures: 0 };
  for (const worker of [0, 1]) {
    figures.report(worker, { counters: [["c", 1]], gauges: [["open", worker]], limits });
  }
  figures.forgetGauges(1);
  assertEquals([figures.gauges.get("open"), figures.counters.get("c")], [0, 2]);
});
